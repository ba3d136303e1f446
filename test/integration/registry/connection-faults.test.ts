import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Agent } from "undici";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { digestOf } from "../../../src/plan/digest";
import type { RegistryClient } from "../../../src/registry/client";
import { systemClock } from "../../../src/registry/transport";
import { type FaultProxy, startFaultProxy } from "../../support/fault-proxy";
import { startRegistry, type TestRegistry } from "../../support/registry";
import { clientOf, json, pushIndex } from "./content";

const MEDIA_TYPE = "application/vnd.oci.image.index.v1+json";
const INDEX = json({ schemaVersion: 2, mediaType: MEDIA_TYPE, manifests: [] });

describe("faults of the connection to a registry", () => {
  let registry: TestRegistry;
  let proxy: FaultProxy;
  let client: RegistryClient;

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
    // No waits between attempts.
    client = clientOf(proxy.host, { clock: { ...systemClock, sleep: async () => {} }, deadlineMs: 400 });
  });
  afterEach(() => client.close());

  it.each(["before", "after"] as const)(
    "survives a connection reset %s the registry saw the request",
    async (when) => {
      proxy.inject({ times: 2, fault: { kind: "reset", when } });
      const written = await client.putManifest("octo/app", `reset-${when}`, INDEX, MEDIA_TYPE);
      expect(await client.headManifest("octo/app", `reset-${when}`)).toEqual(written);
    },
  );

  it("names the host that stays silent", async () => {
    proxy.inject({ fault: { kind: "hang" } });
    const started = Date.now();
    await expect(client.headManifest("octo/app", "1")).rejects.toMatchObject({
      code: "registry-deadline",
      registry: proxy.host,
      message: expect.stringContaining(`${proxy.host} was silent for 0.4 s`),
    });
    expect(Date.now() - started).toBeLessThan(2_000);
  });

  it("names the host whose answer's body stands still", async () => {
    const server = createServer((_request, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("half");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const host = typeof address === "object" && address !== null ? `127.0.0.1:${address.port}` : "";
    const other = clientOf(host, { deadlineMs: 300 });
    try {
      const wanted = digestOf(Buffer.from("x"));
      await expect(other.getBlob("octo/app", wanted)).rejects.toMatchObject({ code: "registry-deadline" });
      const stream = await other.getBlobStream("octo/app", wanted);
      const reading = (async () => {
        for await (const _ of stream?.chunks ?? []);
      })();
      await expect(reading).rejects.toMatchObject({ code: "registry-deadline", registry: host });
    } finally {
      await other.close();
      server.closeAllConnections();
      server.close();
    }
  });

  it("says that nobody listens, or that there is no such host", async () => {
    const nobody = clientOf("localhost:1", { attempts: 1 });
    await expect(nobody.ping()).rejects.toMatchObject({
      code: "registry-unreachable",
      summary: expect.stringContaining("localhost:1"),
    });
    const tls = clientOf(registry.host, { plainHttp: false, attempts: 1 });
    await expect(tls.ping()).rejects.toMatchObject({
      code: "registry-unreachable",
      hint: expect.stringContaining("plainHttp"),
    });
  });

  it("explains a certificate that nobody here trusts", async () => {
    const folder = await mkdtemp(join(tmpdir(), "slipway-tls-"));
    const [certificate, key] = [join(folder, "certificate.pem"), join(folder, "key.pem")];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    await promisify(execFile)("openssl", [
      "req",
      "-x509",
      ...newKey,
      "-keyout",
      key,
      "-out",
      certificate,
      ...subject,
    ]);
    const secure = await startRegistry({ tls: { certificate, key } });
    const trusting = new Agent({ connect: { ca: await readFile(certificate) } });
    const distrusting = clientOf(secure.host, { plainHttp: false });
    const client = clientOf(secure.host, { plainHttp: false, dispatcher: trusting });
    const plain = clientOf(secure.host, { attempts: 1 });
    try {
      expect(await client.ping()).toEqual({ auth: "none" });
      await client.putBlob("octo/app", randomBytes(10));
      await expect(distrusting.ping()).rejects.toMatchObject({
        code: "registry-unreachable",
        hint: expect.stringContaining("NODE_EXTRA_CA_CERTS"),
      });
      await expect(plain.ping()).rejects.toMatchObject({ status: 400 });
    } finally {
      await Promise.all([distrusting.close(), plain.close(), trusting.close()]);
      await secure.stop();
      await rm(folder, { recursive: true, force: true });
    }
  }, 20_000);

  it("stops at once when it is told to, also while it waits", async () => {
    const stop = new AbortController();
    const stoppable = clientOf(proxy.host, { signal: stop.signal });
    proxy.inject({ fault: { kind: "hang" } });
    setTimeout(() => stop.abort(), 50);
    await expect(stoppable.ping()).rejects.toMatchObject({ code: "registry-cancelled" });
    await expect(stoppable.ping()).rejects.toMatchObject({ code: "registry-cancelled" });

    const stopLater = new AbortController();
    const waiting = clientOf(proxy.host, { signal: stopLater.signal });
    proxy.reset();
    proxy.inject({ fault: { kind: "answer", status: 429, headers: { "retry-after": "50" } } });
    setTimeout(() => stopLater.abort(), 50);
    await expect(waiting.ping()).rejects.toThrow("stopped while waiting");
  });
});
