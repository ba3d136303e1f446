import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { builderText, ownBuildkitProblem } from "../../../toolchain/builder.mjs";
import { exportLines, prepareState } from "../../../toolchain/environment.mjs";
import { nodeProblem } from "../../../toolchain/node-version.mjs";
import { areInstalled } from "../../../toolchain/npm-packages.mjs";
import { cacheDir, partKey, registryPort } from "../../../toolchain/paths.mjs";
import { parts } from "../../../toolchain/pins.mjs";
import { countTests, summaryLine } from "../../../toolchain/run-tests.mjs";
import { fits } from "../../../toolchain/sources.mjs";
import { projectName, refreshStageConfig, saveSalt, stageConfigText } from "../../../toolchain/stage.mjs";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), "slipway-parts-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe("Node's version", () => {
  test.each(["v20.19.0", "v20.20.2", "v22.0.0", "v24.1.0"])("%s is new enough", (version) => {
    expect(nodeProblem(version)).toBeUndefined();
  });
  test.each(["v20.18.9", "v18.20.0", "v8.0.0"])("%s is too old, and the error says what to do", (version) => {
    expect(nodeProblem(version)).toBe(
      `SLIPWAY_NODE_TOO_OLD: this is Node ${version}; Slipway needs 20.19.0 or later.\n` +
        "What you can do: install a current Node (https://nodejs.org/, or `nvm install 22`) and run the command again.",
    );
  });
});

test.each([
  ["v3.259.0", "3.259.0", true],
  ["pulumi 3.300.1", "3.259.0", true],
  ["3.258.9", "3.259.0", false],
  ["4.0.0", "3.259.0", false],
  ["runc version 1.4.0\nspec: 1.3.0", "1.1.0", true],
  ["buildkitd github.com/moby/buildkit v0.31.1 abc", "0.31.1", true],
  ["unknown", "1.0.0", false],
])("%j fits %s: %s", (text, minimum, fitting) => {
  expect(fits(text, minimum)).toBe(fitting);
});

test("export lines set exactly the values", () => {
  const variables = {
    PLAIN: "/usr/bin:/bin",
    QUOTES: `it's "so"`,
    SHELL_SIGNS: "$HOME `id` \\ ; & * \n two lines",
    EMPTY: "",
  };
  const script = `PULUMI_STACK=x\n${exportLines(variables, ["PULUMI_STACK"])}
    node -e 'console.log(JSON.stringify([process.env.PLAIN, process.env.QUOTES, process.env.SHELL_SIGNS, process.env.EMPTY, process.env.PULUMI_STACK ?? null]))'`;
  const output = execFileSync("sh", ["-c", script.replace("node -e", `'${process.execPath}' -e`)], {
    encoding: "utf8",
  });
  expect(JSON.parse(output)).toEqual([...Object.values(variables), null]);
});

describe("the registry's port", () => {
  test("is 5000, or SLIPWAY_REGISTRY_PORT", () => {
    expect(registryPort({})).toBe(5000);
    expect(registryPort({ SLIPWAY_REGISTRY_PORT: "5443" })).toBe(5443);
  });
  test.each(["0", "70000", "http", "50.5"])("%s is refused", (port) => {
    expect(() => registryPort({ SLIPWAY_REGISTRY_PORT: port })).toThrow(
      `SLIPWAY_REGISTRY_PORT: "${port}" is not a port; allowed: 1 to 65535`,
    );
  });
});

describe("the stage stack's configuration", () => {
  const tracked = "# the stage stack\nconfig:\n  slipway:registries:\n    - host: localhost:5000\n";

  test("a first copy is the tracked text", () => {
    expect(stageConfigText({ tracked, copy: undefined, registryPort: 5000 })).toBe(tracked);
  });
  test("keeps the salt, updates the settings and sets the port in use", () => {
    const copy = "config: {}\nencryptionsalt: v1:abc=:v1:def\n";
    expect(stageConfigText({ tracked, copy, registryPort: 5555 })).toBe(
      "# the stage stack\nconfig:\n  slipway:registries:\n    - host: localhost:5555\nencryptionsalt: v1:abc=:v1:def\n",
    );
  });
  test("keeps the signing key, unless the tracked settings say how to sign", () => {
    const sign = "  slipway:sign:\n    key:\n      secure: v1:abc\n    publicKeyFile: cosign.local.pub\n";
    const copy = `config:\n  slipway:requireTag: "false"\n${sign}encryptionsalt: v1:abc=:v1:def\n`;
    expect(stageConfigText({ tracked, copy, registryPort: 5000 })).toBe(
      `# the stage stack\nconfig:\n${sign}  slipway:registries:\n    - host: localhost:5000\nencryptionsalt: v1:abc=:v1:def\n`,
    );
    const decided = `${tracked}  slipway:sign: { mode: none }\n`;
    expect(stageConfigText({ tracked: decided, copy, registryPort: 5000 })).toBe(
      `${decided}encryptionsalt: v1:abc=:v1:def\n`,
    );
    const stateDir = path.join(dir, "signed");
    mkdirSync(stateDir);
    writeFileSync(path.join(stateDir, "Pulumi.stage.yaml"), copy);
    saveSalt(stateDir, "encryptionsalt: v1:new");
    expect(readFileSync(path.join(stateDir, "Pulumi.stage.yaml"), "utf8")).not.toContain("slipway:sign");
  });
  test("the tracked file stays as it is", () => {
    const project = path.join(dir, "project");
    mkdirSync(project);
    writeFileSync(path.join(project, "Pulumi.stage.yaml"), tracked);
    const stateDir = path.join(dir, "state");
    saveSalt(stateDir, "encryptionsalt: v1:abc");
    const copy = refreshStageConfig({ project, stateDir, registryPort: 5000 });
    expect(readFileSync(copy, "utf8")).toBe(`${tracked}encryptionsalt: v1:abc\n`);
    saveSalt(stateDir, "encryptionsalt: v1:new");
    expect(readFileSync(copy, "utf8")).toBe(`${tracked}encryptionsalt: v1:new\n`);
    expect(readFileSync(path.join(project, "Pulumi.stage.yaml"), "utf8")).toBe(tracked);
  });
  test.each([
    ["name: slipway\nruntime: nodejs\n", "slipway"],
    ['# a comment\nname: "my-app" # it\n', "my-app"],
  ])("the project's name in %j", (text, name) => {
    expect(projectName(text)).toBe(name);
  });
});

