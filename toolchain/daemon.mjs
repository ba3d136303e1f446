// Programs that keep running after their starter ends: start, logs, pid file, stop.

import { spawn } from "node:child_process";
import { appendFileSync, closeSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive, writeWhole } from "./files.mjs";
import { lastLines } from "./run.mjs";

/**
 * @typedef {{ pid: number, command: string[] }} Daemon
 * @typedef {{ dir: string, command: [string, ...string[]], stdout: string, stderr: string, env?: NodeJS.ProcessEnv }} DaemonSpec
 *   stdout and stderr are files in dir
 */

const answerMs = 30_000;

/** @param {string} dir */
const pidFile = (dir) => path.join(dir, "daemon.json");

/** @param {string} dir @returns {Daemon | undefined} the running one */
export function runningDaemon(dir) {
  try {
    /** @type {Daemon} */
    const daemon = JSON.parse(readFileSync(pidFile(dir), "utf8"));
    return isAlive(daemon.pid) && isStillThat(daemon) ? daemon : undefined;
  } catch {
    return undefined;
  }
}

/** After a reboot, another program may have the same pid. @param {Daemon} daemon */
function isStillThat({ pid, command }) {
  if (process.platform !== "linux") return true;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[0] === command[0];
  } catch {
    return false;
  }
}

/** @param {DaemonSpec} spec */
export function startDaemon({ dir, command, stdout, stderr, env }) {
  mkdirSync(dir, { recursive: true });
  const out = openSync(path.join(dir, stdout), "a");
  const err = openSync(path.join(dir, stderr), "a");
  const [program, ...args] = command;
  const child = spawn(program, args, {
    detached: true,
    stdio: ["ignore", out, err],
    cwd: dir,
    env: env ?? process.env,
  });
  closeSync(out);
  closeSync(err);
  // A program that cannot be started has no pid. waitUntilUp shows the reason from the log.
  child.on("error", (error) => appendFileSync(path.join(dir, stderr), `${error.message}\n`));
  child.unref();
  if (child.pid !== undefined) writeWhole(pidFile(dir), JSON.stringify({ pid: child.pid, command }));
}

/**
 * @param {string} dir @param {() => Promise<boolean>} isUp
 * @param {{ name: string, log: string, alive?: () => boolean }} options alive: for what is not
 *   a process of this machine
 */
export async function waitUntilUp(dir, isUp, { name, log, alive }) {
  const isRunning = alive ?? (() => runningDaemon(dir) !== undefined);
  const until = Date.now() + answerMs;
  while (!(await isUp())) {
    const gone = !isRunning();
    if (gone || Date.now() > until) {
      const file = path.join(dir, log);
      const what = gone ? "ended right after it started" : `did not answer within ${answerMs / 1000} s`;
      throw new Error(
        `SLIPWAY_SERVICE_FAILED: the local ${name} ${what}. The end of ${file}:\n${tail(file)}`,
      );
    }
    await sleep(50);
  }
}

/** @param {string} file */
function tail(file) {
  try {
    return lastLines(readFileSync(file, "utf8"), 8);
  } catch {
    return "    (empty)";
  }
}

/** @param {string} dir @returns {Promise<boolean>} whether one was running */
export async function stopDaemon(dir) {
  const daemon = runningDaemon(dir);
  rmSync(pidFile(dir), { force: true });
  if (!daemon) return false;
  process.kill(daemon.pid, "SIGTERM");
  for (let waited = 0; isAlive(daemon.pid) && isStillThat(daemon); waited += 50) {
    if (waited === 10_000) process.kill(daemon.pid, "SIGKILL");
    if (waited > 15_000)
      throw new Error(
        `process ${daemon.pid} (${daemon.command[0]}) did not end after SIGKILL; end it yourself`,
      );
    await sleep(50);
  }
  return true;
}
