// Runs the Pulumi engine on the stage stack.

import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";
import { isAlive, writeWhole } from "./files.mjs";
import { lockedStackText } from "./lock.mjs";
import { defaultRegistryPort } from "./paths.mjs";
import { lastLines, run } from "./run.mjs";

/**
 * Makes the stack if the backend lacks it. The engine writes a new stack's salt beside Pulumi.yaml, so this uses a
 * temporary project instead of the checkout.
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
    const locked = lockedStackText(made.output, "stage");
    if (locked !== undefined) throw new Error(locked);
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
 * A killed update leaves its lock. Runs `pulumi cancel` if all processes that hold a lock are gone.
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

const saltLine = /^encryptionsalt:.*$/m;
/** Everything under `slipway:sign`, as the engine writes it. */
const signLines = /^ {2}slipway:sign:\n(?: {4}.*\n)+/m;

/** @param {string} text @returns {string | undefined} the line with the salt */
const saltIn = (text) => saltLine.exec(text)?.[0];

/** @param {string} settings of a stack */
export const saysHowToSign = (settings) => /^ *["']?slipway:sign["']?:/m.test(settings);

/** @param {string} stateDir */
const copyIn = (stateDir) => path.join(stateDir, "Pulumi.stage.yaml");

/**
 * @param {{ tracked: string, copy: string | undefined, registryPort: number }} files the texts of the tracked
 *   file and of an earlier run's copy
 * @returns {string} the copy's new text: the tracked settings with the registry's port, and the earlier run's salt and
 *   signing key, unless the tracked settings say how to sign
 */
export function stageConfigText({ tracked, copy, registryPort }) {
  const salt = copy === undefined ? undefined : saltIn(copy);
  const sign = copy === undefined || saysHowToSign(tracked) ? undefined : signLines.exec(copy)?.[0];
  const settings = tracked
    .replaceAll(`localhost:${defaultRegistryPort}`, `localhost:${registryPort}`)
    .replace(/^config:\n/m, (line) => line + (sign ?? ""));
  // The engine writes the salt last. Doing the same keeps an unchanged copy identical.
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
 * Keeps a new stack's salt for the next copy, without the signing key, which the new salt cannot decrypt.
 * @param {string} stateDir @param {string} salt
 */
export function saveSalt(stateDir, salt) {
  const file = copyIn(stateDir);
  const rest = existsSync(file)
    ? readFileSync(file, "utf8").replace(saltLine, "").replace(signLines, "").trimEnd()
    : "";
  writeWhole(file, `${rest}\n${salt}\n`.trimStart(), 0o600);
}
