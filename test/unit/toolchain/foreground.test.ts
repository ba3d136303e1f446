import { spawn } from "node:child_process";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";

const runModule = path.resolve(__dirname, "../../../toolchain/run.mjs");

/** Like the engine, exits some time after the first Ctrl-C, and prints how many it got. */
const child = `let got = 0;
  process.on("SIGINT", () => { got += 1; if (got === 1) setTimeout(() => { console.log("got " + got); process.exit(7); }, 300); });
  console.log("ready"); setInterval(() => {}, 1000);`;
const parent = `import { runCommand, runInForeground } from ${JSON.stringify(runModule)};
  await runCommand(() => runInForeground(process.execPath, ["--eval", process.argv[1]], { cwd: "/", env: process.env }));`;

test("Ctrl-C reaches the engine once; its end is awaited, and its exit code passed on", async () => {
  const running = spawn(process.execPath, ["--input-type=module", "--eval", parent, child], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  running.stdout.on("data", (chunk) => {
    output += chunk;
  });
  const ended = new Promise((resolve) => running.once("close", resolve));
  while (!output.includes("ready")) await sleep(20);
  running.kill("SIGINT");
  await sleep(50);
  running.kill("SIGINT");
  expect(await ended).toBe(7);
  expect(output).toBe("ready\ngot 1\n");
});
