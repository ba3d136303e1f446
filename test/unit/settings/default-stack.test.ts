import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { stackToUse } from "../../../src/cli/commands/flags";
import { findStack } from "../../../src/cli/dispatch/settings";
import { defaultStack } from "../../../src/settings/stack-file";
import { SETTINGS_PROGRAM } from "../../support/settings-program";

let projectDir: string;

beforeEach(async () => {
  projectDir = await mkdtemp(join(tmpdir(), "slipway-default-stack-"));
  await writeFile(join(projectDir, "Pulumi.yaml"), "name: shop\nruntime: nodejs\n");
  await writeFile(join(projectDir, "index.js"), SETTINGS_PROGRAM);
});
afterEach(() => rm(projectDir, { recursive: true }));

async function stacks(...names: readonly string[]): Promise<void> {
  for (const name of names) {
    const config = name === "setup" ? "config: { slipway:github: { setup: true } }" : "config: {}";
    await writeFile(join(projectDir, `Pulumi.${name}.yaml`), config);
  }
}

test.each([
  { names: ["prod", "release", "stage"], used: "stage", dispatched: "release" },
  { names: ["prod", "stage"], used: "stage", dispatched: "stage" },
  { names: ["release", "setup"], used: "release", dispatched: "release" },
  { names: ["live", "setup"], used: "live", dispatched: "live" },
  { names: ["blue", "green"], used: "stage", dispatched: undefined },
  { names: ["setup"], used: "stage", dispatched: undefined },
  { names: [], used: "stage", dispatched: undefined },
])("of the stacks $names, $used is used and $dispatched dispatched", async ({ names, used, dispatched }) => {
  await stacks(...names);
  expect(await stackToUse({ cwd: projectDir })).toBe(used);
  expect((await findStack(projectDir, undefined))?.stack).toBe(dispatched);
});

test("a named stack is used, and one whose file cannot be read counts as releasing", async () => {
  await stacks("release", "setup");
  expect(await stackToUse({ cwd: projectDir, stack: "setup" })).toBe("setup");
  await writeFile(join(projectDir, "Pulumi.broken.yaml"), "config: [\n");
  expect(await defaultStack(projectDir, [])).toBeUndefined();
  expect(await defaultStack(projectDir, ["broken"])).toBe("broken");
});

test("without a project, the error is the usual one", async () => {
  await rm(join(projectDir, "Pulumi.yaml"));
  await expect(stackToUse({ cwd: projectDir })).rejects.toThrow(
    "is this the project's folder? [config-file]",
  );
});
