import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { Digest } from "../../../src/plan/digest";
import type { TagInput } from "../../../src/plan/resource-inputs";
import type { DesiredTag } from "../../../src/plan/tag-policy";
import { type Context, NO_LOG } from "../../../src/release/operation";
import { NO_CONFIG } from "../../../src/release/provider-config";
import { Registries } from "../../../src/release/registries";
import { Signing } from "../../../src/release/signing";
import { writeTags } from "../../../src/release/write-tags";
import { startRegistry, type TestRegistry } from "../../support/registry";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

let registry: TestRegistry;
let registries: Registries;
let repository: string;
let context: Context;
let warnings: string[];
const digests = new Map<string, Digest>();

beforeAll(async () => {
  registry = await startRegistry();
  repository = `${registry.host}/octo/app`;
  registries = new Registries(NO_CONFIG, {});
  await release("1.0.0");
  await release("1.1.0");
  await release("2.0.0-rc.1");
});

afterAll(() => registry.stop());

beforeEach(() => {
  warnings = [];
  context = {
    registries,
    signing: new Signing(undefined, {}),
    log: { ...NO_LOG, warn: async (_, text) => void warnings.push(text) },
  };
});

/** Pushes a manifest with its version as an annotation, under the version's tag. */
async function release(version: string): Promise<Digest> {
  const { client, path } = registries.at(repository);
  const config = await client.putBlob(path, new TextEncoder().encode("{}"));
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    artifactType: "application/vnd.example.test",
    config: { mediaType: "application/vnd.oci.empty.v1+json", digest: config.digest, size: config.size },
    layers: [],
    annotations: { "org.opencontainers.image.version": version },
  };
  const bytes = new TextEncoder().encode(JSON.stringify(manifest));
  const { digest } = await client.putManifest(path, version, bytes, MANIFEST);
  digests.set(version, digest);
  return digest;
}

function digestOf(version: string): Digest {
  const digest = digests.get(version);
  if (digest === undefined) throw new Error(`${version} is not released`);
  return digest;
}

function desired(name: string, version: string, tagClass: DesiredTag["class"]): DesiredTag {
  return {
    name,
    class: tagClass,
    line: tagClass === "floating" ? {} : undefined,
    form: { prefix: "", suffix: "" },
    version,
    revision: "0".repeat(40),
    digest: digestOf(version),
    overridden: false,
  };
}

function tagInput(wanted: DesiredTag, from?: Digest): TagInput {
  const { digest: _, ...own } = wanted;
  return {
    image: "app",
    lane: "",
    repository,
    siblings: [repository],
    desired: own,
    from,
    ancestry: "unknown",
  };
}

/** @param from what the plan found */
async function write(wanted: DesiredTag, from?: Digest): Promise<Digest | undefined> {
  const reference = `${repository}:${wanted.name}`;
  const levels = [{ name: "tags", tags: [tagInput(wanted, from)] }];
  return (await writeTags(context, "urn", levels, { [reference]: wanted.digest }))[reference];
}

async function latest(): Promise<Digest | undefined> {
  return (await registries.live(repository, "latest"))?.digest;
}

test("a tag that has its digest is not written, whether the plan knew or not", async () => {
  await write(desired("latest", "1.1.0", "floating"));
  await registry.forget();
  expect(await write(desired("latest", "1.1.0", "floating"))).toBe(digestOf("1.1.0"));
  expect(await registry.writes()).toEqual([]);
  await registry.forget();
  expect(await write(desired("latest", "1.1.0", "floating"), digestOf("1.1.0"))).toBe(digestOf("1.1.0"));
  expect(await registry.log()).toEqual([]);
});

test("an older version leaves a floating tag where it is, and says why", async () => {
  expect(await write(desired("latest", "1.0.0", "floating"))).toBe(digestOf("1.1.0"));
  expect(warnings).toEqual([`${repository}:latest: stays where it is: 1.1.0 exists and is newer than 1.0.0`]);
  expect(await latest()).toBe(digestOf("1.1.0"));
});

test("a new floating tag that loses a race points to the version that won, without an error", async () => {
  expect(await write(desired("newest", "1.0.0", "floating"))).toBe(digestOf("1.1.0"));
  expect((await registries.live(repository, "newest"))?.digest).toBe(digestOf("1.1.0"));
  expect(warnings).toEqual([`${repository}:newest: a newer version was released meanwhile and holds it now`]);
});

test("a pre-release moves no floating tag", async () => {
  await write(desired("latest", "2.0.0-rc.1", "floating"));
  expect(await latest()).toBe(digestOf("1.1.0"));
});

test("a version tag is never overwritten, and the error lists what is set and what is not", async () => {
  const other = desired("1.0.0", "1.1.0", "version");
  const done = desired("1.1.0", "1.1.0", "version");
  const levels = [{ name: "version tags", tags: [tagInput(done), tagInput(other)] }];
  const digests = { [`${repository}:1.0.0`]: digestOf("1.1.0"), [`${repository}:1.1.0`]: digestOf("1.1.0") };
  const failure = await writeTags(context, "urn", levels, digests).catch(String);
  expect(failure).toMatch(/1\.0\.0 is a version tag and already points to/);
  expect(failure).toContain(`Set: ${repository}:1.1.0\n  Not set: ${repository}:1.0.0`);
});

test("a level is written only after the whole level before", async () => {
  const levels = [
    { name: "version tags", tags: [tagInput(desired("1.0.0", "1.1.0", "version"))] },
    { name: "latest", tags: [tagInput(desired("stable", "1.1.0", "floating"))] },
  ];
  const digests = { [`${repository}:1.0.0`]: digestOf("1.1.0"), [`${repository}:stable`]: digestOf("1.1.0") };
  await expect(writeTags(context, "urn", levels, digests)).rejects.toThrow("1.0.0");
  expect(await registries.live(repository, "stable")).toBeUndefined();
});

test("a tag ends at the newer version if that is released at the same moment", async () => {
  await release("1.2.0");
  const { client, path } = registries.at(repository);
  const point = async (digest: Digest) => {
    const manifest = await client.getManifest(path, digest);
    if (manifest === undefined) throw new Error(`${digest} is gone`);
    await client.putManifest(path, "latest", manifest.bytes, MANIFEST);
  };
  // The other release writes its tags after ours, and then something puts ours back.
  const listTags = client.listTags.bind(client);
  const listing = vi.spyOn(client, "listTags").mockImplementationOnce(async (name) => {
    const newer = await release("1.3.0");
    await point(newer);
    await point(digestOf("1.2.0"));
    return listTags(name);
  });
  const written = await write(desired("latest", "1.2.0", "floating"), digestOf("1.1.0"));
  listing.mockRestore();
  expect(written).toBe(digestOf("1.3.0"));
  expect(warnings).toEqual([`${repository}:latest: a newer version was released meanwhile and holds it now`]);
  expect(await latest()).toBe(digestOf("1.3.0"));
});

test("a tag that moved since the plan is judged again", async () => {
  expect(await write(desired("latest", "1.1.0", "floating"), digestOf("1.0.0"))).toBe(digestOf("1.3.0"));
  expect(warnings).toEqual([expect.stringContaining("stays where it is: 1.3.0 exists and is newer")]);
});
