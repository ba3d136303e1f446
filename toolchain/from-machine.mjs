// @ts-check
// First source of a part: what the machine already has, in a version that fits.

import { cpSync, existsSync, statSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { findOnPath, run } from "./run.mjs";
import { fits, versionIn } from "./version.mjs";

/** @typedef {import('./pins.mjs').Part} Part */

/**
 * @param {Part} part @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<{ bins: Record<string, string>, version: string } | { why: string }>}
 */
export async function findOnMachine(part, env = process.env) {
  const first = /** @type {string} */ (part.bins[0]);
  const found = findOnPath(first, env);
  if (!found) return { why: `no ${first} on the PATH` };
  const { code, output } = await run(found, part.versionArgs, { env, timeoutMs: 15_000 });
  if (code !== 0) return { why: `${found} does not print its version` };
  const version = versionIn(output)?.join(".");
  if (!version || !fits(output, part.minimum)) {
    return { why: `${found} is version ${version ?? "unknown"}, not ${part.minimum} or later` };
  }
  /** @type {Record<string, string>} */
  const bins = {};
  for (const bin of part.bins) {
    const suffix = path.extname(found) === ".exe" ? ".exe" : "";
    const beside = path.join(path.dirname(found), bin + suffix);
    const file = existsSync(beside) ? beside : findOnPath(bin, env);
    if (!file) return { why: `${found} is there, ${bin} is not` };
    bins[bin] = file;
  }
  return { bins, version };
}

/**
 * A Pulumi plugin of exactly the pinned version in the person's own Pulumi folder, copied into ours.
 * @param {Part} part @param {string} target @param {NodeJS.ProcessEnv} [env]
 * @returns {string | undefined} why it could not be had
 */
export function copyPlugin(part, target, env = process.env) {
  if (!part.plugin) return "not a plugin";
  const folder = `${part.plugin.kind}-${part.plugin.name}-v${part.version}`;
  const homes = [env.PULUMI_HOME, path.join(homedir(), ".pulumi")];
  for (const home of homes) {
    if (!home) continue;
    const source = path.join(home, "plugins", folder);
    const complete = existsSync(source) && !existsSync(`${source}.partial`);
    const binary = path.join(source, `${part.bins[0]}${process.platform === "win32" ? ".exe" : ""}`);
    if (complete && statSync(binary, { throwIfNoEntry: false })?.isFile()) {
      cpSync(source, target, { recursive: true });
      return undefined;
    }
  }
  return `no plugin ${folder} in ~/.pulumi`;
}
