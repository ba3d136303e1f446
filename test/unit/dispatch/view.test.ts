import pc from "picocolors";
import { describe, expect, test } from "vitest";
import { changeLines, duration, fitted, type RunState, runLines } from "../../../src/cli/dispatch/view";

const at = "2026-01-10T00:00:00Z";
const now = Date.parse("2026-01-10T00:01:05Z");
const running: RunState = {
  ...{ id: 1, url: "u", title: "Release v1.2.3", status: "in_progress" },
  jobs: [
    {
      ...{ id: 2, name: "Release", html_url: "u", status: "in_progress", started_at: at },
      steps: [
        {
          number: 1,
          name: "Check out",
          status: "completed",
          conclusion: "success",
          started_at: at,
          completed_at: at,
        },
        { number: 2, name: "Build", status: "in_progress", started_at: at },
        { number: 3, name: "Report", status: "queued" },
      ],
    },
    { id: 3, name: "Attest", html_url: "u", status: "waiting", steps: [] },
  ],
};

describe("a run on a screen", () => {
  test("all jobs, and the steps of those that run", () => {
    expect(runLines(running, now, pc.createColors(false))).toEqual([
      "● Release v1.2.3: runs",
      "  ● Release 1m 5s",
      "    ✓ Check out 0s",
      "    ● Build 1m 5s",
      "    ○ Report",
      "  ○ Attest, waits for an approval",
    ]);
  });

  test("without the steps that are done, if they do not fit", () => {
    expect(runLines(running, now, pc.createColors(false), 5)).toEqual([
      "● Release v1.2.3: runs",
      "  ● Release 1m 5s",
      "    ● Build 1m 5s",
      "  ○ Attest, waits for an approval",
    ]);
  });

  test("cut to the width, which colours do not change", () => {
    const bold = pc.createColors(true).bold("abcdef");
    expect(fitted(["abcdef", "b", "c", "d"], 4, 3)).toEqual(["abc…", "c", "d"]);
    expect(fitted([bold], 6, 3)).toEqual([bold]);
    expect(fitted([bold], 4, 3)[0]).toContain("abc…");
    // Wide characters take two columns.
    expect(fitted(["日本語x"], 7, 3)).toEqual(["日本語x"]);
    expect(fitted(["日本語x"], 6, 3)).toEqual(["日本…"]);
  });
});

describe("a run line by line", () => {
  test("only changes", () => {
    expect(changeLines(undefined, running)).toEqual([
      "Release v1.2.3: runs",
      "Release: runs",
      "Release: Check out: succeeded",
      "Release: Build: runs",
      "Attest: waits for an approval",
    ]);
    expect(changeLines(running, running)).toEqual([]);
  });
});

test.each([
  [{ status: "queued", started_at: at }, ""],
  [{ status: "in_progress", started_at: at }, "1m 5s"],
  [{ status: "completed", started_at: at, completed_at: "2026-01-10T01:02:00Z" }, "1h 2m"],
])("%j took %s", (part, text) => expect(duration(part, now)).toBe(text));
