// The variables with which programs run on the toolchain, including those that the user starts in a shell.

import { randomBytes } from "node:crypto";
import { linkSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { cacheDir, checkoutDir, registryPort, serviceDir } from "./paths.mjs";

/** A buildx configuration that is separate from the user's. @param {string} cache */
export const buildxConfigDir = (cache) => path.join(serviceDir(cache, "buildkit"), "buildx");

/**
 * @param {Pick<import('./provide.mjs').Toolchain, 'path' | 'pulumiHome'>} toolchain @param {NodeJS.ProcessEnv} [env]
 */
export function engineVariables(toolchain, env = process.env) {
  const search = (env.PATH ?? env.Path ?? "")
    .split(path.delimiter)
    .filter((folder) => !toolchain.path.includes(folder));
  return {
    PATH: [...toolchain.path, ...search].join(path.delimiter),
    PULUMI_HOME: toolchain.pulumiHome,
    PULUMI_SKIP_UPDATE_CHECK: "true",
  };
}

/** @param {StageState} state */
export const stateVariables = (state) => ({
  PULUMI_BACKEND_URL: state.backendUrl,
  PULUMI_CONFIG_PASSPHRASE_FILE: state.passphraseFile,
});

/** @param {import('./provide.mjs').Toolchain} toolchain */
export function toolchainVariables(toolchain) {
  const cache = cacheDir();
  const state = prepareState({ cache });
  const port = registryPort();
  return {
    ...engineVariables(toolchain),
    ...stateVariables(state),
    // Do not let the engine download plugins that are not pinned.
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    BUILDX_CONFIG: buildxConfigDir(cache),
    SLIPWAY_CACHE: cache,
    SLIPWAY_REGISTRY: `localhost:${port}`,
    SLIPWAY_REGISTRY_PORT: String(port),
    SLIPWAY_STAGE_CONFIG: path.join(state.dir, "Pulumi.stage.yaml"),
  };
}

/** Variables that would win over the ones above. */
export const cleared = ["PULUMI_CONFIG_PASSPHRASE", "PULUMI_STACK"];

/**
 * @param {Record<string, string>} variables @param {NodeJS.ProcessEnv} [env] @param {readonly string[]} [without]
 * @returns {NodeJS.ProcessEnv}
 */
export function childEnvironment(variables, env = process.env, without = cleared) {
  const child = { ...env, ...variables };
  for (const name of without) delete child[name];
  // Windows calls it Path. With both names, it is undefined which one counts.
  if (process.platform === "win32" && "PATH" in variables)
    for (const name of Object.keys(child)) if (/^path$/i.test(name) && name !== "PATH") delete child[name];
  return child;
}

/** In single quotes a shell takes everything literally, except the quote. @param {string} value */
const quote = (value) => `'${value.replaceAll("'", `'\\''`)}'`;

/** @param {Record<string, string>} variables @param {readonly string[]} cleared */
export function exportLines(variables, cleared) {
  const sets = Object.entries(variables).map(([name, value]) => `export ${name}=${quote(value)}`);
  return [...cleared.map((name) => `unset ${name}`), ...sets].join("\n");
}

/** @typedef {{ dir: string, backendUrl: string, passphraseFile: string }} StageState */

/**
 * The stage stack's state: a file backend in the cache folder with a generated passphrase. No account is needed.
 * @param {{ cache?: string, project?: string }} [options] @returns {StageState}
 */
export function prepareState({ cache = cacheDir(), project } = {}) {
  const dir = checkoutDir(cache, project);
  const backend = path.join(dir, "state");
  mkdirSync(backend, { recursive: true });
  const passphraseFile = path.join(dir, "passphrase");
  makePassphrase(passphraseFile);
  return { dir, backendUrl: `file://${backend.split(path.sep).join("/")}`, passphraseFile };
}

/** Keeps the first passphrase of two simultaneous runs: a link is atomic and never replaces a file. @param {string} file */
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
