import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  CONTENT_KEY_ANNOTATION,
  IN_TOTO_MEDIA_TYPE,
  REVISION_ANNOTATION,
} from "../../../src/plan/annotations";
import { type Digest, isDigest } from "../../../src/plan/digest";
import { detachedDigests } from "../../../src/plan/image-index";
import { content } from "../../../src/provider/resources/content";
import { imageCopy } from "../../../src/provider/resources/image-copy";
import { copyContent } from "../../../src/registry/copy";
import { OCI_INDEX } from "../../../src/registry/manifests";
import { missingStatements } from "../../../src/registry/referrers";
import { type Context, NO_LOG } from "../../../src/release/operation";
import { NO_CONFIG } from "../../../src/release/provider-config";
import { Registries } from "../../../src/release/registries";
import { Signing } from "../../../src/release/signing";
import { crane } from "../../support/crane";
import { desiredContent, EngineCalls, type State } from "../../support/engine-calls";
import { type FaultProxy, startFaultProxy } from "../../support/fault-proxy";
import { type Olareg, startOlareg } from "../../support/olareg";
import { deleteManifest, startRegistry, type TestRegistry } from "../../support/registry";
import { EVERY_CASE } from "../../support/slices";
import { pushIndex } from "../registry/content";

const KEY = "c".repeat(64);
const PLATFORMS = ["linux/amd64", "linux/arm64"];

let plain: TestRegistry;
let withApi: Olareg;
let proxies: readonly [FaultProxy, FaultProxy];
let context: Context;
let warnings: string[];
let path: string;
let count = 0;

beforeAll(async () => {
  [plain, withApi] = await Promise.all([startRegistry(), startOlareg()]);
  proxies = [await startFaultProxy(plain.host), await startFaultProxy(withApi.host)];
  context = {
    registries: new Registries(NO_CONFIG, {}),
    signing: new Signing(undefined, {}),
    log: { ...NO_LOG, warn: async (_, text) => void warnings.push(text) },
  };
});

afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.stop()));
  await Promise.all([plain.stop(), withApi.stop()]);
});

beforeEach(() => {
  warnings = [];
  path = `octo/app${++count}`;
});

const repositories = () => proxies.map(({ host }) => `${host}/${path}`);

/** Pushes what BuildKit does: one index with attestations, by digest to both registries, without a tag. */
async function build(): Promise<Digest> {
  const [first, second] = repositories().map((repository) => context.registries.at(repository));
  if (first === undefined || second === undefined) throw new Error("there are two registries");
  const annotations = { [CONTENT_KEY_ANNOTATION]: KEY, [REVISION_ANNOTATION]: "1".repeat(40) };
  const { digest } = await pushIndex(first.client, path, { annotations });
  await copyContent({
    from: { client: first.client, repository: path },
    to: { client: second.client, repository: path },
    digest,
  });
  return digest;
}

function planOf(source: "build" | "found" = "found") {
  return desiredContent({
    repositories: repositories(),
    contentKey: KEY,
    revision: "1".repeat(40),
    platforms: PLATFORMS,
    source,
    attestations: "referrers",
  });
}

const operation = { urn: "urn", preview: false };

async function claim(digest: Digest): Promise<Digest> {
  const { outputs } = await new EngineCalls(content, context).create({ digest }, planOf("build"));
  if (!isDigest(outputs.digest)) throw new Error("it has no digest");
  return outputs.digest;
}

/** The state of content that was released. */
function stateOf(digest: Digest): State {
  const inputs = { image: "app", repositories: repositories(), tag: "sha-1111111", digest, sign: "none" };
  return { inputs, outputs: { ...inputs, referrers: [], signer: "" } };
}

/** By crane, and by each registry's own listing: real platforms in the index, a statement beside each. */
async function expectDetached(digest: Digest): Promise<void> {
  for (const repository of repositories()) {
    const index = JSON.parse(await crane("manifest", `${repository}:sha-1111111`));
    expect(await crane("digest", `${repository}:sha-1111111`)).toBe(digest);
    expect(index.manifests.map((entry: { platform: object }) => entry.platform)).toEqual([
      { os: "linux", architecture: "amd64" },
      { os: "linux", architecture: "arm64" },
    ]);
    const { client } = context.registries.at(repository);
    for (const platform of index.manifests) {
      const listed = await client.referrers(path, platform.digest, IN_TOTO_MEDIA_TYPE);
      expect(listed).toHaveLength(1);
      const manifest = JSON.parse(await crane("manifest", `${repository}@${listed[0]?.digest}`));
      expect(manifest).toMatchObject({
        artifactType: IN_TOTO_MEDIA_TYPE,
        subject: { digest: platform.digest },
      });
      const statement = await crane("blob", `${repository}@${manifest.layers[0].digest}`);
      expect(JSON.parse(statement)).toEqual({ about: platform.digest });
    }
  }
}

