// @ts-check
// The stage stack's state: a file backend in the cache folder, with a passphrase made here. No account is needed.

import { randomBytes } from "node:crypto";
import { linkSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { cacheDir, checkoutDir } from "./paths.mjs";

/**
 * @typedef {object} StageState
 * @property {string} dir
 * @property {string} backendUrl
 * @property {string} passphraseFile
 */

/**
 * @param {{ cache?: string, project?: string }} [options]
 * @returns {StageState}
 */
export function prepareState({ cache = cacheDir(), project } = {}) {
  const dir = checkoutDir(cache, project);
  const backend = path.join(dir, "state");
  mkdirSync(backend, { recursive: true });
  const passphraseFile = path.join(dir, "passphrase");
  makePassphrase(passphraseFile);
  return { dir, backendUrl: `file://${backend.split(path.sep).join("/")}`, passphraseFile };
}

/** Made once: of two runs at once, the first one's stays. A link is atomic and never replaces. @param {string} file */
function makePassphrase(file) {
  if (statSync(file, { throwIfNoEntry: false })?.size) return;
  const temporary = `${file}.${process.pid}.${randomBytes(4).toString("hex")}`;
  writeFileSync(temporary, randomBytes(32).toString("hex"), { mode: 0o600, flag: "wx" });
  try {
    linkSync(temporary, file);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}
