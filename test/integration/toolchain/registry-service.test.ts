import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { registryDown, registryStatus, registryUp } from "../../../toolchain/registry-service.mjs";
import { findOnPath } from "../../../toolchain/run.mjs";

let cache: string;
let port: number;
const program = findOnPath("registry") ?? "registry";

const listen = (wanted: number) =>
  new Promise<Server>((resolve) => {
    const server = createServer((socket) => {
      // Who only looks whether the port is taken hangs up at once.
      socket.on("error", () => {}).resume();
      socket.end("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi");
    });
    server.listen(wanted, "127.0.0.1", () => resolve(server));
  });
const close = (server: Server) => new Promise((resolve) => server.close(resolve));

beforeEach(async () => {
  cache = mkdtempSync(path.join(tmpdir(), "slipway-registry-"));
  const server = await listen(0);
  const address = server.address();
  port = typeof address === "object" && address ? address.port : 0;
  await close(server);
});
afterEach(async () => {
  await registryDown({ cache, port });
  rmSync(cache, { recursive: true, force: true });
});

test("starts once, is used again, keeps its content over a restart, logs each request", async () => {
  const first = await registryUp({ cache, port, program });
  expect(first).toMatchObject({ address: `localhost:${port}`, state: "started" });
  const blob = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  const base = `http://localhost:${port}/v2/a/b/blobs`;
  const pushed = await fetch(`${base}/uploads/?digest=${blob}`, { method: "POST" });
  const location = pushed.headers.get("location") ?? "";
  await fetch(`${location}&digest=${blob}`, { method: "PUT", body: "" });

  expect((await registryUp({ cache, port, program })).state).toBe("running");
  expect((await registryStatus({ cache, port })).state).toBe("running");
  expect(await registryDown({ cache, port })).toBe(true);
  expect((await registryStatus({ cache, port })).state).toBe("stopped");
  expect(await registryDown({ cache, port })).toBe(false);

  expect((await registryUp({ cache, port, program })).state).toBe("started");
  expect((await fetch(`${base}/${blob}`, { method: "HEAD" })).status).toBe(200);
  expect(readFileSync(first.accessLog, "utf8")).toMatch(/"PUT \/v2\/a\/b\/blobs\/uploads\//);
});

test("another program at the port is an error that says how to get around it", async () => {
  const server = await listen(port);
  try {
    await expect(registryUp({ cache, port, program })).rejects.toThrow(
      `SLIPWAY_PORT_TAKEN: another program listens at localhost:${port}`,
    );
    await expect(registryUp({ cache, port, program })).rejects.toThrow(`SLIPWAY_REGISTRY_PORT=${port + 1}`);
    expect((await registryStatus({ cache, port })).state).toBe("stopped");
  } finally {
    await close(server);
  }
});

test("somebody else's registry at the port is not ours to write to", async () => {
  const other = mkdtempSync(path.join(tmpdir(), "slipway-registry-"));
  await registryUp({ cache: other, port, program });
  try {
    await expect(registryUp({ cache, port, program })).rejects.toThrow(
      /SLIPWAY_PORT_TAKEN: a registry of another cache folder listens at/,
    );
  } finally {
    await registryDown({ cache: other, port });
    rmSync(other, { recursive: true, force: true });
  }
});

test("a server that repeats our registry's answers is not taken for ours", async () => {
  await registryUp({ cache, port, program });
  const { headers } = await fetch(`http://127.0.0.1:${port}/v2/`);
  await registryDown({ cache, port });
  const fake = createHttpServer((_, response) => {
    response.setHeaders(headers);
    response.end("{}");
  });
  await new Promise<void>((resolve) => fake.listen(port, "127.0.0.1", resolve));
  try {
    expect((await registryStatus({ cache, port })).state).toBe("stopped");
    await expect(registryUp({ cache, port, program })).rejects.toThrow("SLIPWAY_PORT_TAKEN");
  } finally {
    await new Promise((resolve) => fake.close(resolve));
  }
});

test("another program must not have the port on the other loopback address, which some clients try first", async () => {
  const other = createServer();
  const hasIpv6 = await new Promise((resolve) => {
    other.once("error", () => resolve(false));
    other.listen(port, "::1", () => resolve(true));
  });
  if (!hasIpv6) return;
  await expect(registryUp({ cache, port, program })).rejects.toThrow("SLIPWAY_PORT_TAKEN");
  await close(other);
});

test("the check whether a registry is ours leaves nothing behind", async () => {
  await registryUp({ cache, port, program });
  await registryStatus({ cache, port });
  expect(await (await fetch(`http://127.0.0.1:${port}/v2/_catalog`)).json()).toEqual({ repositories: [] });
});

test("one that ends right after its start shows the end of its log", async () => {
  await expect(registryUp({ cache, port, program: "/bin/false" })).rejects.toThrow(
    new RegExp(
      `SLIPWAY_SERVICE_FAILED: the local registry at localhost:${port} ended right after it started`,
    ),
  );
});
