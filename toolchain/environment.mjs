// @ts-check
// The variables with which every program runs on the provided toolchain, the person's own included.

import path from "node:path";
import { cacheDir, projectDir, serviceDir } from "./paths.mjs";
import { registryPort } from "./ports.mjs";
import { prepareState } from "./state.mjs";

/** buildx's own settings, apart from the person's. @param {string} cache */
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

/** @param {import('./state.mjs').StageState} state */
export const stateVariables = (state) => ({
  PULUMI_BACKEND_URL: state.backendUrl,
  PULUMI_CONFIG_PASSPHRASE_FILE: state.passphraseFile,
});

/**
 * @param {import('./provide.mjs').Toolchain} toolchain
 * @param {{ cache?: string, project?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Record<string, string>}
 */
export function toolchainVariables(
  toolchain,
  { cache = cacheDir(), project = projectDir, env = process.env } = {},
) {
  const state = prepareState({ cache, project });
  const port = registryPort(env);
  return {
    ...engineVariables(toolchain, env),
    ...stateVariables(state),
    // What is not pinned and provided is not fetched behind one's back.
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    BUILDX_CONFIG: buildxConfigDir(cache),
    SLIPWAY_CACHE: cache,
    SLIPWAY_REGISTRY: `localhost:${port}`,
    SLIPWAY_REGISTRY_PORT: String(port),
    SLIPWAY_STAGE_CONFIG: path.join(state.dir, "Pulumi.stage.yaml"),
  };
}

/** These would beat the ones above. */
export const cleared = ["PULUMI_CONFIG_PASSPHRASE", "PULUMI_STACK"];

/**
 * @param {Record<string, string>} variables @param {NodeJS.ProcessEnv} [env] @param {readonly string[]} [without]
 * @returns {NodeJS.ProcessEnv}
 */
export function childEnvironment(variables, env = process.env, without = cleared) {
  const child = { ...env, ...variables };
  for (const name of without) delete child[name];
  // Windows calls it Path: two of them would leave it to chance which one counts.
  if (process.platform === "win32" && "PATH" in variables)
    for (const name of Object.keys(child)) if (/^path$/i.test(name) && name !== "PATH") delete child[name];
  return child;
}
