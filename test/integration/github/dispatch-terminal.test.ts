import { rmSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ActionsRuns, type Fate, TOKEN } from "../../support/github/actions-runs";
import { DIGEST, KEPT, REPOSITORY, releaseProject, USUAL } from "../../support/github/release-project";
import { onTerminal, type Step, type TerminalEnd } from "../../support/terminal";

/** What `slipway dispatch` shows at a terminal. */

const SLIPWAY = path.resolve(__dirname, "../../support/github/quick-slipway.cjs");
const RUN = `https://github.com/${REPOSITORY}/actions/runs/1001`;
const LONG = "Set up QEMU for linux/arm64 and whatever else is to be emulated on this runner today";
const JOBS = {
  Release: ["Check out", LONG, "Release"],
  "🚀 日本語の長い名前のジョブ 日本語の長い名前": ["x"],
};

let dir: string;
let standIn: ActionsRuns;

beforeAll(() => {
  dir = releaseProject();
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));
afterEach(async () => {
  await standIn.close();
  expect(standIn.problems).toEqual([]);
});

interface Shown {
  readonly columns?: number;
  readonly rows?: number;
  readonly steps?: readonly Step[];
}

async function dispatch(
  fate: Fate,
  { columns = 80, rows = 24, steps = [] }: Shown = {},
): Promise<TerminalEnd & { readonly lines: readonly string[] }> {
  standIn = await ActionsRuns.start(USUAL);
  standIn.fates = [fate];
  const { PATH = "", HOME = "" } = process.env;
  const env = {
    ...{ PATH, HOME, TERM: "xterm-256color", GIT_CONFIG_GLOBAL: "/dev/null" },
    ...{ GH_TOKEN: TOKEN, GITHUB_API_URL: standIn.url, TEST_SECOND_MS: "60" },
  };
  const argv = [process.execPath, SLIPWAY, "dispatch", "--version", "v1.2.3"];
  const ended = await onTerminal({ argv, cwd: dir, env, columns, rows, steps });
  expect(ended.raw).not.toContain(TOKEN);
  expect(ended.terminal.isCursorShown).toBe(true);
  return { ...ended, lines: ended.terminal.lines };
}

const BEGINNING = ["Dispatched release-docker.yml on v1.2.3 for v1.2.3.", RUN];

describe("drawn in place", () => {
  test("a success: the run at its end, and what it released", async () => {
    const { code, lines, raw } = await dispatch({ jobs: JOBS, artifacts: KEPT });
    expect(lines.slice(0, 6)).toEqual([
      ...BEGINNING,
      "✓ Release v1.2.3: succeeded",
      "  ✓ Release 0s",
      "  ✓ 🚀 日本語の長い名前のジョブ 日本語の長い名前 0s",
      "",
    ]);
    expect(lines).toContain(`  ${DIGEST}`);
    expect(lines.at(-1)).toBe(`Released. ${RUN}`);
    expect(raw).toContain("Check out");
    expect(code).toBe(0);
  });

  test("a failure: the failed job with its steps, and the reason below", async () => {
    const { code, lines } = await dispatch({ jobs: JOBS, conclusion: "failure", log: "no space\n" });
    expect(lines.slice(0, 10)).toEqual([
      ...BEGINNING,
      "✗ Release v1.2.3: failed",
      "  ✗ Release 0s",
      "    ✓ Check out 0s",
      "    ✓ Set up QEMU for linux/arm64 and whatever else is to be emulated on this r…",
      "    ✗ Release 0s",
      "  ✗ 🚀 日本語の長い名前のジョブ 日本語の長い名前 0s",
      "    ✗ x 0s",
      "error: The release did not succeed:",
    ]);
    expect(code).toBe(1);
  });

  test("no line wraps at 40 columns", async () => {
    const { code, lines } = await dispatch({ jobs: JOBS, conclusion: "failure" }, { columns: 40 });
    const from = lines.findIndex((line) => line.includes("Release v1.2.3: failed"));
    // The screen has no space at the end of a wrapped line.
    expect(lines.slice(0, from).join("").replaceAll(" ", "")).toBe(BEGINNING.join("").replaceAll(" ", ""));
    expect(lines.slice(from, from + 8)).toEqual([
      "✗ Release v1.2.3: failed",
      "  ✗ Release 0s",
      "    ✓ Check out 0s",
      "    ✓ Set up QEMU for linux/arm64 and w…",
      "    ✗ Release 0s",
      "  ✗ 🚀 日本語の長い名前のジョブ 日本語…",
      "    ✗ x 0s",
      "error: The release did not succeed:",
    ]);
    expect(code).toBe(1);
  });

  test.each<[string, readonly [number, number]]>([
    ["narrower", [40, 24]],
    ["wider", [132, 40]],
  ])("no line is left over when the window gets %s", async (_, resize) => {
    const { code, lines } = await dispatch(
      { jobs: JOBS, artifacts: KEPT },
      { steps: [{ when: "Check out", resize }] },
    );
    expect(lines.filter((line) => line.includes("Release v1.2.3"))).toEqual(["✓ Release v1.2.3: succeeded"]);
    expect(lines.filter((line) => line.includes("Check out"))).toEqual([]);
    expect(code).toBe(0);
  });

  test("what runs is shown when there are more steps than rows", async () => {
    const steps = Array.from({ length: 30 }, (_, index) => `Step ${index + 1}`);
    const { raw, lines } = await dispatch({ jobs: { Release: steps } }, { rows: 10 });
    expect(raw).toContain("Step 30");
    expect(lines.slice(0, 4)).toEqual([...BEGINNING, "✓ Release v1.2.3: succeeded", "  ✓ Release 0s"]);
  });
});

describe("interrupted while the run goes on", () => {
  test.each<[string, Step, number]>([
    ["Ctrl-C", { when: "Check out", type: "\u0003" }, 130],
    ["SIGINT", { when: "Check out", signal: "SIGINT" }, 130],
    ["SIGTERM", { when: "Check out", signal: "SIGTERM" }, 143],
  ])("%s: the run goes on, and the commands to follow and cancel it are printed", async (_, step, code) => {
    const ended = await dispatch({ stuck: true, jobs: JOBS }, { columns: 120, steps: [step] });
    expect(ended.lines.slice(-3)).toEqual([
      `The run goes on: ${RUN}`,
      `  Follow it: gh run watch 1001 --repo ${REPOSITORY}`,
      `  Cancel it: gh run cancel 1001 --repo ${REPOSITORY}`,
    ]);
    expect(ended.lines.filter((line) => line.includes("Release v1.2.3: runs"))).toHaveLength(1);
    expect(ended.code).toBe(code);
    expect(standIn.requests.filter(({ method }) => method === "POST")).toHaveLength(1);
  });
});
