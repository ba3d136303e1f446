import { execFile, execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import packageJson from "../../package.json";
import { crane } from "../support/crane";
import { packSlipway } from "../support/packed";
import { startRegistry, type TestRegistry } from "../support/registry";

/**
 * A program of a user's own, in TypeScript, with the package that `npm pack` makes: two images, and another resource
 * that takes the reference of one of them.
 */
const ROOT = path.resolve(__dirname, "../..");
const PLATFORMS = ["linux/amd64", "linux/arm64"];

let registry: TestRegistry;
let folder: string;

const program = (host: string, image = 'context: "api", sbom: false') => `
import * as pulumi from "@pulumi/pulumi";
import { registry, Release } from "slipway";

class Deployment extends pulumi.ComponentResource {
  readonly image: pulumi.Output<string>;
  constructor(name: string, args: { image: pulumi.Input<string> }) {
    super("shop:index:Deployment", name, {});
    this.image = pulumi.output(args.image);
    this.registerOutputs({ image: this.image });
  }
}

export = async () => {
  const plan = await Release.plan({
    registries: [registry(${JSON.stringify(host)}, "octo")],
    sign: { mode: "none" },
    images: {
      api: { ${image} },
      worker: { context: "worker", platforms: ["linux/amd64"], sbom: false },
    },
  });
  const release = new Release("shop", plan);
  const deployment = new Deployment("api", { image: release.images.api.reference });
  return { deployed: deployment.image, ...release.outputs };
};
`;

beforeAll(async () => {
  registry = await startRegistry();
  folder = mkdtempSync(path.join(tmpdir(), "slipway-program-"));
  await packSlipway(folder);
  for (const image of ["api", "worker"]) {
    mkdirSync(path.join(folder, image));
    writeFileSync(path.join(folder, image, "Dockerfile"), `FROM scratch\nCOPY ${image}.txt /\n`);
    writeFileSync(path.join(folder, image, `${image}.txt`), image);
  }
  writeFileSync(path.join(folder, ".gitignore"), "node_modules\nstate\nevents.json\n*.js\nartifacts\n");
  writeFileSync(path.join(folder, "package.json"), '{ "name": "shop", "private": true }\n');
  writeFileSync(
    path.join(folder, "Pulumi.yaml"),
    "name: shop\nmain: index.js\nruntime: { name: nodejs, options: { typescript: false } }\n" +
      "plugins: { providers: [{ name: slipway-registry, path: node_modules/slipway/src/provider }] }\n",
  );
  writeFileSync(path.join(folder, "index.ts"), program(registry.host));
  mkdirSync(path.join(folder, "state"));
  for (const args of [
    ["init", "--quiet", "--initial-branch=main"],
    ["add", "--all"],
    ["commit", "--quiet", "-m", "shop"],
    ["tag", "v1.2.3"],
  ])
    execFileSync("git", args, { cwd: folder, env: environment() });
  await pulumi("stack", "init", "dev");
});

afterAll(async () => {
  await registry?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

function environment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PULUMI_BACKEND_URL: `file://${path.join(folder, "state")}`,
    PULUMI_CONFIG_PASSPHRASE: "test",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // Where the engine has --event-log.
    PULUMI_DEBUG_COMMANDS: "true",
    NO_COLOR: "1",
    GIT_AUTHOR_NAME: "Test",
    GIT_AUTHOR_EMAIL: "test@example.com",
    GIT_COMMITTER_NAME: "Test",
    GIT_COMMITTER_EMAIL: "test@example.com",
  };
}

function pulumi(...args: string[]): Promise<{ exitCode: number; text: string }> {
  return new Promise((resolve) => {
    execFile("pulumi", args, { cwd: folder, env: environment() }, (error, stdout, stderr) =>
      resolve({ exitCode: error === null ? 0 : 1, text: `${stdout}${stderr}` }),
    );
  });
}

const MODULE = { node10: "commonjs", node16: "node16", bundler: "preserve" } as const;
const RESOLUTIONS = ["node10", "node16", "bundler"] as const;
type Resolution = (typeof RESOLUTIONS)[number];

/** The compiler on the program, as strictly as it can be: its messages, and index.js. */
function compile(source: string, resolution: Resolution): string {
  writeFileSync(path.join(folder, "index.ts"), source);
  const options = {
    strict: true,
    skipLibCheck: false,
    target: "es2022",
    module: MODULE[resolution],
    moduleResolution: resolution,
    types: ["node"],
  };
  writeFileSync(
    path.join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions: options, files: ["index.ts"] }),
  );
  try {
    execFileSync(process.execPath, [path.join(ROOT, "node_modules/typescript/bin/tsc"), "-p", "."], {
      cwd: folder,
      encoding: "utf8",
      stdio: "pipe",
    });
    return "";
  } catch (error) {
    return String(Reflect.get(Object(error), "stdout"));
  }
}

