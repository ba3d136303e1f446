import { describe, expect, it } from "vitest";
import { runChecks } from "../../../src/release/run-checks";

function run(script: string, secrets: readonly string[] = []): Promise<unknown> {
  const checks = [{ name: "gate", run: [process.execPath, "-e", script] as const }];
  return runChecks({
    checks: checks.map(({ name, run: [program, ...args] }) => ({ name, run: [program, ...args] })),
    projectDir: __dirname,
    secrets,
    say: () => undefined,
  }).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : error),
  );
}

describe("checks", () => {
  it("pass with 0", async () => {
    expect(await run("")).toBeUndefined();
  });

  it("fail with name, code and the last lines, without secrets", async () => {
    const script =
      "for (let i = 0; i < 50; i++) console.log('line ' + i); console.log('hunter22'); process.exit(7)";
    const message = await run(script, ["hunter22"]);
    expect(message).toMatch(/checks\.gate: .*exit code 7/);
    expect(message).toMatch(/line 49/);
    expect(message).not.toMatch(/line 20\n/);
    expect(message).toMatch(/\n +\[secret\]/);
  });

  it("a program that is not there is a failure, not a crash", async () => {
    const checks = [{ name: "gate", run: ["slipway-no-such-program"] as [string] }];
    const failing = runChecks({ checks, projectDir: __dirname, secrets: [], say: () => undefined });
    await expect(failing).rejects.toThrow(/checks\.gate/);
  });
});
