import { afterAll, beforeAll, expect, test } from "vitest";
import type { Digest } from "../../../plan/digest";
import { liveTag } from "../../../plan/planned-tags";
import { decideTag, type TagWish } from "../../../plan/tag-policy";
import { Registries } from "../../../provider/registries";
import { writeTag } from "../../../provider/resources/write-tag";
import { startRegistry, type TestRegistry } from "../../support/registry";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

let registry: TestRegistry;
let registries: Registries;
let repository: string;
const digests = new Map<string, Digest>();

beforeAll(async () => {
  registry = await startRegistry();
  repository = `${registry.host}/octo/app`;
  registries = new Registries(
    { registries: [{ host: registry.host, plainHttp: true }], credentials: {}, environment: {} },
    {},
  );
  await release("1.0.0");
  await release("1.1.0");
  await release("2.0.0-rc.1");
});

afterAll(() => registry.stop());

/** A manifest that says its version, under the version's tag. */
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

function wish(name: string, version: string, tagClass: TagWish["class"]): TagWish {
  return {
    name,
    class: tagClass,
    ...(tagClass === "floating" ? { line: {} } : {}),
    form: { prefix: "", suffix: "" },
    version,
    revision: "0".repeat(40),
    digest: digestOf(version),
    overruled: false,
  };
}

function write(wanted: TagWish, meanwhile: () => Promise<unknown> = async () => undefined) {
  const location = registries.at(repository);
  const versions = () => location.client.listTags(location.path);
  const live = () => registries.live(repository, wanted.name);
  let asked = 0;
  return writeTag({
    location,
    name: wanted.name,
    digest: digestOf(wanted.version ?? ""),
    wish: wanted,
    live,
    decide: async (found) => decideTag(wanted, found && liveTag(found), await versions(), "unknown"),
    versions: async () => {
      asked += 1;
      if (asked === 1) await meanwhile();
      return versions();
    },
    versionDigest: async (name) => (await registries.live(repository, name))?.digest,
  });
}

async function latest(): Promise<Digest | undefined> {
  return (await registries.live(repository, "latest"))?.digest;
}

test("the same digest again is no write", async () => {
  await write(wish("latest", "1.1.0", "floating"));
  await registry.forget();
  const written = await write(wish("latest", "1.1.0", "floating"));
  expect(written).toEqual({ digest: digestOf("1.1.0") });
  expect(await registry.writes()).toEqual([]);
});

test("an older version leaves a floating tag where it is, and says why", async () => {
  const written = await write(wish("latest", "1.0.0", "floating"));
  expect(written).toEqual({
    digest: digestOf("1.1.0"),
    note: "stays where it is: 1.1.0 exists and is newer than 1.0.0",
  });
  expect(await latest()).toBe(digestOf("1.1.0"));
});

test("a pre-release moves no floating tag", async () => {
  await write(wish("latest", "2.0.0-rc.1", "floating"));
  expect(await latest()).toBe(digestOf("1.1.0"));
});

test("a version tag is never written over", async () => {
  const wanted = { ...wish("1.0.0", "1.1.0", "version") };
  await expect(write(wanted)).rejects.toThrow(/1\.0\.0 is a version tag and already points to/);
});

test("when a newer version is released at the same moment, the tag ends with the newer one", async () => {
  await release("1.2.0");
  const written = await write(wish("latest", "1.2.0", "floating"), async () => {
    const newer = await release("1.3.0");
    const { client, path } = registries.at(repository);
    const manifest = await client.getManifest(path, newer);
    if (manifest === undefined) throw new Error("1.3.0 is gone");
    await client.putManifest(path, "latest", manifest.bytes, MANIFEST);
    const older = await client.getManifest(path, digestOf("1.2.0"));
    if (older === undefined) throw new Error("1.2.0 is gone");
    await client.putManifest(path, "latest", older.bytes, MANIFEST);
  });
  expect(written.digest).toBe(digestOf("1.3.0"));
  expect(written.note).toMatch(/a newer version was released meanwhile/);
  expect(await latest()).toBe(digestOf("1.3.0"));
});