test("a wrong argument is a compile error", () => {
  expect(compile(program("localhost:1", 'contxt: "api"'), "node16")).toMatch(/'contxt' does not exist/);
  expect(compile(program("localhost:1", 'platforms: ["linux/arm"]'), "node16")).toMatch(
    /"linux\/arm"' is not/,
  );
});

test("its declarations name no package but those that npm installs with it", () => {
  const types = path.join(folder, "node_modules/slipway/dist/types");
  const files = readdirSync(types, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".d.ts"),
  );
  const named = files.flatMap((file) =>
    [
      ...readFileSync(path.join(types, file), "utf8").matchAll(/^(?:im|ex)port .*? from "([^".][^"]*)"/gm),
    ].map(([, name = ""]) => name),
  );
  expect(named).toContain("@pulumi/pulumi");
  const known = Object.keys(packageJson.dependencies);
  expect(named.filter((name) => !name.startsWith("node:") && !known.includes(name))).toEqual([]);
});

test.each(RESOLUTIONS)("it compiles under %s resolution, strictly", (resolution) => {
  expect(compile(program(registry.host), resolution)).toBe("");
});

test("a refusal registers no resource, the provider included", async () => {
  compile(program(registry.host, 'context: "nowhere", tags: ["type=nonsense"]'), "node16");
  const { exitCode, text } = await pulumi("up", "--yes", "--skip-preview", "--event-log", "events.json");
  expect(exitCode).not.toBe(0);
  expect(text).toMatch(/images\.api\.tags\[0\]/);
  const events = existsSync(path.join(folder, "events.json"))
    ? readFileSync(path.join(folder, "events.json"), "utf8")
    : "";
  expect(events).not.toMatch(/slipway-registry|slipway:index/);
});

test("both images are released, and the digest reaches another resource", async () => {
  compile(program(registry.host), "node16");
  const up = await pulumi("up", "--yes", "--non-interactive");
  expect(up.exitCode, up.text).toBe(0);
  const reference = `${registry.host}/octo/api`;
  const digest = await crane("digest", `${reference}:1.2.3`);
  expect(await crane("digest", `${reference}:latest`)).toBe(digest);
  const { text } = await pulumi("stack", "output", "--json");
  const outputs: unknown = JSON.parse(text);
  expect(outputs).toMatchObject({ deployed: `${reference}@${digest}`, digests: { api: digest } });
  for (const platform of PLATFORMS) await crane("manifest", "--platform", platform, `${reference}:1.2.3`);
});

test("a second up changes nothing and writes nothing", async () => {
  await registry.forget();
  const up = await pulumi("up", "--yes", "--non-interactive");
  expect(up.exitCode, up.text).toBe(0);
  expect(up.text).toMatch(/\d+ unchanged/);
  expect(up.text).not.toMatch(/[0-9]+ (?:created|updated|deleted)/);
  expect(await registry.writes()).toEqual([]);
});
