import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { declaredCode } from "../../../src/cli/plan/run-program";
import { readWorkflowStacks } from "../../../src/inputs/workflow-stacks";
import type { WorkflowStack } from "../../../src/plan/config";
import { assembleSetupPlan } from "../../../src/plan/setup/plan";
import { withWorkflows } from "../../../src/workflows/setup-files";
import { linkedExample } from "../../support/linked";
import { anEnvironment, aRepository, aSetup } from "../../support/setup";
import { type WrittenStack, workflowStacks } from "../../support/workflow-projects";

let folder: string;
let runbook: readonly WorkflowStack[];

beforeAll(async () => {
  folder = linkedExample("docker-release-runbook");
  runbook = await readWorkflowStacks(folder, (file) => declaredCode(folder, file));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a setup has the files that slipway workflows writes, with the secrets that they need", async () => {
  const { files } = withWorkflows(aSetup({ workflowFiles: true }), runbook);
  expect(files.map((file) => file.path)).toEqual([
    ".github/workflows/docker-publish.yml",
    ".github/workflows/docker-standalone-publish.yml",
    ".github/workflows/drift.yml",
    ".github/workflows/preview.yml",
  ]);
  const uses = files.flatMap((file) => file.uses ?? []);
  expect(uses.map(({ name }) => name)).toContain("GHCR_TOKEN");
  expect(uses.filter(({ optional }) => !optional)).toEqual([]);
});

test("a file that the setup names replaces a generated one", async () => {
  const own = { path: ".github/workflows/preview.yml", content: "name: mine\n" };
  const { files } = withWorkflows(aSetup({ workflowFiles: true, files: [own] }), runbook);
  expect(files.filter((file) => file.path === own.path)).toEqual([own]);
});

describe("the refs that may deploy to an environment", () => {
  const stack = (name: string, workflows: object, more: object = {}): WrittenStack => ({
    stack: name,
    written: {
      registries: [{ host: "ghcr.io", namespace: "octo" }],
      images: [{ name: "app" }],
      github: { workflows },
      ...more,
    },
  });
  const lanes = [{ name: "main", format: "vX.Y.Z", floating: "latest", trigger: "docker-v*" }];
  const MAIN = "~DEFAULT_BRANCH";

  test.each<[string, readonly WrittenStack[], { tags: string[]; branches: string[] }]>([
    ["no workflow names it", [], { tags: ["v*"], branches: [] }],
    ["a release", [stack("x", { release: {} })], { tags: ["v*"], branches: [MAIN] }],
    [
      "a release that requires a tag",
      [stack("x", { release: {} }, { requireTag: true })],
      { tags: ["v*"], branches: [] },
    ],
    [
      "a release of tags that the settings name",
      [stack("other", { release: { tags: ["app-v*"] }, environment: "x" }, { requireTag: true })],
      { tags: ["app-v*"], branches: [] },
    ],
    [
      "a lane",
      [stack("x", { release: {} }, { lanes, lane: "main" })],
      { tags: ["docker-v*"], branches: [MAIN] },
    ],
    [
      "a deploy",
      [stack("x", { deploy: { branches: ["main", "next"] } })],
      { tags: [], branches: ["main", "next"] },
    ],
    [
      "a promotion by statement",
      [stack("x", { promote: {} }, { promote: { statement: "v1.2.3" } })],
      { tags: ["v*"], branches: [] },
    ],
    [
      "a promotion that follows a deploy",
      [stack("stage", { deploy: {} }), stack("x", { promote: {} }, { promote: { from: "stage" } })],
      { tags: ["v*"], branches: ["main"] },
    ],
    [
      "a drift check",
      [stack("other", { drift: { environment: "x" }, release: {} })],
      { tags: [], branches: [MAIN] },
    ],
  ])("%s", (_, project, expected) => {
    const environments = { x: anEnvironment({ refs: "default", tags: ["v*"] }) };
    const { environments: found } = withWorkflows(aSetup({ environments }), workflowStacks(project));
    expect(found.x).toMatchObject(expected);
    const plan = assembleSetupPlan({ config: aSetup({ environments: found }), live: aRepository() });
    expect(plan.config.environments.x?.branches).toEqual(
      expected.branches.map((branch) => (branch === MAIN ? "main" : branch)),
    );
  });

  test("are those in the settings, if there are any", () => {
    const x = anEnvironment({ branches: ["release/*"] });
    const { environments } = withWorkflows(
      aSetup({ environments: { x } }),
      workflowStacks([stack("x", { release: {} })]),
    );
    expect(environments.x).toEqual(x);
  });

  test("the git tags that start a release cannot be moved or deleted", () => {
    const tagRules = { name: "Release tags", patterns: ["v*"] };
    const stacks = workflowStacks([stack("x", { release: { tags: ["app-v*"] } })]);
    expect(withWorkflows(aSetup({ tagRules }), stacks).tagRules?.patterns).toEqual(["app-v*", "v*"]);
  });
});
