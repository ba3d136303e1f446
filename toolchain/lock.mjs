// One run at a time does a piece of work; others wait for it. What the lock guards is put in place by one rename, so
// that even two holders at once would only do the work twice.

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
 * A lock is stale when its process is gone, or when it gives no sign of life: after a restart of the machine another
 * process may have the same number, and a container's numbers mean nothing outside.
 * @param {string} file
 */
function isStale(file) {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat) return false;
  const silence = Date.now() - stat.mtimeMs;
  const [pid, host] = (readFileSafely(file) ?? "").split(" ");
  // Empty: its maker was killed between creating and writing, or is about to write.
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
 * What the engine means when another process has locked the stack: it prints each lock's file, and advises to delete it.
 * @param {string} output of the engine
 * @param {string} stack
 * @returns {string | undefined} undefined where the stack is not locked
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
    "  Wait for its end, then run this again. Where you know that it was killed, first remove its lock:",
    `  ${cancel}`,
  ].join("\n");
}
