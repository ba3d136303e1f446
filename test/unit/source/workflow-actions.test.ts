import { expect, test } from "vitest";
import { usedActions } from "../../../source/read-workflow-actions";

test("jobs and steps, with their lines; values and comments are no actions", () => {
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
  expect(usedActions(text)).toEqual([
    { text: "octo/tools/.github/workflows/x.yml@main", line: 4 },
    { text: "actions/checkout@v6", line: 7 },
    { text: "a/b@v1", line: 11 },
    { text: "c/d@v2", line: 16 },
  ]);
});
