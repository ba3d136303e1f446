// Lets one run at a time do a piece of work. The guarded work ends with one atomic rename, so if two runs ever hold the
// lock, the work is only done twice.

import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive } from "./files.mjs";

const heartbeatMs = 5_000;
const staleMs = 60_000;

/** @type {Set<string>} */
const held = new Set();
process.on("exit", () => {
  for (const file of held) rmSync(file, { force: true });
});

/**
 * @template T
 * @param {string} file
 * @param {() => Promise<T>} work
 * @param {{ onWait?: (holder: string) => void, pollMs?: number }} [options]
 * @returns {Promise<T>}
 */
export async function withLock(file, work, { onWait, pollMs = 250 } = {}) {
  mkdirSync(path.dirname(file), { recursive: true });
  const own = `${process.pid} ${hostname()} ${randomBytes(6).toString("hex")}`;
  for (let reported = false; !tryTake(file, own); ) {
    if (isStale(file)) {
      remove(file);
      continue;
    }
    if (!reported) onWait?.(`process ${readFileSafely(file)?.split(" ")[0] ?? "?"}`);
    reported = true;
    await sleep(pollMs);
  }
  held.add(file);
  const heartbeat = setInterval(() => {
    const now = new Date();
    if (readFileSafely(file) === own) utimesSync(file, now, now);
  }, heartbeatMs);
  heartbeat.unref();
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    held.delete(file);
    if (readFileSafely(file) === own) rmSync(file, { force: true });
  }
}

/** @param {string} file @param {string} own */
function tryTake(file, own) {
  try {
    writeFileSync(file, own, { flag: "wx" });
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "EEXIST") return false;
    throw error;
  }
}

/**
 * A lock is stale if its process is gone or its heartbeat stopped. The heartbeat is needed because a pid may be reused
 * after a reboot, and a container's pids mean nothing outside.
 * @param {string} file
 */
function isStale(file) {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat) return false;
  const silence = Date.now() - stat.mtimeMs;
  const [pid, host] = (readFileSafely(file) ?? "").split(" ");
  // Empty: the other run was killed before it wrote its pid, or is about to write it.
  if (!pid || !host) return silence > 2_000;
  if (host === hostname() && !isAlive(Number(pid))) return true;
  return silence > staleMs;
}

/** Renaming first lets only one of several waiting runs remove it. @param {string} file */
function remove(file) {
  const aside = `${file}.stale-${randomBytes(6).toString("hex")}`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  rmSync(aside, { force: true });
}

/** @param {string} file */
function readFileSafely(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

const STACK_IS_LOCKED = /the stack is currently locked/;
const STACK_LOCK = /created by (.+) \(pid (\d+)\) at (\S+)/g;

/**
 * A plain message for the engine's error about a locked stack, which advises to delete the lock files.
 * @param {string} output of the engine
 * @param {string} stack
 * @returns {string | undefined} undefined if the stack is not locked
 */
export function lockedStackText(output, stack) {
  if (!STACK_IS_LOCKED.test(output)) return undefined;
  const holders = [...output.matchAll(STACK_LOCK)].map(([, who = "", pid = "", since = ""]) => ({
    text: `${who} (process ${pid}) since ${since}`,
    isDead: who.endsWith(`@${hostname()}`) && !isAlive(Number(pid)),
  }));
  const named = holders.map(({ text }) => `  ${text}`);
  const cancel = `pulumi cancel --stack ${stack}`;
  if (holders.length > 0 && holders.every(({ isDead }) => isDead)) {
    const what = `SLIPWAY_STACK_LOCKED: a release of the stack ${stack} was killed, and its lock is still there:`;
    return [what, ...named, `  Remove it, then run this again: ${cancel}`].join("\n");
  }
  return [
    `SLIPWAY_STACK_LOCKED: another release of the stack ${stack} is running:`,
    ...named,
    "  Wait until it ends, then run this again. If it was killed, remove its lock first:",
    `  ${cancel}`,
  ].join("\n");
}
