// @ts-check
// The stage stack runs with a copy of its configuration: the engine writes an `encryptionsalt` into the file that it
// is given, and a tracked file is never rewritten. The encrypted signing key is in the copy too: each clone has its own,
// and in the tracked file it would leave every clone with a change that is in no commit.

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { writeWhole } from "./files.mjs";
import { defaultRegistryPort } from "./ports.mjs";

const saltLine = /^encryptionsalt:.*$/m;
/** Everything under `slipway:sign`, as the engine spells it. */
const signLines = /^ {2}slipway:sign:\n(?: {4}.*\n)+/m;

/** @param {string} text @returns {string | undefined} the line with the salt */
export const saltIn = (text) => saltLine.exec(text)?.[0];

/** @param {string} settings of a stack */
export const saysHowToSign = (settings) => /^ *["']?slipway:sign["']?:/m.test(settings);

/** @param {string} stateDir */
const copyIn = (stateDir) => path.join(stateDir, "Pulumi.stage.yaml");

/**
 * @param {{ tracked: string, copy: string | undefined, registryPort: number }} files the tracked file's text, and
 *   the text of the copy of an earlier run
 * @returns {string} the copy's new text: the tracked settings, the registry's port, and of the earlier run the salt and
 *   the signing key, unless the tracked settings say how to sign
 */
export function stageConfigText({ tracked, copy, registryPort }) {
  const salt = copy === undefined ? undefined : saltIn(copy);
  const sign = copy === undefined || saysHowToSign(tracked) ? undefined : signLines.exec(copy)?.[0];
  const settings = tracked
    .replaceAll(`localhost:${defaultRegistryPort}`, `localhost:${registryPort}`)
    .replace(/^config:\n/m, (line) => line + (sign ?? ""));
  // Last, as the engine itself puts it: the copy stays the same when nothing changed.
  return salt && !saltLine.test(settings) ? `${settings.trimEnd()}\n${salt}\n` : settings;
}

/**
 * @param {{ project: string, stateDir: string, registryPort: number }} options
 * @returns {string} the copy's path
 */
export function refreshStageConfig({ project, stateDir, registryPort }) {
  const copyFile = copyIn(stateDir);
  const tracked = readFileSync(path.join(project, "Pulumi.stage.yaml"), "utf8");
  const copy = existsSync(copyFile) ? readFileSync(copyFile, "utf8") : undefined;
  const text = stageConfigText({ tracked, copy, registryPort });
  if (text !== copy) writeWhole(copyFile, text, 0o600);
  return copyFile;
}

/**
 * Keeps a new stack's salt for the next copy; what an earlier one encrypted cannot be decrypted by it.
 * @param {string} stateDir @param {string} salt
 */
export function saveSalt(stateDir, salt) {
  const file = copyIn(stateDir);
  const rest = existsSync(file)
    ? readFileSync(file, "utf8").replace(saltLine, "").replace(signLines, "").trimEnd()
    : "";
  writeWhole(file, `${rest}\n${salt}\n`.trimStart(), 0o600);
}
