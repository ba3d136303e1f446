// @ts-check
// Runs the Pulumi engine on the stage stack.

import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";
import { isAlive, writeWhole } from "./files.mjs";
import { lastLines, run } from "./run.mjs";
import { saltIn, saveSalt } from "./stage-config.mjs";

/**
 * Makes the stack if the backend has none. The engine writes a new stack's salt beside Pulumi.yaml, so this happens in a
 * folder with a copy of that file.
 * @param {{ project: string, stateDir: string, env: NodeJS.ProcessEnv, pulumi: string }} options
 */
export async function ensureStack({ project, stateDir, env, pulumi }) {
  const dir = path.join(stateDir, "init");
  mkdirSync(dir, { recursive: true });
  const name = projectName(readFileSync(path.join(project, "Pulumi.yaml"), "utf8"));
  writeWhole(path.join(dir, "Pulumi.yaml"), `name: ${name}\nruntime: nodejs\n`);
  await cancelDeadUpdate({ stateDir, name, env, pulumi, dir });
  const made = await run(pulumi, ["stack", "init", "stage", "--non-interactive", "--cwd", dir], { env });
  if (made.code === 0) {
    const salt = saltIn(readFileSync(path.join(dir, "Pulumi.stage.yaml"), "utf8"));
    if (salt) saveSalt(stateDir, salt);
  } else if (!/already exists/.test(made.output)) {
    throw new Error(`SLIPWAY_STACK_FAILED: the stack "stage" could not be made:\n${lastLines(made.output)}`);
  }
}

/** @param {string} text of Pulumi.yaml */
export function projectName(text) {
  const name = /^name:\s*["']?([\w.-]+)/m.exec(text)?.[1];
  if (!name) throw new Error("Pulumi.yaml has no name");
  return name;
}

/**
 * An update that was killed leaves its lock. If every process that holds one is gone, it is taken away, as
 * `pulumi cancel` does on request.
 * @param {{ stateDir: string, name: string, env: NodeJS.ProcessEnv, pulumi: string, dir: string }} options
 */
async function cancelDeadUpdate({ stateDir, name, env, pulumi, dir }) {
  const locks = path.join(stateDir, "state", ".pulumi", "locks", "organization", name, "stage");
  /** @type {string[]} */
  let files = [];
  try {
    files = readdirSync(locks).filter((file) => file.endsWith(".json"));
  } catch {
    return;
  }
  const holders = files.map((file) => JSON.parse(readFileSync(path.join(locks, file), "utf8")));
  const areDead = holders.every((holder) => holder.hostname === hostname() && !isAlive(Number(holder.pid)));
  if (files.length > 0 && areDead) {
    await run(pulumi, ["cancel", "--yes", "--stack", "stage", "--cwd", dir], { env });
  }
}

/**
 * Runs a program in the foreground. Ctrl-C reaches it once and is waited for: the engine ends what it has begun.
 * @param {string} program @param {string[]} args @param {{ cwd: string, env: NodeJS.ProcessEnv }} options
 * @returns {Promise<number>} its exit code
 */
export function runInForeground(program, args, { cwd, env }) {
  // On a terminal, Ctrl-C goes to every process of the group, so passing it on would make it two, which is "at once".
  // Elsewhere the program gets a group of its own and hears it from here only.
  const onTerminal = Boolean(process.stdin.isTTY);
  const child = spawn(program, args, {
    cwd,
    env,
    stdio: "inherit",
    detached: !onTerminal && process.platform !== "win32",
  });
  let told = false;
  /** @param {NodeJS.Signals} signal */
  const forward = (signal) => {
    if (told || (signal === "SIGINT" && onTerminal)) return;
    told = true;
    child.kill("SIGINT");
  };
  /** @type {NodeJS.Signals[]} */
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, forward);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      for (const name of signals) process.off(name, forward);
      resolve(code ?? (signal === "SIGKILL" ? 137 : 130));
    });
  });
}