describe("attestations as referrers", () => {
  test("leave an index of platforms in both kinds of registry, and the second time nothing is written", async () => {
    const built = await build();
    const digest = await claim(built);
    expect(digest).not.toBe(built);
    await expectDetached(digest);
    for (const proxy of proxies) proxy.reset();
    expect(await claim(built)).toBe(digest);
    const writes = proxies.flatMap(({ requests }) =>
      requests.filter(({ method }) => !/GET|HEAD/.test(method)),
    );
    expect(writes).toEqual([]);
  });

  test("are complete with the same digest after a run that broke off at any write", async () => {
    for (const proxy of proxies) {
      let broke = true;
      for (let after = 0; broke; after += EVERY_CASE ? 1 : 3) {
        path = `octo/app${++count}`;
        const built = await build();
        proxy.inject({ method: "PUT", after, fault: { kind: "answer", status: 400 } });
        broke = await claim(built).then(
          () => false,
          () => true,
        );
        proxy.reset();
        const digest = await claim(built);
        for (const repository of repositories()) {
          const { client } = context.registries.at(repository);
          expect((await client.headManifest(path, "sha-1111111"))?.digest).toBe(digest);
          expect(await missingStatements(client, path, digest)).toEqual([]);
        }
        if (after === 0) expect(broke).toBe(true);
        expect(after).toBeLessThan(20);
        if (!broke) await expectDetached(digest);
      }
    }
    expect(warnings).toEqual([]);
  });

  test("that are no longer listed are listed again by the next up", async () => {
    const digest = await claim(await build());
    const [repository = ""] = repositories();
    const { client } = context.registries.at(repository);
    const index = JSON.parse(await crane("manifest", `${repository}@${digest}`));
    const empty = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] }));
    await client.putManifest(path, index.manifests[0].digest.replace(":", "-"), empty, OCI_INDEX);

    const [calls, state] = [new EngineCalls(content, context), stateOf(digest)];
    expect(await calls.diff(state, { digest }, planOf())).toEqual({ changed: ["repositories"] });
    await calls.update(state, { digest }, planOf());
    await expectDetached(digest);
    expect(await calls.diff(state, { digest }, planOf())).toEqual({ changed: [] });
    expect(warnings).toEqual([]);
  });

  test("that one registry lost are copied from the other, with a warning if no registry has them", async () => {
    const digest = await claim(await build());
    const [first = "", second = ""] = repositories();
    const drop = async (repository: string) => {
      const { client } = context.registries.at(repository);
      const index = JSON.parse(await crane("manifest", `${repository}@${digest}`));
      for (const platform of index.manifests)
        for (const { digest: statement } of await client.referrers(path, platform.digest))
          await deleteManifest(repository, statement);
    };
    await drop(first);
    const [calls, state] = [new EngineCalls(content, context), stateOf(digest)];
    expect(await calls.diff(state, { digest }, planOf())).toEqual({ changed: ["repositories"] });
    await calls.update(state, { digest }, planOf());
    await expectDetached(digest);

    await drop(first);
    // This registry deletes nothing, so its proxy answers 404.
    const index = JSON.parse(await crane("manifest", `${second}@${digest}`));
    for (const statement of detachedDigests(index.annotations)) {
      const path = new RegExp(`/manifests/${statement}`);
      proxies[1].inject({ path, fault: { kind: "answer", status: 404 } });
    }
    await calls.update(state, { digest }, planOf());
    expect(warnings).toEqual([
      expect.stringMatching(/lost attestations of its build \(sha256:.+\), and no registry/),
    ]);
  });

  test("are copied by a promotion, and again if they are lost", async () => {
    const digest = await claim(await build());
    const [source = "", other = ""] = repositories();
    path = `prod/app${count}`;
    const news = { image: "app", source, digest, repositories: repositories(), platforms: PLATFORMS };
    expect(source.split("/")[0]).not.toBe(other.split("/")[0]);
    const { outputs } = await imageCopy.create(context, news, operation);
    for (const repository of repositories()) await crane("tag", `${repository}@${digest}`, "sha-1111111");
    await expectDetached(digest);

    const [target = ""] = repositories();
    const { client } = context.registries.at(target);
    const index = JSON.parse(await crane("manifest", `${target}@${digest}`));
    for (const { digest: statement } of await client.referrers(path, index.manifests[0].digest))
      await deleteManifest(target, statement);
    const change = { urn: "urn", id: "app", olds: { inputs: news, outputs: { ...outputs } }, news };
    expect(await imageCopy.diff(context, change)).toEqual({ changed: ["repositories"] });
    await imageCopy.update(context, change, operation);
    await expectDetached(digest);
    expect(await imageCopy.diff(context, change)).toEqual({ changed: [] });
  });
});
