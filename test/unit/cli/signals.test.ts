import { spawn } from "node:child_process";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";

/** Says what it got, and some more after it, as an engine that ends what it has begun and then writes its state. */
const ENGINE = `for (const name of ["SIGINT", "SIGTERM"]) process.on(name, () => {
    console.log("got " + name);
    setTimeout(() => { console.log("state is written"); process.exit(7); }, 300);
  });
  console.log("ready"); setTimeout(() => {}, 20_000);`;
const DEAF = `console.log("ready"); setTimeout(() => {}, 20_000);`;
/** Dies by a signal that nobody passed on to it. */
const DYING = `console.log("ready"); process.kill(process.pid, "SIGKILL"); setTimeout(() => {}, 20_000);`;

const RUNNERS: readonly (readonly [string, string])[] = [
  ["src/cli/engine/run-pulumi.ts", "runInForeground"],
  ["src/cli/engine/run-pulumi.ts", "runRedacted"],
  ["src/cli/engine/run-pulumi.ts", "runEngineQuietly"],
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

const cases = RUNNERS.flatMap((runner) =>
  (
    [
      ["SIGINT", 130],
      ["SIGTERM", 143],
    ] as const
  ).map(([name, code]) => ({ runner, name, code })),
);

test.each(cases)(
  "$runner.1: $name is passed on, the end is waited for, and the code is $code",
  async (row) => {
    const { runner, name, code } = row;
    expect(await signalled(runner, ENGINE, name)).toEqual({
      code,
      output: `ready\ngot ${name}\nstate is written\n`,
    });
  },
);

test.each(RUNNERS)("%s %s: what finishes well in spite of a signal has done its work", async (...runner) => {
  const well = ENGINE.replace("exit(7)", "exit(0)");
  expect((await signalled(runner, well, "SIGINT")).code).toBe(0);
});

test.each(RUNNERS)("%s %s: a death by a signal has that signal's exit code", async (...runner) => {
  expect(await signalled(runner, DEAF, "SIGTERM")).toEqual({ code: 143, output: "ready\n" });
  expect(await signalled(runner, DEAF, "SIGINT")).toEqual({ code: 130, output: "ready\n" });
  expect(await signalled(runner, DYING, undefined)).toEqual({ code: 137, output: "ready\n" });
});
