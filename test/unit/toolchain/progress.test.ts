import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createProgress, createTimeLeft } from "../../../toolchain/progress.mjs";
import { Terminal } from "../../support/terminal";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const SECOND = 1000;

describe("the remaining time", () => {
  const sizes = { pulumi: 2000, "docker-build": 1000, registry: 700 };

  test("is empty before the first build", () => {
    expect(createTimeLeft(sizes).text()).toBe("");
  });

  test("is estimated from recorded sizes first, and from this machine's speed later", () => {
    const left = createTimeLeft(sizes);
    left.compiled("pulumi", 0);
    // 3700 packages of 0.11 s.
    expect(left.text()).toBe("about 7 min left");
    vi.advanceTimersByTime(100 * SECOND);
    left.compiled("pulumi", 200);
    expect(left.text()).toBe("about 16 min left");
    vi.advanceTimersByTime(900 * SECOND);
    left.built("pulumi");
    expect(left.text()).toBe("about 13 min left");
    left.compiled("docker-build", 600);
    // The build failed half-way.
    left.compiled("registry", 350);
    left.drop("registry");
    expect(left.text()).toBe("about 2 min left");
    left.compiled("docker-build", 990);
    expect(left.text()).toBe("less than a minute left");
    left.built("docker-build");
    expect(left.text()).toBe("");
  });

  test.each<[string, (left: ReturnType<typeof createTimeLeft>) => void, string]>([
    ["more packages than recorded", (left) => left.compiled("registry", 5000), "about 2 min left"],
    ["a part without a record", (left) => left.compiled("zizmor", 10), "about 7 min left"],
    ["a part from the build cache", (left) => left.built("pulumi"), ""],
  ])("%s", (_, run, expected) => {
    const left = createTimeLeft(sizes);
    run(left);
    expect(left.text()).toBe(expected);
  });
});

function steps(live: boolean) {
  let text = "";
  const stream = {
    write: (piece: string) => {
      text += piece;
    },
    columns: 80,
  };
  const progress = createProgress({ stream, live, now: Date.now });
  const left = createTimeLeft({ pulumi: 2000 });
  progress.left(left.text);
  const step = progress.step("pulumi 3.259.0", "looking for it");
  step.update("building pulumi from source");
  left.compiled("pulumi", 0);
  step.detail("downloaded 212 modules");
  return { text: () => text, step, left };
}

test("a pipe gets a line every 30 s with the progress and the remaining time", () => {
  const { text, step, left } = steps(false);
  vi.advanceTimersByTime(31 * SECOND);
  left.compiled("pulumi", 840);
  step.detail("compiled 840 of about 2000 packages");
  vi.advanceTimersByTime(30 * SECOND);
  left.built("pulumi");
  step.done("built from source");
  expect(text().split("\n")).toEqual([
    "  pulumi 3.259.0 … building pulumi from source",
    "  pulumi 3.259.0 … downloaded 212 modules, 30 s; about 7 min left",
    "  pulumi 3.259.0 … compiled 840 of about 2000 packages, 60 s; about 2 min left",
    "✓ pulumi 3.259.0 (built from source, 61 s)",
    "",
  ]);
});

test("a restarted step does not count the time before", () => {
  const { text, step } = steps(false);
  vi.advanceTimersByTime(20 * SECOND);
  step.restart();
  vi.advanceTimersByTime(10 * SECOND);
  step.done("built from source");
  expect(text()).toMatch(/✓ pulumi 3\.259\.0 \(built from source, 10 s\)\n$/);
});

test("a terminal shows the same on live lines, each on one row", () => {
  const { text, step, left } = steps(true);
  const shown = () => {
    const terminal = new Terminal(80, 24);
    terminal.write(text());
    return terminal.lines.map((line) => line.replace(/^[⠀-⣿]/u, "*"));
  };
  vi.advanceTimersByTime(31 * SECOND);
  left.compiled("pulumi", 840);
  step.detail("compiled 840 of about 2000 packages");
  vi.advanceTimersByTime(30 * SECOND);
  expect(shown()).toEqual([
    "* pulumi 3.259.0 … compiled 840 of about 2000 packages, 61 s",
    "  about 2 min left",
  ]);
  step.done("built from source");
  expect(shown()).toEqual(["✓ pulumi 3.259.0 (built from source, 61 s)"]);
});
