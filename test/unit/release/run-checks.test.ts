import { describe, expect, it } from "vitest";
import { reasonOf } from "../../../src/plan/problem";
import { runCheck } from "../../../src/release/run-checks";

/** The error's message; undefined if the check passes. */
function failureOf(run: [string, ...string[]], secrets: readonly string[] = []): Promise<string | undefined> {
  return runCheck({ name: "gate", run }, __dirname, secrets).then(() => undefined, reasonOf);
}

const node = (script: string): [string, ...string[]] => [process.execPath, "-e", script];

describe("a check", () => {
  it("passes with exit code 0", async () => {
    expect(await failureOf(node(""))).toBeUndefined();
  });

  it("fails with its name, code and last lines, without secrets", async () => {
    const script =
      "for (let i = 0; i < 50; i++) console.log('line ' + i); console.log('hunter22'); process.exit(7)";
    const message = await failureOf(node(script), ["hunter22"]);
    expect(message).toMatch(/checks\.gate: .*exit code 7/);
    expect(message).toMatch(/line 49/);
    expect(message).not.toMatch(/line 20\n/);
    expect(message).toMatch(/\n +\[secret\]/);
  });

  it("fails if its program does not exist", async () => {
    expect(await failureOf(["slipway-no-such-program"])).toMatch(/checks\.gate/);
  });
});
