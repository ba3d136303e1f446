import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { IN_TOTO_MEDIA_TYPE, STATEMENT_ARTIFACT_TYPE } from "../../../src/plan/annotations";
import { digestOf } from "../../../src/plan/digest";
import type { RegistryClient } from "../../../src/registry/client";
import { copyContent } from "../../../src/registry/copy";
import { type Descriptor, isIndex, OCI_INDEX } from "../../../src/registry/manifests";
import { attachReferrer } from "../../../src/registry/referrers";
import { crane } from "../../support/crane";
import { type FaultProxy, startFaultProxy } from "../../support/fault-proxy";
import { deleteManifest, startRegistry, type TestRegistry } from "../../support/registry";
import { clientOf, json, pushIndex, validate } from "./content";

describe("copyContent between two real registries", () => {
  let stage: TestRegistry;
  let prod: TestRegistry;
  let proxy: FaultProxy;
  let source: RegistryClient;
  let target: RegistryClient;
  let repository: string;
  let count = 0;

  beforeAll(async () => {
    stage = await startRegistry();
    prod = await startRegistry();
    proxy = await startFaultProxy(prod.host);
  }, 30_000);
  afterAll(async () => {
    await proxy.stop();
    await stage.stop();
    await prod.stop();
  });
  beforeEach(async () => {
    proxy.reset();
    source = clientOf(stage.host);
    target = clientOf(proxy.host);
    repository = `octo/app${++count}`;
    await prod.forget();
  });
  afterEach(async () => {
    await source.close();
    await target.close();
  });

  const copy = (digest: string) =>
    copyContent({ from: { client: source, repository }, to: { client: target, repository }, digest });

  const attach = (subject: Descriptor, text: string) =>
    attachReferrer({
      client: source,
      repository,
      subject,
      artifactType: STATEMENT_ARTIFACT_TYPE,
      layers: [{ mediaType: IN_TOTO_MEDIA_TYPE, bytes: json({ text }) }],
    });

  it("copies an index whole, attestations included, with the same digest and no tag", async () => {
    const index = await pushIndex(source, repository, { tag: "1.0.0" });
    const result = await copy(index.digest);
    // Two layers, two configurations, two statements, and the one configuration that the attestations share.
    expect(result).toMatchObject({
      blobsCopied: 7,
      blobsMounted: 0,
      manifestsCopied: 5,
      danglingReferrers: [],
    });
    expect(await crane("digest", `${prod.host}/${repository}@${index.digest}`)).toBe(index.digest);
    await validate(`${prod.host}/${repository}@${index.digest}`);
    expect(await target.listTags(repository)).toEqual([]);
  });

  it("writes nothing when everything is there", async () => {
    const index = await pushIndex(source, repository);
    const { descriptor } = await attach(index, "statement");
    await copy(index.digest);
    await prod.forget();
    expect(await copy(index.digest)).toEqual({
      blobsCopied: 0,
      blobsMounted: 0,
      manifestsCopied: 0,
      bytes: 0,
      referrers: [descriptor.digest],
      danglingReferrers: [],
      skippedReferrers: {},
    });
    expect(await prod.writes()).toEqual([]);
  });

  it("copies referrers of referrers, of platforms, and lists them at the target", async () => {
    const index = await pushIndex(source, repository);
    const statement = await attach(index, "statement");
    const signature = await attach(statement.descriptor, "signature of the statement");
    const json = (await source.getManifest(repository, index.digest))?.json;
    const platform = isIndex(json) ? json.manifests[0] : undefined;
    if (platform === undefined) throw new Error("no platform");
    const sbom = await attach(platform, "sbom of one platform");

    await copy(index.digest);
    for (const [subject, referrer] of [
      [index, statement],
      [statement.descriptor, signature],
      [platform, sbom],
    ] as const) {
      expect(await target.referrers(repository, subject.digest)).toEqual([referrer.descriptor]);
      expect(await target.getManifest(repository, referrer.descriptor.digest)).toBeDefined();
    }
    expect((await target.listTags(repository)).every((tag) => tag.startsWith("sha256-"))).toBe(true);
  });

  it("adds to the target's referrers and loses none", async () => {
    const index = await pushIndex(source, repository);
    await copy(index.digest);
    const own = await attachReferrer({
      client: target,
      repository,
      subject: index,
      artifactType: STATEMENT_ARTIFACT_TYPE,
      layers: [{ mediaType: IN_TOTO_MEDIA_TYPE, bytes: json("prod's own") }],
    });
    const theirs = await attach(index, "stage's");
    await copy(index.digest);
    const listed = await target.referrers(repository, index.digest);
    expect(listed.map(({ digest }) => digest)).toEqual(
      [own.descriptor.digest, theirs.descriptor.digest].sort(),
    );
  });

  it("goes on where it was interrupted, at any write", async () => {
    const index = await pushIndex(source, repository);
    await attach(index, "statement");
    let interruptions = 0;
    for (let after = 0; after < 200; after++) {
      target = clientOf(proxy.host, { attempts: 1 });
      proxy.reset();
      proxy.inject({ method: "PUT", after: 2, times: 1, fault: { kind: "answer", status: 400 } });
      const outcome = await copy(index.digest).then(
        () => "done",
        () => "interrupted",
      );
      if (outcome === "done") break;
      interruptions++;
    }
    expect(interruptions).toBeGreaterThan(2);
    await validate(`${prod.host}/${repository}@${index.digest}`);
    expect(await target.referrers(repository, index.digest)).toHaveLength(1);
  });

  it("starts nothing more after a failure, and throws that failure when nothing runs", async () => {
    const index = await pushIndex(source, repository);
    proxy.inject({ method: "POST", fault: { kind: "answer", status: 403 } });
    await expect(copy(index.digest)).rejects.toMatchObject({ code: "registry-forbidden" });
    const sent = proxy.requests.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(proxy.requests).toHaveLength(sent);
    expect(proxy.requests.some(({ method, path }) => method === "PUT" && path.includes("/manifests/"))).toBe(
      false,
    );
  });

  it("mounts within one registry instead of sending", async () => {
    const index = await pushIndex(source, repository);
    const result = await copyContent({
      from: { client: source, repository },
      to: { client: source, repository: `${repository}/prod` },
      digest: index.digest,
    });
    expect(result).toMatchObject({ blobsCopied: 0, blobsMounted: 7, manifestsCopied: 5 });
    await validate(`${stage.host}/${repository}/prod@${index.digest}`);
  });

  it("says what the source does not have", async () => {
    await expect(copy(`sha256:${"0".repeat(64)}`)).rejects.toMatchObject({
      code: "registry-not-found",
      registry: stage.host,
    });
  });

  it("reports a referrer that the source lists and does not have", async () => {
    const index = await pushIndex(source, repository);
    const statement = await attach(index, "statement");
    await deleteManifest(`${stage.host}/${repository}`, statement.descriptor.digest);
    const result = await copy(index.digest);
    expect(result.danglingReferrers).toEqual([statement.descriptor.digest]);
  });

  it("copies indexes within indexes", async () => {
    const inner = await pushIndex(source, repository);
    const bytes = json({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [inner] });
    const outer = await source.putManifest(repository, digestOf(bytes), bytes, OCI_INDEX);
    expect(await copy(outer.digest)).toMatchObject({ manifestsCopied: 6 });
    expect(await target.headManifest(repository, inner.digest)).toEqual(inner);
  });
});