describe("the stage stack's state", () => {
  test("has one passphrase, readable only by its owner; two checkouts share nothing", () => {
    const [a, b] = ["a", "b"].map((name) => {
      const project = path.join(dir, name);
      mkdirSync(project);
      return { cache: path.join(dir, "cache"), project };
    });
    const first = prepareState(a);
    const passphrase = readFileSync(first.passphraseFile, "utf8");
    expect(passphrase).toMatch(/^[0-9a-f]{64}$/);
    expect(statSync(first.passphraseFile).mode & 0o777).toBe(0o600);
    expect(prepareState(a)).toEqual(first);
    expect(readFileSync(first.passphraseFile, "utf8")).toBe(passphrase);
    const other = prepareState(b);
    expect(other.backendUrl).not.toBe(first.backendUrl);
    expect(readFileSync(other.passphraseFile, "utf8")).not.toBe(passphrase);
  });
});

test.each([
  [{ SLIPWAY_CACHE: "/elsewhere" }, "linux", "/elsewhere"],
  [{ XDG_CACHE_HOME: "/xdg" }, "linux", "/xdg/slipway"],
  [{ LOCALAPPDATA: "/local" }, "win32", "/local/slipway"],
])("the cache folder for %j on %s", (env, system, folder) => {
  expect(cacheDir(env, system)).toBe(folder);
});

test("the key of each part and platform is unique", () => {
  const keys = parts.flatMap((part) => [
    partKey(part, { os: "linux", arch: "amd64", exe: "" }),
    partKey(part, { os: "linux", arch: "arm64", exe: "" }),
  ]);
  expect(new Set(keys).size).toBe(keys.length);
});

test("npm ci is needed if node_modules differs from the lock file", () => {
  const lock = (packages: Record<string, object>) => JSON.stringify({ packages });
  const locked = {
    "": {},
    "node_modules/a": { version: "1.0.0" },
    "node_modules/b": { version: "2.0.0", optional: true },
  };
  writeFileSync(path.join(dir, "package-lock.json"), lock(locked));
  expect(areInstalled(dir)).toBe(false);
  mkdirSync(path.join(dir, "node_modules"));
  const record = path.join(dir, "node_modules", ".package-lock.json");
  writeFileSync(record, lock({ "node_modules/a": { version: "1.0.0" } }));
  expect(areInstalled(dir)).toBe(true);
  writeFileSync(record, lock({ "node_modules/a": { version: "0.9.0" } }));
  expect(areInstalled(dir)).toBe(false);
});

test("counts tests from the report, and a file that could not be loaded as a failure", () => {
  const counts = countTests({
    testResults: [
      { status: "passed", assertionResults: [{ status: "passed" }, { status: "skipped" }] },
      { status: "failed", assertionResults: [{ status: "failed" }, { status: "passed" }] },
      { status: "failed", assertionResults: [] },
    ],
  });
  expect(counts).toEqual({ passed: 2, failed: 2, skipped: 1 });
  expect(summaryLine(counts)).toBe("2 passed, 2 failed, 1 skipped");
  expect(summaryLine({ passed: 3, failed: 0, skipped: 0 })).toBe("3 passed, 0 failed");
});

describe("the builder", () => {
  test("of a Docker engine uses the host's network, where the embedded registry is", () => {
    expect(JSON.parse(builderText({ driver: "docker-container", endpoint: "default" }))).toMatchObject({
      Name: "slipway",
      Driver: "docker-container",
      Nodes: [
        {
          Endpoint: "default",
          DriverOpts: { network: "host", image: expect.stringMatching(/^moby\/buildkit:v/) },
        },
      ],
    });
  });
  test.each([
    ["linux", 0, undefined],
    ["linux", 1000, "it needs root, this is user 1000"],
    ["darwin", 501, "it needs Linux, this is darwin"],
  ])("of ours on %s as user %i: %s", (system, uid, problem) => {
    expect(ownBuildkitProblem(system as NodeJS.Platform, uid)).toBe(problem);
  });
});
