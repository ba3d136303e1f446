import path from "node:path";
import { expect, test } from "vitest";
import { readWorkflowStacks } from "../../../source/workflow-stacks";
import { withWorkflowFiles } from "../../../workflows/setup-files";
import { aSetup } from "../../support/setup";

const RUNBOOK = path.resolve(__dirname, "../../../examples/docker-release-runbook");

test("keeps what slipway workflows writes, with the secrets that have to be there", async () => {
  const { files } = withWorkflowFiles(aSetup({ workflowFiles: true }), await readWorkflowStacks(RUNBOOK));
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

test("a file that the setup names is its own", async () => {
  const own = { path: ".github/workflows/preview.yml", content: "name: mine\n" };
  const { files } = withWorkflowFiles(aSetup({ files: [own] }), await readWorkflowStacks(RUNBOOK));
  expect(files.filter((file) => file.path === own.path)).toEqual([own]);
});
