import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../../../src/plan/digest";
import type { RegistryClient } from "../../../src/registry/client";
import { isIndex, OCI_INDEX, platforms } from "../../../src/registry/manifests";
import { crane } from "../../support/crane";
import { startRegistry, type TestRegistry } from "../../support/registry";
import { clientOf, json, pushIndex } from "./content";

const NOWHERE = `sha256:${"0".repeat(64)}`;

describe("RegistryClient against a real registry", () => {
  let registry: TestRegistry;
  let client: RegistryClient;

  beforeAll(async () => {
    registry = await startRegistry();
    client = clientOf(registry.host);
  }, 30_000);
  afterAll(async () => {
    await client.close();
    await registry.stop();
  });

  it("tells how the registry authenticates", async () => {
    expect(await client.ping()).toEqual({ auth: "none" });
    expect(await client.pushGrant("app")).toBe("unknown");
  });

  it("writes a manifest and reads it back by tag and digest", async () => {
    const written = await pushIndex(client, "octo/app", { tag: "1.0.0", annotations: { a: "b" } });
    expect(written).toMatchObject({ mediaType: OCI_INDEX });
    expect(await client.headManifest("octo/app", "1.0.0")).toEqual(written);
    expect(await client.headManifest("octo/app", written.digest)).toEqual(written);
    const read = await client.getManifest("octo/app", "1.0.0");
    expect(read?.descriptor).toEqual(written);
    expect(digestOf(read?.bytes ?? Buffer.alloc(0))).toBe(written.digest);
    expect(isIndex(read?.json) && platforms(read.json)).toEqual(["linux/amd64", "linux/arm64"]);
    expect(await crane("digest", `${registry.host}/octo/app:1.0.0`)).toBe(written.digest);
  });

  it("answers undefined for what is not there, and an empty list of tags", async () => {
    expect(await client.headManifest("octo/app", "none")).toBeUndefined();
    expect(await client.getManifest("no/such", "none")).toBeUndefined();
    expect(await client.headBlob("no/such", NOWHERE)).toBeUndefined();
    expect(await client.getBlob("octo/app", NOWHERE)).toBeUndefined();
    expect(await client.getBlobStream("octo/app", NOWHERE)).toBeUndefined();
    expect(await client.listTags("no/such")).toEqual([]);
    expect(await client.referrers("no/such", NOWHERE)).toEqual([]);
  });

  it("uploads bytes once and reads them back", async () => {
    const bytes = randomBytes(300_000);
    const first = await client.putBlob("octo/blobs", bytes);
    expect(first).toEqual({ digest: digestOf(bytes), size: bytes.length, existed: false });
    await registry.forget();
    expect(await client.putBlob("octo/blobs", bytes)).toEqual({ ...first, existed: true });
    expect(await registry.writes()).toEqual([]);
    expect(await client.headBlob("octo/blobs", first.digest)).toEqual({ size: bytes.length });
    expect(Buffer.compare((await client.getBlob("octo/blobs", first.digest)) ?? Buffer.alloc(0), bytes)).toBe(
      0,
    );
    await expect(client.getBlob("octo/blobs", first.digest, 1_000)).rejects.toMatchObject({
      code: "registry-too-large",
    });
  });

  it("uploads and downloads an empty blob", async () => {
    const { digest } = await client.putBlob("octo/blobs", Buffer.alloc(0));
    expect(await client.getBlob("octo/blobs", digest)).toHaveLength(0);
  });

  it("streams a blob both ways", async () => {
    const pieces = Array.from({ length: 64 }, () => randomBytes(64 * 1024));
    const whole = Buffer.concat(pieces);
    const digest = digestOf(whole);
    await client.putBlobStream("octo/stream", { digest, size: whole.length }, async () =>
      (async function* () {
        yield* pieces;
      })(),
    );
    const stream = await client.getBlobStream("octo/stream", digest);
    expect(stream?.size).toBe(whole.length);
    const read: Uint8Array[] = [];
    for await (const chunk of stream?.chunks ?? []) read.push(chunk);
    expect(Buffer.compare(Buffer.concat(read), whole)).toBe(0);
  });

  it("leaves the loop of a stream early without harm", async () => {
    const { digest } = await client.putBlob("octo/stream", randomBytes(4_000_000));
    const stream = await client.getBlobStream("octo/stream", digest);
    for await (const _ of stream?.chunks ?? []) break;
    expect(await client.headBlob("octo/stream", digest)).toBeDefined();
  });

  it("mounts a blob from another repository, and says so where it cannot", async () => {
    const { digest } = await client.putBlob("octo/source", randomBytes(1_000));
    expect(await client.mountBlob("octo/target", digest, "octo/source")).toBe(true);
    expect(await client.headBlob("octo/target", digest)).toEqual({ size: 1_000 });
    await registry.forget();
    expect(await client.mountBlob("octo/target", NOWHERE, "octo/source")).toBe(false);
    expect((await registry.writes()).map(({ method }) => method)).toEqual(["POST", "DELETE"]);
  });

  it("reads every page of a long list of tags", async () => {
    const { bytes } = (await client.getManifest("octo/app", "1.0.0")) ?? { bytes: Buffer.alloc(0) };
    const wanted = Array.from({ length: 1_050 }, (_, index) => `v${String(index).padStart(4, "0")}`);
    await Promise.all(wanted.map((tag) => client.putManifest("octo/app", tag, bytes, OCI_INDEX)));
    await registry.forget();
    const tags = await client.listTags("octo/app");
    expect(tags).toEqual(expect.arrayContaining([...wanted, "1.0.0"]));
    expect(new Set(tags).size).toBe(tags.length);
    expect((await registry.log()).length).toBeGreaterThan(1);
  }, 60_000);

  it("proves a push and leaves nothing behind", async () => {
    await registry.forget();
    await client.verifyPush("octo/proof");
    const writes = await registry.writes();
    expect(writes.map(({ method, status }) => [method, status])).toEqual([
      ["POST", 202],
      ["DELETE", 204],
    ]);
  });

  it("refuses what the registry refuses, with the registry's reason", async () => {
    const lonely = json({
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [{ mediaType: OCI_INDEX, size: 2, digest: NOWHERE }],
    });
    await expect(client.putManifest("octo/app", "bad", lonely, OCI_INDEX)).rejects.toMatchObject({
      code: expect.stringMatching(/registry-(refused|not-found)/),
      registry: registry.host,
      repository: "octo/app",
      message: expect.stringContaining("MANIFEST_BLOB_UNKNOWN"),
    });
  });

  it.each([
    ["../../etc", "latest"],
    ["octo/app", "a b"],
    ["octo/app", "$(x)"],
    ["octo/app", "latest\n"],
    ["octo/app", "sha256:xyz"],
    ["Octo/app", "latest"],
    ["octo/app?x", "latest"],
  ])("sends nothing for the name %j and the reference %j", async (repository, reference) => {
    await registry.forget();
    await expect(client.headManifest(repository, reference)).rejects.toMatchObject({
      code: "registry-bad-name",
    });
    expect(await registry.log()).toEqual([]);
  });
});
