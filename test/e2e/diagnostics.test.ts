import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy";
import { Project } from "../support/project";
import { startRegistry, TEST_USER, type TestRegistry } from "../support/registry";

const PLANTED = ["planted-echoed-token", "planted-query-signature", "planted-json-secret"];
const BODY = `{"errors":[{"code":"MANIFEST_INVALID","message":"the CDN said no"}],"token":"planted-json-secret","at":"https://cdn.example/x?X-Signature=planted-query-signature","got":"Bearer planted-echoed-token"}`;

let registry: TestRegistry;
let proxy: FaultProxy;
let project: Project;

beforeAll(async () => {
  registry = await startRegistry({ auth: "htpasswd" });
  proxy = await startFaultProxy(registry.host);
  project = await Project.create({ config: config(), env: credentials() });
});

afterAll(async () => {
  project?.remove();
  await proxy?.stop();
  await registry?.stop();
});

afterEach(() => {
  proxy.reset();
  rmSync(path.join(project.dir, "artifacts"), { recursive: true, force: true });
});

function credentials() {
  return { CI_REGISTRY_USERNAME: TEST_USER.username, CI_REGISTRY_PASSWORD: TEST_USER.password };
}

function config(changes: Readonly<Record<string, unknown>> = {}) {
  const tags = ["type=semver,pattern={{version}}", "type=semver,pattern={{major}}"];
  const image = { name: "app", context: "app", platforms: ["linux/amd64"], tags, ...changes };
  return { registries: [{ host: proxy.host, namespace: "octo" }], images: [image] };
}

/** What the registry answers, asked past the proxy. */
async function digest(tag: string): Promise<string | null> {
  const pair = Buffer.from(`${TEST_USER.username}:${TEST_USER.password}`).toString("base64");
  const answer = await fetch(`http://${registry.host}/v2/octo/app/manifests/${tag}`, {
    method: "HEAD",
    headers: { authorization: `Basic ${pair}`, accept: "application/vnd.oci.image.index.v1+json" },
  });
  expect(answer.status).toBe(200);
  return answer.headers.get("docker-content-digest");
}

const release = (version: string) =>
  project.commit({ "app/Dockerfile": "FROM scratch\nCOPY app.txt /\n", "app/app.txt": version }, version);

interface Written {
  readonly operation: string;
  readonly requests: readonly Record<string, unknown>[];
}

/** The one diagnostics file that a run left, named in what it printed, with no secret in either. */
function diagnosticsNamedIn(text: string): Written {
  const name = /artifacts\/diagnostics-[0-9TZ.-]+\.json/.exec(text)?.[0];
  expect(name, text).toBeDefined();
  const file = readFileSync(path.join(project.dir, name ?? ""), "utf8");
  const pair = Buffer.from(`${TEST_USER.username}:${TEST_USER.password}`).toString("base64");
  for (const secret of [...PLANTED, TEST_USER.password, pair]) {
    expect(file).not.toContain(secret);
    expect(text).not.toContain(secret);
  }
  expect(file).not.toMatch(/authorization|basic [a-z0-9]/i);
  return JSON.parse(file);
}

describe("a registry that declines a tag", () => {
  test.each([400, 500])("%i: the last requests are in a file that the error names", async (status) => {
    await release(`v1.0.${status}`);
    proxy.inject({
      method: "PUT",
      path: /\/manifests\/1\.0\.\d+$/,
      fault: { kind: "answer", status, body: BODY, headers: { "retry-after": "0" } },
    });
    const { exitCode, text } = await project.up();
    expect(exitCode).not.toBe(0);
    const { operation, requests } = diagnosticsNamedIn(text);
    expect(operation).toMatch(/^create Tags release-tags/);
    const declined = requests.filter((request) => request.status === status);
    expect(declined.length).toBe(status === 500 ? 4 : 1);
    expect(declined[0]).toMatchObject({
      method: "PUT",
      host: proxy.host,
      path: `/v2/octo/app/manifests/1.0.${status}`,
      status,
      body: expect.stringContaining("the CDN said no"),
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      ms: expect.any(Number),
    });
    expect(existsSync(path.join(project.dir, "artifacts/release-manifest.json"))).toBe(false);
  });
});

test("a preview that a registry declines writes no file", async () => {
  proxy.inject({ path: /\/octo\//, fault: { kind: "answer", status: 400, body: BODY } });
  const { exitCode } = await project.preview();
  expect(exitCode).not.toBe(0);
  expect(existsSync(path.join(project.dir, "artifacts"))).toBe(false);
});

test("a push that is not allowed: proved before any build, and the file says what was answered", async () => {
  await release("v1.1.0");
  proxy.inject({
    method: "POST",
    path: /\/blobs\/uploads\//,
    fault: { kind: "answer", status: 403, body: BODY },
  });
  const { exitCode, text } = await project.up();
  expect(exitCode).not.toBe(0);
  const { operation, requests } = diagnosticsNamedIn(text);
  expect(operation).toBe("verifyPush");
  expect(requests.filter(({ method, status }) => method === "POST" && status === 403)).toHaveLength(1);
});

describe("what a run built with", () => {
  test("is in the manifest's run and in the report", async () => {
    await release("v1.3.0");
    await project.upOk();
    const manifest = JSON.parse(
      readFileSync(path.join(project.dir, "artifacts/release-manifest.json"), "utf8"),
    );
    expect(manifest.run.build).toEqual({
      builder: "slipway",
      driver: "remote",
      buildkit: expect.stringMatching(/^v?\d+\.\d+/),
      network: "the driver's default",
      proxy: expect.any(String),
      images: [{ name: "app", platforms: ["linux/amd64"], cacheFrom: [], cacheTo: [] }],
    });
    const report = readFileSync(path.join(project.dir, "artifacts/release-report.md"), "utf8");
    expect(report).toMatch(/## Built with\n\n- Builder: slipway, driver remote, BuildKit v?\d/);
  });

  test("is missed by the preview where the stack names a builder that is not there", async () => {
    await release("v1.3.1");
    project.setConfig({ ...config(), builder: { name: "far" } });
    const { exitCode, text } = await project.preview();
    project.setConfig(config());
    expect(exitCode, text).toBe(0);
    expect(text).toContain("buildx has no builder far, and `up` builds with it");
    await project.upOk();
  });

  test("is absent where nothing was built", async () => {
    await project.upOk();
    const file = path.join(project.dir, "artifacts/release-manifest.json");
    expect(JSON.parse(readFileSync(file, "utf8")).run.build).toBeUndefined();
    expect(readdirSync(path.join(project.dir, "artifacts")).some((name) => name.startsWith("diag"))).toBe(
      false,
    );
  });
});

test("a cache export that the registry answers with 400 fails no release", async () => {
  const ref = `${proxy.host}/octo/cache:app`;
  project.setConfig(config({ cacheTo: [`type=registry,ref=${ref},mode=max,registry.insecure=true`] }));
  await release("v1.4.0");
  proxy.inject({
    method: "PUT",
    path: /\/octo\/cache\/manifests\//,
    fault: { kind: "answer", status: 400, body: "<html>Bad Request</html>" },
  });
  await project.upOk();
  const exports = proxy.requests.filter(
    ({ method, path: url }) => method === "PUT" && url.includes("/cache/"),
  );
  expect(exports.map(({ status }) => status)).toContain(400);
  expect(await digest("1.4.0")).toBe(await digest("1"));
});
