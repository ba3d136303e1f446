import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createPlainServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createServer } from "node:tls";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { readRepository } from "../../src/github/read-repository";
import { Secret } from "../../src/plan/secret";
import { type ConnectProxy, startConnectProxy } from "../support/connect-proxy";
import { ActionsRuns, TOKEN } from "../support/github/actions-runs";
import { REPOSITORY, releaseProject, USUAL } from "../support/github/release-project";
import { GitHub } from "../support/github/start";
import { startRegistry, type TestRegistry } from "../support/registry";
import { aSetup } from "../support/setup";
import { clientOf } from "./registry/content";

/** Every connection to another machine obeys HTTP_PROXY, HTTPS_PROXY and NO_PROXY; here those are names in .test. */

const SLIPWAY = path.resolve(__dirname, "../../src/cli/slipway.js");
let proxy: ConnectProxy;
let registry: TestRegistry;

beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry.stop());
beforeEach(async () => {
  proxy = await startConnectProxy();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await proxy.stop();
});

const portOf = (host: string) => host.split(":").at(-1) ?? "";

describe("the registry client", () => {
  test.each<[string, Record<string, string>]>([
    ["HTTP_PROXY", {}],
    ["without a scheme, as curl takes it", { HTTP_PROXY: "" }],
  ])("%s", async (_, more) => {
    vi.stubEnv("HTTP_PROXY", `http://${proxy.host}`);
    if (more.HTTP_PROXY !== undefined) vi.stubEnv("HTTP_PROXY", proxy.host);
    const host = `registry.test:${portOf(registry.host)}`;
    const client = clientOf(host);
    expect(await client.ping()).toEqual({ auth: "none" });
    await client.close();
    expect(proxy.tunnels).toContain(host);
  });

  test.each(["registry.test", ".test", "other.example, registry.test", "*"])("NO_PROXY=%s", async (hosts) => {
    vi.stubEnv("HTTP_PROXY", `http://${proxy.host}`);
    vi.stubEnv("NO_PROXY", hosts);
    const client = clientOf(`registry.test:${portOf(registry.host)}`, { attempts: 1 });
    await expect(client.ping()).rejects.toMatchObject({ code: "registry-unreachable" });
    await client.close();
    expect(proxy.tunnels).toEqual([]);
  });

  test("connections to this machine never use a proxy", async () => {
    vi.stubEnv("HTTP_PROXY", `http://${proxy.host}`);
    const client = clientOf(registry.host);
    expect(await client.ping()).toEqual({ auth: "none" });
    await client.close();
    expect(proxy.tunnels).toEqual([]);
  });

  test("a proxy's password is used, and never printed", async () => {
    const closed = await startConnectProxy("me:canary-4711");
    const asked = async (credentials: string) => {
      vi.stubEnv("HTTP_PROXY", `http://${credentials}@${closed.host}`);
      const client = clientOf(`registry.test:${portOf(registry.host)}`, { attempts: 1 });
      try {
        return await client.ping();
      } catch (error) {
        return `${error}`;
      } finally {
        await client.close();
      }
    };
    expect(await asked("me:canary-4711")).toEqual({ auth: "none" });
    const refused = String(await asked("me:canary-4712"));
    expect(refused).toContain("407");
    expect(refused).not.toContain("canary");
    await closed.stop();
  });

  test.each(["ftp://me:canary-4711@proxy.test:1", "http://me:canary-4711@:x", "http:// canary-4711"])(
    "an invalid proxy address is reported without its password: %s",
    (address) => {
      vi.stubEnv("HTTPS_PROXY", address);
      expect(() => clientOf("registry.test")).toThrow(
        /^HTTPS_PROXY is not an address such as http:\/\/[^ ]+$/,
      );
    },
  );
});

describe("GitHub", () => {
  test("a setup reads the repository through the proxy", async () => {
    vi.stubEnv("HTTP_PROXY", `http://${proxy.host}`);
    const github = await GitHub.start({
      owner: "octo",
      repository: "app",
      tokens: { admin: { login: "octo", scopes: ["repo", "workflow"] } },
    });
    const host = `github.test:${portOf(github.url)}`;
    const found = await readRepository(
      aSetup({ baseUrl: `http://${host}`, token: new Secret("admin"), tokenFrom: "GH_TOKEN" }),
      {},
    );
    await github.close();
    expect(found.defaultBranch).toBe("main");
    expect(new Set(proxy.tunnels)).toEqual(new Set([host]));
  });

  test("workflows --outdated", async () => {
    const asked: string[] = [];
    const server = createPlainServer((request, response) => {
      asked.push(request.headers.host ?? "");
      response.writeHead(404, { "content-type": "application/json" }).end("{}");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const host = `github.test:${(server.address() as AddressInfo).port}`;
    const { err } = await slipway(["workflows", "--outdated"], {
      GITHUB_API_URL: `http://${host}`,
      HTTP_PROXY: `http://${proxy.host}`,
    });
    server.close();
    expect(err).toContain(`${host} knows no release of`);
    expect(asked[0]).toBe(host);
    expect(proxy.tunnels[0]).toBe(host);
  });

  test("dispatch, by TLS", async () => {
    const dir = releaseProject();
    const keys = mkdtempSync(path.join(tmpdir(), "slipway-tls-"));
    const [certificate, key] = [path.join(keys, "certificate.pem"), path.join(keys, "key.pem")];
    const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    const subject = ["-subj", "/CN=github.test", "-addext", "subjectAltName=DNS:github.test"];
    const openssl = ["req", "-x509", ...newKey, "-keyout", key, "-out", certificate, ...subject];
    await promisify(execFile)("openssl", openssl);
    const standIn = await ActionsRuns.start(USUAL);
    const tls = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (socket) => {
      const onward = connect(Number(portOf(standIn.url)), "127.0.0.1");
      socket.pipe(onward).pipe(socket);
      for (const end of [socket, onward]) end.on("error", () => end.destroy());
    });
    await new Promise<void>((resolve) => tls.listen(0, "127.0.0.1", resolve));
    const host = `github.test:${(tls.address() as AddressInfo).port}`;
    const { code, out, err } = await slipway(["dispatch", "-C", dir, "--version", "v1.2.3", "--no-wait"], {
      GH_TOKEN: TOKEN,
      GITHUB_API_URL: `https://${host}`,
      HTTPS_PROXY: `http://${proxy.host}`,
      NODE_EXTRA_CA_CERTS: certificate,
    });
    expect(`${out}${err}`).toContain(`https://github.com/${REPOSITORY}/actions/runs/1001`);
    expect(code).toBe(0);
    expect(new Set(proxy.tunnels)).toEqual(new Set([host]));
    tls.close();
    await standIn.close();
    for (const folder of [dir, keys]) rmSync(folder, { recursive: true, force: true });
  });
});

function slipway(args: readonly string[], env: NodeJS.ProcessEnv) {
  const { PATH, HOME } = process.env;
  return new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    const child = execFile(
      process.execPath,
      [SLIPWAY, ...args],
      { env: { PATH, HOME, ...env } },
      (_, out, err) => {
        resolve({ code: child.exitCode, out, err });
      },
    );
  });
}
