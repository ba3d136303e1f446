import { rename } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { actionActions, readWorkflowActions, workflowActions } from "../../../src/inputs/workflow-actions";
import { type Files, repository, temporaryFolder, writeFiles } from "./repository";

test("actions are in jobs and steps, with their lines; values and comments are none", () => {
  const text = `name: ci
jobs:
  call:
    uses: octo/tools/.github/workflows/x.yml@main
  build:
    steps:
      - uses: "actions/checkout@v6" # not pinned
        with:
          uses: nothing
        env: { uses: nothing }
      - { name: inline, uses: a/b@v1 }
      # - uses: commented/out@v1
      - run: |
          uses: in/a-script@v1
      - &same
        uses: c/d@v2
      - *same
`;
  expect(workflowActions(text)).toEqual([
    { text: "octo/tools/.github/workflows/x.yml@main", line: 4 },
    { text: "actions/checkout@v6", line: 7 },
    { text: "a/b@v1", line: 11 },
    { text: "c/d@v2", line: 16 },
  ]);
});

test("jobs that are named with, env and uses are read like any other", () => {
  const text = `jobs:
  with:
    steps: [{ uses: a/with@v1 }]
  env:
    uses: a/env@v1
    with: { uses: value/only@v1, steps: [{ uses: value/only@v1 }] }
  uses:
    steps:
      - uses: a/uses@v1
`;
  expect(workflowActions(text)).toEqual([
    { text: "a/with@v1", line: 3 },
    { text: "a/env@v1", line: 5 },
    { text: "a/uses@v1", line: 9 },
  ]);
});

test.each([
  [
    "uses elsewhere",
    "uses: a/b@v1\non: { push: { uses: a/b@v1 } }\ndefaults: { steps: [{ uses: a/b@v1 }] }",
    [],
  ],
  [
    "a step's matrix",
    "jobs: { a: { strategy: { matrix: { uses: [x], include: [{ uses: a/b@v1 }] } } } }",
    [],
  ],
  [
    "jobs, steps and uses of another kind",
    "jobs: { a: [], b: { steps: { uses: a/b@v1 }, uses: { c: d } } }",
    [],
  ],
  ["no mapping at all", "just a text", []],
  ["nothing", "", []],
])("%s", (_, text, expected) => {
  expect(workflowActions(text)).toEqual(expected);
});

test("aliases and merge keys are resolved, with the line where the action is written", () => {
  const text = `x-step: &step
  uses: merged/step@v1
x-job: &job
  steps: &steps
    - <<: *step
    - { <<: *step, uses: own/wins@v1 }
    - <<: [{ uses: first/wins@v1 }, *step]
jobs:
  a:
    <<: *job
  b: *job
  c:
    <<: *job
    steps: [{ "uses": &name named/anchor@v1 }, { uses: *name }]
  d: { steps: *steps }
  e: { <<: { uses: merged/workflow@v1 } }
`;
  expect(workflowActions(text)).toEqual([
    { text: "merged/step@v1", line: 2 },
    { text: "own/wins@v1", line: 6 },
    { text: "first/wins@v1", line: 7 },
    { text: "named/anchor@v1", line: 14 },
    { text: "named/anchor@v1", line: 14 },
    { text: "merged/workflow@v1", line: 16 },
  ]);
});

test("an action runs the steps of a composite, or its container", () => {
  const composite = "runs:\n  using: composite\n  steps:\n    - uses: a/b@v1\n      with: { uses: c/d@v1 }\n";
  expect(actionActions(composite)).toEqual([{ text: "a/b@v1", line: 4 }]);
  expect(actionActions("runs:\n  using: docker\n  image: docker://alpine:3\n")).toEqual([
    { text: "docker://alpine:3", line: 3 },
  ]);
  expect(actionActions("runs: { using: docker, image: Dockerfile }")).toEqual([]);
});

const CI = ".github/workflows/ci.yml";

function running(...uses: readonly string[]): string {
  return `jobs:\n  a:\n    steps:\n${uses.map((text) => `      - uses: ${text}\n`).join("")}`;
}

