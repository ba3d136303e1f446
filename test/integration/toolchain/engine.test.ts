import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { prepareState } from "../../../toolchain/environment.mjs";
import { projectDir } from "../../../toolchain/paths.mjs";
import { findOnPath, run } from "../../../toolchain/run.mjs";
import { ensureStack, refreshStageConfig } from "../../../toolchain/stage.mjs";

const tracked = 'config:\n  toolchain-test:greeting: "hello" # a comment\n';
let dir: string;
let project: string;

beforeAll(() => {
  dir = mkdtempSync(path.join(tmpdir(), "slipway-engine-"));
  project = path.join(dir, "project");
  mkdirSync(project);
  const write = (name: string, text: string) => writeFileSync(path.join(project, name), text);
  write("Pulumi.yaml", "name: toolchain-test\nruntime: nodejs\nmain: index.js\n");
  write("Pulumi.stage.yaml", tracked);
  write("package.json", '{ "name": "toolchain-test" }');
  write(
    "index.js",
    'const pulumi = require("@pulumi/pulumi"); exports.secret = pulumi.secret(new pulumi.Config().require("greeting"));',
  );
  symlinkSync(path.join(projectDir, "node_modules"), path.join(project, "node_modules"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test("the stage stack is made and updated without a word in tracked files, and keeps its salt", async () => {
  const pulumi = findOnPath("pulumi") ?? "pulumi";
  const state = prepareState({ cache: path.join(dir, "cache"), project });
  const stateDir = state.dir;
  const env = {
    ...process.env,
    PULUMI_BACKEND_URL: state.backendUrl,
    PULUMI_CONFIG_PASSPHRASE_FILE: state.passphraseFile,
  };
  const up = async () => {
    await ensureStack({ project, stateDir, env, pulumi });
    const config = refreshStageConfig({ project, stateDir, registryPort: 5000 });
    const args = ["up", "--yes", "--non-interactive", "--stack", "stage", "--config-file", config];
    const { code, output } = await run(pulumi, args, { cwd: project, env });
    expect(output).toContain("Updating (stage)");
    expect(code).toBe(0);
    return readFileSync(config, "utf8");
  };
  const first = await up();
  expect(first).toMatch(/^config:\n.*# a comment\nencryptionsalt: v1:\S+\n$/);
  // As an update that was killed leaves it: a lock whose process is gone.
  const locks = path.join(stateDir, "state", ".pulumi", "locks", "organization", "toolchain-test", "stage");
  mkdirSync(locks, { recursive: true });
  const holder = {
    pid: 99_999_999,
    username: "root",
    hostname: (await import("node:os")).hostname(),
    timestamp: new Date(),
  };
  writeFileSync(path.join(locks, "dead.json"), JSON.stringify(holder));
  expect(await up()).toBe(first);
  expect(readFileSync(path.join(project, "Pulumi.stage.yaml"), "utf8")).toBe(tracked);
});
