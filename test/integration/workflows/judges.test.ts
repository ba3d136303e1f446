import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { workflowFiles } from "../../../src/workflows/generate";
import { judge } from "../../support/workflow-judges";
import { type WrittenStack, workflowProject, workflowStacks } from "../../support/workflow-projects";

/** Generated files must pass actionlint, and zizmor with its strictest persona. */
const EXAMPLES = path.join(__dirname, "../../../examples");
/** For more projects: `SLIPWAY_WORKFLOW_PROJECTS=500 npm test -- test/integration/workflows` */
const PROJECTS = Number(process.env.SLIPWAY_WORKFLOW_PROJECTS ?? 25);
const BATCH = 100;

test("the examples' workflows", async () => {
  const names = readdirSync(EXAMPLES, { recursive: true, encoding: "utf8" }).filter((name) =>
    /\.(?:github|gitea)\/workflows\/[^/]+\.yml$/.test(name),
  );
  expect(names.length).toBeGreaterThan(5);
  const files = names.map((name) => [name, readFileSync(path.join(EXAMPLES, name), "utf8")]);
  expect(await judge(Object.fromEntries(files))).toEqual([]);
});

test("this project's own workflows", async () => {
  const folder = path.join(__dirname, "../../../.github/workflows");
  const files = readdirSync(folder).map((name) => [
    `.github/workflows/${name}`,
    readFileSync(path.join(folder, name), "utf8"),
  ]);
  expect(files.length).toBeGreaterThan(0);
  expect(await judge(Object.fromEntries(files))).toEqual([]);
});

test(`the workflows of ${PROJECTS} projects`, { timeout: 60_000 + PROJECTS * 1000 }, async () => {
  const seed = Number(process.env.SLIPWAY_WORKFLOW_SEED ?? Date.now() % 2 ** 31);
  const projects = fc.sample(workflowProject, { numRuns: PROJECTS, seed });
  for (let start = 0; start < projects.length; start += BATCH) {
    const batch = projects.slice(start, start + BATCH);
    const files = batch.flatMap((project, index) => filesOf(project, start + index));
    const found = await judge(Object.fromEntries(files));
    expect(found, `SLIPWAY_WORKFLOW_SEED=${seed}; ${shown(found, projects)}`).toEqual([]);
  }
});

test("the workflows of a stage, what is promoted from it, and a release on native runners", async () => {
  const folder = path.join(__dirname, "../../unit/workflows");
  const names = readdirSync(folder).filter((name) => name.endsWith(".yml"));
  expect(names).toHaveLength(3);
  const files = names.map((name) => [
    `.github/workflows/${name}`,
    readFileSync(path.join(folder, name), "utf8"),
  ]);
  expect(await judge(Object.fromEntries(files))).toEqual([]);
});

test("actionlint complains about nothing but a queue of runs, which it does not know yet", async () => {
  const written: WrittenStack = {
    stack: "release",
    written: {
      registries: [{ host: "ghcr.io", namespace: "octo" }],
      images: [{ name: "app" }],
      github: { workflows: { queue: "max", release: {} } },
    },
  };
  const [found, ...more] = await judge(Object.fromEntries(filesOf([written], 0)));
  expect(found).toContain('unexpected key "queue" for "concurrency" section');
  expect(more).toEqual([]);
});

test("a wrong workflow is reported", async () => {
  const text = "on: push\njobs:\n  a:\n    runs-on: nowhere\n    steps:\n      - uses: actions/checkout@v4\n";
  const found = await judge({ ".github/workflows/wrong.yml": text });
  expect(found.some((line) => line.includes("nowhere"))).toBe(true);
  expect(found.some((line) => line.includes("unpinned-uses"))).toBe(true);
});

function filesOf(project: readonly WrittenStack[], index: number): [string, string][] {
  const checkout = { submodules: index % 2 === 1, lfs: index % 3 === 1 };
  const files = workflowFiles(workflowStacks(project, checkout));
  return files.map(({ path: file, text }) => [`project-${index}/${file}`, text]);
}

/** The settings of the first project with a complaint. */
function shown(found: readonly string[], projects: readonly WrittenStack[][]): string {
  const index = Number(/project-(\d+)/.exec(found[0] ?? "")?.[1] ?? 0);
  return JSON.stringify(projects[index]);
}