function composite(...uses: readonly string[]): string {
  return `runs:\n  using: composite\n  steps:\n${uses.map((text) => `    - uses: ${text}\n`).join("")}`;
}

async function read(files: Files) {
  const workflows = await readWorkflowActions(await repository(files));
  return workflows.map(({ path: file, uses, unread }) => [file, unread ?? uses.map(({ text }) => text)]);
}

describe("actions of the repository's own", () => {
  test("are followed, each once, also from one to another", async () => {
    const found = await read({
      [CI]: running("./.github/actions/one", "./.github/actions/one/", "./"),
      ".github/workflows/other.yaml": "jobs: { a: { uses: ./.github/workflows/ci.yml } }",
      ".github/actions/one/action.yml": composite("a/one@v1", "./two"),
      "two/action.yaml": composite("a/two@v1", "./.github/actions/one"),
      "action.yml": composite("a/root@v1"),
    });
    expect(found).toEqual([
      [CI, ["./.github/actions/one", "./.github/actions/one/", "./"]],
      [".github/workflows/other.yaml", ["./.github/workflows/ci.yml"]],
      [".github/actions/one/action.yml", ["a/one@v1", "./two"]],
      ["action.yml", ["a/root@v1"]],
      ["two/action.yaml", ["a/two@v1", "./.github/actions/one"]],
    ]);
  });

  test.each([
    ["that is not there", "./vendor/action", {}, ["vendor/action", "the repository has no action.yml there"]],
    ["outside", "./../outside", {}, ["../outside", "the repository has no action.yml there"]],
    [
      "that is a link out",
      "./own",
      { "own/action.yml": { link: "/etc/hostname" } },
      ["own/action.yml", "it is a link out of the repository"],
    ],
    ["that is a Dockerfile", "./own", { "own/Dockerfile": "FROM scratch\n" }, ["own/Dockerfile", []]],
    [
      "that is no YAML",
      "./own",
      { "own/action.yml": "runs: [\n" },
      ["own/action.yml", expect.stringMatching(/^line 2: /)],
    ],
    [
      "that is too large",
      "./own",
      { "own/action.yml": `# ${"x".repeat(1024 * 1024)}\n` },
      ["own/action.yml", "is larger than 1 MiB"],
    ],
  ])("one %s", async (_, uses, files, expected) => {
    expect(await read({ [CI]: running(uses), ...files })).toEqual([[CI, [uses]], expected]);
  });

  test("one beside the repository is not read", async () => {
    const parent = await temporaryFolder();
    await writeFiles(parent, { "outside/action.yml": composite("a/outside@v1") });
    const own = await repository({ [CI]: running("./../outside") });
    await rename(own, path.join(parent, "own"));
    const found = await readWorkflowActions(path.join(parent, "own"));
    expect(found.map(({ unread }) => unread)).toEqual([undefined, "the repository has no action.yml there"]);
  });
});

describe("the workflows' folder", () => {
  test.each([
    ["none", {}],
    ["a file in its place", { ".github/workflows": "text" }],
    ["a file in its parent's place", { ".github": "text" }],
  ] as const)("%s: no workflows", async (_, files) => {
    expect(await read({ "README.md": "hello\n", ...files })).toEqual([]);
  });

  test("one that cannot be read is reported", async () => {
    const root = await repository({ ".github/workflows": { link: "workflows" } });
    const [found, ...others] = await readWorkflowActions(root);
    expect(others).toEqual([]);
    expect(found).toMatchObject({ path: ".github/workflows", uses: [] });
    expect(found?.unread).toMatch(/^ELOOP/);
  });

  test("a folder with a workflow's name and a dangling link are reported", async () => {
    const files: Files = { [`${CI}/x`]: "text", ".github/workflows/gone.yml": { link: "nothing" } };
    expect(await read(files)).toEqual([
      [CI, "is not a file"],
      [".github/workflows/gone.yml", "there is no such file"],
    ]);
  });
});
