import { spawn } from "node:child_process";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";

/** Reports its signal and continues for a while, as pulumi finishes what it has begun and then writes its state. */
const ENGINE = `for (const name of ["SIGINT", "SIGTERM"]) process.on(name, () => {
    console.log("got " + name);
    setTimeout(() => { console.log("state is written"); process.exit(7); }, 300);
  });
  console.log("ready"); setTimeout(() => {}, 20_000);`;
const DEAF = `console.log("ready"); setTimeout(() => {}, 20_000);`;
/** Killed by a signal that did not come from `slipway`. */
const DYING = `console.log("ready"); process.kill(process.pid, "SIGKILL"); setTimeout(() => {}, 20_000);`;

const RUNNERS: readonly (readonly [string, string])[] = [
  ["src/cli/engine/run-pulumi.ts", "runOnTerminal"],
  ["src/cli/engine/redacted-log.ts", "runRedacted"],
  ["src/cli/engine/run-pulumi.ts", "runQuietly"],
];

/** Runs a program as `slipway` would, in a process of its own that gets one signal as soon as the program is ready. */
async function signalled(
  [file, runner]: readonly [string, string],
  program: string,
  signal: NodeJS.Signals | undefined,
): Promise<{ code: unknown; output: string }> {
  const script = `require(${JSON.stringify(path.join(__dirname, "../../../toolchain/load.cjs"))}).load("${file}")
    .${runner}(process.execPath, ["--eval", process.argv[1], "x"], { cwd: "/", env: process.env, secrets: [] })
    .then((code) => { process.exitCode = code; });`;
  const running = spawn(process.execPath, ["--eval", script, program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  running.stdout.on("data", (chunk) => {
    output += chunk;
  });
  const ended = new Promise((resolve) => running.once("close", (code, by) => resolve(code ?? by)));
  while (!output.includes("ready") && running.exitCode === null) await sleep(20);
  if (signal !== undefined) running.kill(signal);
  return { code: await ended, output };
}

test.each(
  RUNNERS.flatMap((runner) => [
    { runner, name: "SIGINT" as const, code: 130 },
    { runner, name: "SIGTERM" as const, code: 143 },
  ]),
)("$runner.1 passes $name on, waits for the end, and returns $code", async ({ runner, name, code }) => {
  expect(await signalled(runner, ENGINE, name)).toEqual({
    code,
    output: `ready\ngot ${name}\nstate is written\n`,
  });
});

test.each(RUNNERS)("%s %s returns 0 if the program succeeds in spite of a signal", async (...runner) => {
  const well = ENGINE.replace("exit(7)", "exit(0)");
  expect((await signalled(runner, well, "SIGINT")).code).toBe(0);
});

test.each(RUNNERS)("%s %s returns the exit code of the signal that killed the program", async (...runner) => {
  expect(await signalled(runner, DEAF, "SIGTERM")).toEqual({ code: 143, output: "ready\n" });
  expect(await signalled(runner, DEAF, "SIGINT")).toEqual({ code: 130, output: "ready\n" });
  expect(await signalled(runner, DYING, undefined)).toEqual({ code: 137, output: "ready\n" });
});
