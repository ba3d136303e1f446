import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  BUNDLE_MEDIA_TYPE,
  IN_TOTO_MEDIA_TYPE,
  STATEMENT_ARTIFACT_TYPE,
} from "../../../src/plan/annotations";
import { type Digest, digestOf } from "../../../src/plan/digest";
import type { RegistryClient } from "../../../src/registry/client";
import { type CopyOptions, copyContent } from "../../../src/registry/copy";
import {
  type Descriptor,
  isIndex,
  OCI_EMPTY,
  OCI_INDEX,
  OCI_MANIFEST,
} from "../../../src/registry/manifests";
import {
  attachReferrer,
  detachStatements,
  publishReferrer,
  referrerEntry,
} from "../../../src/registry/referrers";
import { startOlareg } from "../../support/olareg";
import { startRegistry } from "../../support/registry";
import { clientOf, json, pushIndex } from "./content";

const SBOM = "application/spdx+json";

interface Place {
  readonly host: string;
  stop(): Promise<void>;
}

describe.each([
  ["without the referrers API (distribution)", startRegistry],
  ["with the referrers API (olareg)", startOlareg],
])("referrers of copied content, between registries %s", (_, start: () => Promise<Place>) => {
  let stage: Place;
  let prod: Place;
  let source: RegistryClient;
  let target: RegistryClient;
  let repository: string;
  let index: Descriptor;
  let count = 0;

  beforeAll(async () => {
    [stage, prod] = await Promise.all([start(), start()]);
    [source, target] = [clientOf(stage.host), clientOf(prod.host)];
  });
  afterAll(async () => {
    await Promise.all([source?.close(), target?.close()]);
    await Promise.all([stage?.stop(), prod?.stop()]);
  });
  beforeEach(async () => {
    repository = `octo/app${++count}`;
    index = await pushIndex(source, repository);
  });

  const copy = (digest: string, accept?: CopyOptions["accept"]) =>
    copyContent({
      from: { client: source, repository },
      to: { client: target, repository },
      digest,
      ...(accept === undefined ? {} : { accept }),
    });

  const attach = async (artifactType: string, content: unknown, subject = index, mediaType = artifactType) =>
    (
      await attachReferrer({
        client: source,
        repository,
        subject,
        artifactType,
        layers: [{ mediaType, bytes: json(content) }],
      })
    ).descriptor.digest;

  /** Pushes a referrer's exact manifest, listed under `subject` by the API or the fallback tag. */
  const push = async (manifest: object, subject = index): Promise<Digest> => {
    const bytes = json({ schemaVersion: 2, mediaType: OCI_MANIFEST, ...manifest });
    const plain = { mediaType: OCI_MANIFEST, digest: digestOf(bytes), size: bytes.length };
    const entry = referrerEntry(plain, JSON.parse(bytes.toString()));
    await publishReferrer({ client: source, repository }, subject.digest, entry, bytes);
    return plain.digest;
  };
  const blob = async (content: unknown, mediaType: string): Promise<Descriptor> => {
    const { digest, size } = await source.putBlob(repository, json(content));
    return { mediaType, digest, size };
  };
  const listed = async (digest: Digest) =>
    (await target.referrers(repository, digest)).map((entry) => entry.digest).sort();

  it("are copied if they are bundles or release statements, and not otherwise", async () => {
    const bundle = await attach(BUNDLE_MEDIA_TYPE, { bundle: 1 });
    const statement = await attach(STATEMENT_ARTIFACT_TYPE, { statement: 1 }, index, IN_TOTO_MEDIA_TYPE);
    for (let at = 0; at < 5; at++) await attach(SBOM, { junk: at });
    await attach(IN_TOTO_MEDIA_TYPE, { provenance: "of another builder" });
    const result = await copy(index.digest);
    expect(await listed(index.digest)).toEqual([bundle, statement].sort());
    expect([...result.referrers].sort()).toEqual([bundle, statement].sort());
    expect(result.skippedReferrers).toEqual({ "of a kind that is not copied": 6 });
    expect((await copy(index.digest)).manifestsCopied).toBe(0);
  });

  it("of another shape than their kind are left behind", async () => {
    const config = await blob({}, OCI_EMPTY);
    const layer = await blob({ bundle: 1 }, BUNDLE_MEDIA_TYPE);
    const other = await blob({ other: 1 }, SBOM);
    const { mediaType, digest, size } = index;
    const subject = { mediaType, digest, size };
    const bundle = { artifactType: BUNDLE_MEDIA_TYPE, config, subject };
    await push({ ...bundle, layers: [layer, other] });
    await push({ ...bundle, layers: [] });
    await push({ ...bundle, layers: [other] });
    await push({ ...bundle, layers: [layer], config: other });
    await push({ ...bundle, layers: [{ ...layer, size: 17 * 1024 * 1024 }] });
    const result = await copy(index.digest);
    expect(result.skippedReferrers).toEqual({ "not valid for their kind": 5 });
    expect(await listed(index.digest)).toEqual([]);
  });

  it("about another digest are left behind", async () => {
    const other = await pushIndex(source, repository);
    const elsewhere = await attach(BUNDLE_MEDIA_TYPE, { bundle: "of another" }, other);
    const found = await source.referrers(repository, other.digest);
    const [entry] = found;
    if (entry === undefined) throw new Error("not listed");
    // Only a fallback tag can list it under another digest; the API lists by the subject itself.
    const tag = index.digest.replace(":", "-");
    const list = json({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [entry] });
    await source.putManifest(repository, tag, list, OCI_INDEX);
    const result = await copy(index.digest);
    expect(await listed(index.digest)).toEqual([]);
    expect(await target.headManifest(repository, elsewhere)).toBeUndefined();
    const isListed = (await source.referrers(repository, index.digest)).length > 0;
    expect(result.skippedReferrers).toEqual(isListed ? { "not about the digest that lists them": 1 } : {});
  });

  it("that are build statements are copied only where the index names them", async () => {
    const built = await detachStatements(source, repository, index.digest);
    const json = (await source.getManifest(repository, built))?.json;
    const platforms = isIndex(json) ? json.manifests : [];
    const [platform] = platforms;
    if (platform === undefined) throw new Error("no platform");
    await attach(IN_TOTO_MEDIA_TYPE, { provenance: "forged" }, platform);
    const asked: Digest[] = [];
    const result = await copy(built, async ({ digest }) => {
      asked.push(digest);
      return false;
    });
    expect(result.skippedReferrers).toEqual({ "of a kind that is not copied": 1 });
    expect(asked).toEqual([]);
    for (const { digest } of platforms) {
      const statements = await target.referrers(repository, digest, IN_TOTO_MEDIA_TYPE);
      expect(statements).toHaveLength(1);
    }
  });

  it("that are bundles are copied only where the caller accepts their bytes", async () => {
    const good = await attach(BUNDLE_MEDIA_TYPE, { good: true });
    await attach(BUNDLE_MEDIA_TYPE, { good: false });
    const seen: unknown[] = [];
    const result = await copy(index.digest, async (referrer, manifest, bytes) => {
      expect(manifest.subject?.digest).toBe(index.digest);
      expect(manifest.artifactType).toBe(BUNDLE_MEDIA_TYPE);
      const content: { good: boolean } = JSON.parse(Buffer.from(bytes).toString());
      seen.push(content);
      return content.good && referrer.digest === good;
    });
    expect(seen).toHaveLength(2);
    expect(await listed(index.digest)).toEqual([good]);
    expect(result.skippedReferrers).toEqual({ "not accepted": 1 });
    expect(result.referrers).toEqual([good]);
  });

  it("of referrers that are left behind are left behind too", async () => {
    const junk = await attach(SBOM, { junk: 1 });
    const descriptor = await source.headManifest(repository, junk);
    if (descriptor === undefined) throw new Error("not there");
    const signature = await attach(BUNDLE_MEDIA_TYPE, { about: "junk" }, descriptor);
    await copy(index.digest);
    expect(await target.headManifest(repository, junk)).toBeUndefined();
    expect(await target.headManifest(repository, signature)).toBeUndefined();
  });

  it("are found among 200 pieces of junk", async () => {
    const bundle = await attach(BUNDLE_MEDIA_TYPE, { bundle: 1 });
    const config = await blob({}, OCI_EMPTY);
    const { mediaType, digest, size } = index;
    const junk: { subjectListed: boolean; entry: Descriptor }[] = [];
    // One after another: olareg loses some of those that come at once.
    for (let at = 0; at < 200; at++) {
      const bytes = json({
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        artifactType: SBOM,
        config,
        layers: [config],
        subject: { mediaType, digest, size },
        annotations: { at: String(at) },
      });
      const plain = { mediaType: OCI_MANIFEST, digest: digestOf(bytes), size: bytes.length };
      const { subjectListed } = await source.pushManifest(repository, plain.digest, bytes, OCI_MANIFEST);
      junk.push({ subjectListed, entry: { ...plain, artifactType: SBOM } });
    }
    if (junk.some(({ subjectListed }) => !subjectListed)) {
      const own = await source.referrers(repository, digest);
      const manifests = [...own, ...junk.map(({ entry }) => entry)];
      const list = json({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
      await source.putManifest(repository, digest.replace(":", "-"), list, OCI_INDEX);
    }
    const result = await copy(digest);
    expect(result.skippedReferrers).toEqual({ "of a kind that is not copied": 200 });
    expect(await listed(digest)).toEqual([bundle]);
  });
});
