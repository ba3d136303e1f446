// Writes files and folders atomically.

import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";

/** @param {string} file @param {string} content @param {number} [mode] */
export function writeWhole(file, content, mode = 0o644) {
  mkdirSync(path.dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.${randomBytes(4).toString("hex")}`;
  writeFileSync(temporary, content, { mode, flag: "wx" });
  renameSync(temporary, file);
}

/**
 * Fills a temporary folder and renames it. A killed run leaves only a temporary folder, which the next run removes.
 * If another run was first, its folder is kept.
 * @param {string} target @param {(folder: string) => Promise<void>} fill
 */
export async function makeWholeFolder(target, fill) {
  const parent = path.dirname(target);
  mkdirSync(parent, { recursive: true });
  removeLeftovers(parent);
  const temporary = path.join(parent, `.making-${process.pid}-${randomBytes(4).toString("hex")}`);
  mkdirSync(temporary);
  try {
    await fill(temporary);
    try {
      renameSync(temporary, target);
    } catch (error) {
      if (!statSync(target, { throwIfNoEntry: false })) throw error;
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** @param {string} parent */
function removeLeftovers(parent) {
  for (const name of readdirSync(parent)) {
    const pid = /^\.making-(\d+)-/.exec(name)?.[1];
    if (pid && !isAlive(Number(pid))) rmSync(path.join(parent, name), { recursive: true, force: true });
  }
}

/** @param {number} pid */
export function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: the process exists and belongs to another user.
    return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
  }
}
