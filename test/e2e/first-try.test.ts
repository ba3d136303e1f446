import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { checkoutDir, serviceDir } from "../../toolchain/paths.mjs";
import { registryDown } from "../../toolchain/registry-service.mjs";
import { crane } from "../support/crane";

/**
 * A user's repository on a machine without Pulumi, without a login and without a registry: `slipway up` gets what is
 * missing. The parts are in the cache folder already.
 */
const ROOT = path.resolve(__dirname, "../..");

let home: string;
let folder: string;
let port: number;

beforeAll(async () => {
  port = await freePort();
  home = mkdtempSync(path.join(tmpdir(), "slipway-first-try-"));
  folder = path.join(home, "shop");
  const modules = path.join(folder, "node_modules");
  mkdirSync(modules, { recursive: true });
  mkdirSync(path.join(folder, "app"));
  for (const name of readdirSync(path.join(ROOT, "node_modules")))
    symlinkSync(path.join(ROOT, "node_modules", name), path.join(modules, name));
  symlinkSync(ROOT, path.join(modules, "slipway"));
  const files = {
    ".gitignore": "node_modules\nartifacts\n",
    "package.json": '{ "name": "shop", "private": true }\n',
    "Pulumi.yaml": stringify({
      name: "shop",
      main: "index.js",
      runtime: { name: "nodejs", options: { typescript: false } },
      plugins: { providers: [{ name: "slipway-registry", path: "node_modules/slipway/src/provider" }] },
    }),
    "index.js":
      'const { Release } = require("slipway");\n' +
      'module.exports = async () => new Release("release", await Release.plan({})).outputs;\n',
    "Pulumi.stage.yaml": settings(`localhost:${port}`),
    "Pulumi.prod.yaml": settings("registry.example.com"),
    "app/Dockerfile": "FROM scratch\nCOPY app.txt /\n",
    "app/app.txt": "shop\n",
  };
  for (const [file, text] of Object.entries(files)) writeFileSync(path.join(folder, file), text);
  execFileSync("git", ["init", "--quiet", "--initial-branch=main"], { cwd: folder });
  commit("v1.2.3");
});

function commit(tag: string): void {
  const author = ["-c", "user.name=Test", "-c", "user.email=test@example.com"];
  for (const args of [
    ["add", "--all"],
    [...author, "commit", "--quiet", "-m", "shop"],
    ["tag", tag],
  ])
    execFileSync("git", args, { cwd: folder });
}

afterAll(async () => {
  await registryDown({ port });
  const cache = cacheFolder();
  for (const made of [checkoutDir(cache, folder), serviceDir(cache, `registry-${port}`), home])
    rmSync(made, { recursive: true, force: true });
});

function settings(host: string): string {
  return stringify({
    config: {
      "slipway:registries": [{ host, namespace: "octo" }],
      "slipway:images": [{ name: "shop", context: "app", platforms: ["linux/amd64"], sbom: false }],
      "slipway:sign": { mode: "none" },
    },
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

function cacheFolder(): string {
  if (process.env.SLIPWAY_CACHE === undefined) throw new Error("run this by npm test");
  return process.env.SLIPWAY_CACHE;
}

/** As it is before anything was provided. */
function bare(): NodeJS.ProcessEnv {
  const { PATH = "", ...env } = process.env;
  const set = Object.entries(env).filter(
    ([name]) => !/^(PULUMI_|BUILDX_|SLIPWAY_REGISTRY|SLIPWAY_STAGE)/.test(name),
  );
  const folders = PATH.split(path.delimiter).filter((one) => !existsSync(path.join(one, "pulumi")));
  return { ...Object.fromEntries(set), HOME: home, NO_COLOR: "1", PATH: folders.join(path.delimiter) };
}

function slipway(args: readonly string[], env = bare()): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [path.join(folder, "node_modules/slipway/src/cli/slipway.js"), ...args],
      { cwd: folder, env },
      (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err }),
    );
  });
}

test("up provides engine, registry, builder and a place for the state, and releases", async () => {
  const up = await slipway(["up", "--stack", "stage", "--", "--yes", "--non-interactive"]);
  expect(up.code, up.out + up.err).toBe(0);
  // A line for each start and end of a build, and the release's table in place of the stack's outputs.
  expect(up.out).toMatch(
    /^building shop\nbuilt shop in [\d.]+ s\nResources: 7 created \(\d+ s\)\n\nshop 1\.2\.3 for linux\/amd64\n[\s\S]*what it did/m,
  );
  expect(up.out).not.toMatch(/^Outputs:|#\d /m);
  expect(up.err).toMatch(/^✓ registry \(started at localhost:\d+/m);
  expect(up.err).toMatch(/^✓ state of the stack stage: .*\(there is no Pulumi login/m);
  expect(await crane("digest", `localhost:${port}/octo/shop:1.2.3`)).toMatch(/^sha256:/);
});

test("a build that fails: its log, and last the reason", async () => {
  writeFileSync(path.join(folder, "app/Dockerfile"), 'FROM scratch\nCOPY app.txt /\nRUN ["/missing"]\n');
  commit("v1.2.4");
  const up = await slipway(["up", "--stack", "stage", "--", "--yes", "--non-interactive", "--skip-preview"]);
  expect(up.code, up.out + up.err).not.toBe(0);
  expect(up.out).toMatch(/^building shop\n(?:Resources: .*\n)?$/);
  // docker-build drops what a build printed in the moment before it failed, here sometimes all of it.
  expect(up.err).toMatch(
    /^(?:The log of shop's build:\n(?: {2}.*\n)*)?error: shop: the build failed: .*\/missing.*\nNo tag was written\. .*\n$/m,
  );
});

test("env runs a pulumi command in the same environment", async () => {
  const listed = await slipway(["env", "--", "pulumi", "stack", "ls", "--json"]);
  expect(listed.code, listed.err).toBe(0);
  expect(JSON.parse(listed.out)).toMatchObject([{ name: "stage" }]);
});

test("env leaves pulumi on the PATH and a login as they are", async () => {
  const pulumi = (process.env.PATH ?? "")
    .split(path.delimiter)
    .find((one) => existsSync(path.join(one, "pulumi")));
  const { PATH = "" } = bare();
  const printed = await slipway(["env"], {
    ...bare(),
    PATH: `${pulumi}${path.delimiter}${PATH}`,
    PULUMI_BACKEND_URL: `file://${home}`,
  });
  expect(printed.code, printed.err).toBe(0);
  expect(printed.out).not.toMatch(/PATH|PULUMI/);
  expect(printed.out).toMatch(/^export BUILDX_CONFIG=/m);
  const loggedIn = path.join(home, "login");
  mkdirSync(loggedIn);
  writeFileSync(path.join(loggedIn, "credentials.json"), '{ "current": "s3://state" }');
  const withLogin = await slipway(["env"], { ...bare(), PULUMI_HOME: loggedIn });
  expect(withLogin.out).toContain(`export PULUMI_CREDENTIALS_PATH='${loggedIn}'`);
  expect(withLogin.out).not.toContain("PULUMI_BACKEND_URL");
});

test("a stack that releases elsewhere is refused at the start where there is no login", async () => {
  const up = await slipway(["up", "--stack", "prod"]);
  expect(up.code).toBe(1);
  expect(up.err).toMatch(/^error: SLIPWAY_NO_BACKEND: there is no Pulumi login/);
  expect(up.err).toContain("npx --no slipway env -- pulumi login");
});
