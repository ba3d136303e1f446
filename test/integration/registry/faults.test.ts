import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { digestOf } from "../../../src/plan/digest";
import { Secret } from "../../../src/plan/secret";
import type { RegistryClient } from "../../../src/registry/client";
import type { RequestEntry } from "../../../src/registry/http";
import { systemClock } from "../../../src/registry/transport";
import { type FaultProxy, startFaultProxy } from "../../support/fault-proxy";
import { startRegistry, type TestRegistry } from "../../support/registry";
import { clientOf, json, pushIndex } from "./content";

/** Waits are recorded instead of waited. */
const waits: number[] = [];
const impatient = {
  ...systemClock,
  sleep: async (ms: number) => {
    waits.push(ms);
  },
};

const MEDIA_TYPE = "application/vnd.oci.image.index.v1+json";
const INDEX = json({ schemaVersion: 2, mediaType: MEDIA_TYPE, manifests: [] });

describe("faults of a registry", () => {
  let registry: TestRegistry;
  let proxy: FaultProxy;
  let client: RegistryClient;
  let requests: RequestEntry[];

  beforeAll(async () => {
    registry = await startRegistry();
    proxy = await startFaultProxy(registry.host);
    await pushIndex(clientOf(registry.host), "octo/app", { tag: "1" });
  }, 30_000);
  afterAll(async () => {
    await proxy.stop();
    await registry.stop();
  });
  beforeEach(() => {
    proxy.reset();
    waits.length = 0;
    requests = [];
    client = clientOf(proxy.host, {
      clock: impatient,
      deadlineMs: 400,
      onRequest: (entry) => requests.push(entry),
    });
  });
  afterEach(() => client.close());

  it.each([500, 502, 503, 504])("survives two answers of %d", async (status) => {
    proxy.inject({ times: 2, fault: { kind: "answer", status } });
    expect(await client.headManifest("octo/app", "1")).toBeDefined();
    expect(requests.map((entry) => entry.status)).toEqual([status, status, 200]);
    expect(waits).toHaveLength(2);
  });

  it("gives up after four attempts, and says so", async () => {
    proxy.inject({ fault: { kind: "answer", status: 503, body: "<html>sorry</html>" } });
    await expect(client.putManifest("octo/app", "2", INDEX, MEDIA_TYPE)).rejects.toMatchObject({
      code: "registry-server-error",
      status: 503,
      method: "PUT",
      path: "/v2/octo/app/manifests/2",
      repository: "octo/app",
      transient: false,
      summary: `${proxy.host} answered 503 to PUT /v2/octo/app/manifests/2: an HTML page (4 attempts)`,
    });
    expect(proxy.requests).toHaveLength(4);
    expect(waits).toHaveLength(3);
  });

  it("waits as long as a 429 asks", async () => {
    proxy.inject({ times: 1, fault: { kind: "answer", status: 429, headers: { "retry-after": "7" } } });
    expect(await client.listTags("octo/app")).toContain("1");
    expect(waits).toEqual([7_000]);
  });

  it("does not wait for an hour", async () => {
    proxy.inject({ fault: { kind: "answer", status: 429, headers: { "retry-after": "3600" } } });
    await expect(client.listTags("octo/app")).rejects.toMatchObject({
      code: "registry-rate-limited",
      summary: expect.stringContaining("asks to wait 3600 s, and Slipway waits 60 s at most"),
    });
    expect(proxy.requests).toHaveLength(1);
    expect(waits).toEqual([]);
  });

  it("takes GHCR's secondary rate limit for one", async () => {
    const body = '{"message":"You have exceeded a secondary rate limit. Please wait a few minutes."}';
    proxy.inject({ times: 1, fault: { kind: "answer", status: 403, headers: { "retry-after": "2" }, body } });
    expect(await client.headManifest("octo/app", "1")).toBeDefined();
    // HEAD has no body to tell by.
    proxy.inject({ times: 1, fault: { kind: "answer", status: 403, headers: { "retry-after": "2" }, body } });
    expect(await client.listTags("octo/app")).toContain("1");
    expect(waits).toEqual([2_000, 2_000]);
  });

  it("fails at once on any other 403, and says why", async () => {
    const body = '{"errors":[{"code":"DENIED","message":"permission_denied: write_package"}]}';
    proxy.inject({ fault: { kind: "answer", status: 403, body } });
    await expect(client.verifyPush("octo/app")).rejects.toMatchObject({
      code: "registry-forbidden",
      message: expect.stringContaining("DENIED: permission_denied: write_package"),
    });
    expect(proxy.requests).toHaveLength(1);
  });

  it("reads again what broke off half-way", async () => {
    const bytes = randomBytes(200_000);
    const { digest } = await client.putBlob("octo/app", bytes);
    proxy.inject({ method: "GET", times: 2, fault: { kind: "truncate", bytes: 1_000 } });
    expect(digestOf((await client.getBlob("octo/app", digest)) ?? Buffer.alloc(0))).toBe(digest);
  });

  it("believes no bytes that are not what was asked for", async () => {
    const bytes = randomBytes(10_000);
    const { digest } = await client.putBlob("octo/app", bytes);
    proxy.inject({ method: "GET", fault: { kind: "corrupt" } });
    const mismatch = { code: "registry-digest-mismatch" };
    await expect(client.getBlob("octo/app", digest)).rejects.toMatchObject(mismatch);
    await expect(client.getManifest("octo/app", "1")).rejects.toMatchObject(mismatch);
    const stream = await client.getBlobStream("octo/app", digest);
    const reading = (async () => {
      for await (const _ of stream?.chunks ?? []);
    })();
    await expect(reading).rejects.toMatchObject(mismatch);
  });

  it("notices a registry that claims to have written something else", async () => {
    const other = `sha256:${"1".repeat(64)}`;
    proxy.inject({ method: "PUT", fault: { kind: "headers", headers: { "docker-content-digest": other } } });
    await expect(client.putManifest("octo/app", "x", INDEX, MEDIA_TYPE)).rejects.toMatchObject({
      code: "registry-digest-mismatch",
    });
  });

  it("computes a digest that HEAD does not tell", async () => {
    const expected = await client.headManifest("octo/app", "1");
    proxy.inject({ fault: { kind: "headers", headers: { "docker-content-digest": "" } } });
    expect(await client.headManifest("octo/app", "1")).toEqual(expected);
    expect(proxy.requests.map(({ method }) => method)).toEqual(["HEAD", "HEAD", "GET"]);
  });

  it.each([
    { kind: "reset", when: "before" },
    { kind: "reset", when: "after" },
    { kind: "answer", status: 500 },
  ] as const)("starts an upload over when it breaks: %o", async (fault) => {
    const bytes = randomBytes(3_000_000);
    const digest = digestOf(bytes);
    let opened = 0;
    proxy.inject({ method: "PUT", path: /blobs\/uploads/, times: 2, fault });
    await client.putBlobStream("octo/app", { digest, size: bytes.length }, async () => {
      opened++;
      return (async function* () {
        for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
      })();
    });
    expect(opened).toBe(3);
    expect(await client.headBlob("octo/app", digest)).toEqual({ size: bytes.length });
  });

  it("blames the source, not the registry, when the source of an upload fails", async () => {
    const failing = client.putBlobStream(
      "octo/app",
      { digest: digestOf(Buffer.from("y")), size: 10 },
      async () =>
        (async function* () {
          yield Buffer.from("half");
          throw new Error("the disk is gone");
        })(),
    );
    await expect(failing).rejects.toThrow("the disk is gone");
  });

  it("keeps what a registry echoes out of errors and diagnostics", async () => {
    const canary = "canary/pass+word";
    const credentials = async () => ({ username: "me", password: new Secret(canary) });
    const basic = Buffer.from(`me:${canary}`).toString("base64");
    const echo = `you sent ${canary} as Basic ${basic} or ${encodeURIComponent(canary)}`;
    proxy.inject({
      path: /tags\/list/,
      times: 1,
      fault: { kind: "answer", status: 401, headers: { "www-authenticate": 'Basic realm="x"' } },
    });
    proxy.inject({ path: /tags\/list/, fault: { kind: "answer", status: 400, body: echo } });
    const entries: RequestEntry[] = [];
    const echoing = clientOf(proxy.host, { credentials, onRequest: (entry) => entries.push(entry) });
    const error: unknown = await echoing.listTags("octo/app").catch((caught: unknown) => caught);
    const printed = `${String(error)} ${JSON.stringify(error)} ${JSON.stringify(entries)}`;
    expect(printed).toContain("[secret]");
    for (const form of [canary, basic, encodeURIComponent(canary)]) expect(printed).not.toContain(form);
  });
});
