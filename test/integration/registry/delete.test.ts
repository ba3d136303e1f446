import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { checkDeletion, tryTagDeletion } from "../../../src/registry/repository-contents";
import { type FaultProxy, startFaultProxy } from "../../support/fault-proxy";
import { type Olareg, startOlareg } from "../../support/olareg";
import { startRegistry, type TestRegistry } from "../../support/registry";
import { clientOf, pushIndex } from "./content";

const REPOSITORY = "octo/app";
const NOWHERE = `sha256:${"0".repeat(64)}`;

let plain: TestRegistry;
let withApi: Olareg;
let proxy: FaultProxy;

beforeAll(async () => {
  [plain, withApi] = await Promise.all([startRegistry(), startOlareg()]);
  proxy = await startFaultProxy(plain.host);
}, 60_000);
afterEach(() => proxy.reset());
afterAll(async () => {
  await proxy?.stop();
  await Promise.all([plain?.stop(), withApi?.stop()]);
});

const at = (host: string) => ({ client: clientOf(host), repository: REPOSITORY });

describe.each([
  ["distribution", () => proxy.host],
  ["olareg", () => withApi.host],
])("deleting in %s", (_, hostOf) => {
  test("takes a tag alone, or a digest with all its tags", async () => {
    const { client } = at(hostOf());
    const { digest } = await pushIndex(client, REPOSITORY, { tag: "one" });
    const manifest = await client.getManifest(REPOSITORY, "one");
    if (manifest === undefined) throw new Error("no manifest");
    for (const tag of ["two", "three"])
      await client.putManifest(REPOSITORY, tag, manifest.bytes, manifest.descriptor.mediaType);
    expect(await client.deleteTag(REPOSITORY, "one")).toBe(true);
    expect(await client.deleteTag(REPOSITORY, "one")).toBe(false);
    expect((await client.headManifest(REPOSITORY, "two"))?.digest).toBe(digest);
    expect(await client.deleteManifest(REPOSITORY, digest)).toBe(true);
    expect(await client.deleteManifest(REPOSITORY, digest)).toBe(false);
    expect(await client.listTags(REPOSITORY)).toEqual([]);
  });

  test("is tried on a manifest of its own, which is gone afterwards", async () => {
    await checkDeletion(at(hostOf()));
    expect(await tryTagDeletion(at(hostOf()))).toBe("tag");
    expect(await at(hostOf()).client.listTags(REPOSITORY)).toEqual([]);
  });
});

describe("a registry that deletes in another way", () => {
  test.each([
    [
      400,
      '{"errors":[{"code":"DIGEST_INVALID","message":"provided digest did not match uploaded content"}]}',
    ],
    [400, '{"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported."}]}'],
    [405, '{"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported."}]}'],
    [501, ""],
  ])("answers %i %s to a tag", async (status, body) => {
    const fault = { kind: "answer", status, body } as const;
    proxy.inject({ method: "DELETE", path: /manifests\/(?!sha256:)/, fault });
    await expect(at(proxy.host).client.deleteTag(REPOSITORY, "one")).rejects.toMatchObject({
      code: "registry-unsupported",
    });
    expect(await tryTagDeletion(at(proxy.host))).toBe("nothing");
    expect(await at(plain.host).client.listTags(REPOSITORY)).toEqual([]);
  });

  test("deletes the digest with a tag: the other tag is gone too", async () => {
    proxy.inject({ method: "HEAD", path: /slipway-prune-.*-2$/, fault: { kind: "answer", status: 404 } });
    expect(await tryTagDeletion(at(proxy.host))).toBe("manifest");
    expect(await at(plain.host).client.listTags(REPOSITORY)).toEqual([]);
  });

  test("deletes nothing, which is found out by a digest that does not exist", async () => {
    const closed = await startRegistry({ delete: false });
    const { client } = at(closed.host);
    const { digest } = await pushIndex(client, REPOSITORY, { tag: "one" });
    const asked = [
      () => checkDeletion(at(closed.host)),
      () => client.deleteTag(REPOSITORY, "one"),
      () => client.deleteManifest(REPOSITORY, digest),
    ];
    for (const ask of asked) await expect(ask()).rejects.toMatchObject({ code: "registry-unsupported" });
    await closed.stop();
  });

  test("names outside of the grammar are not sent", async () => {
    const { client } = at(proxy.host);
    for (const tag of [NOWHERE, "a/b", "", "../x"])
      await expect(client.deleteTag(REPOSITORY, tag)).rejects.toMatchObject({ code: "registry-bad-name" });
    await expect(client.deleteManifest(REPOSITORY, "latest")).rejects.toMatchObject({
      code: "registry-bad-name",
    });
    expect(proxy.requests.filter(({ method }) => method === "DELETE")).toEqual([]);
  });
});
