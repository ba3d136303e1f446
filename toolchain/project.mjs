// Installs and starts what a user's project lacks for its release, as npm start does in Slipway's own repository. Uses
// the machine's engine, login, builder and registry if they are there.

import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { chooseBuilder, neededParts } from "./builder.mjs";
import {
  buildxConfigDir,
  childEnvironment,
  engineVariables,
  exportLines,
  prepareState,
  stateVariables,
} from "./environment.mjs";
import { cacheDir } from "./paths.mjs";
import { createProgress } from "./progress.mjs";
import { provideToolchain } from "./provide.mjs";
import { isTaken, registryStatus } from "./registry-service.mjs";
import { findOnPath, lastLines, run } from "./run.mjs";
import { servicesUp } from "./services.mjs";

export { childEnvironment, exportLines };

/**
 * @typedef {object} Need
 * @property {string} project the folder of Pulumi.yaml
 * @property {string} stack
 * @property {number[]} ports the registries on this machine that the stack releases to
 * @property {boolean} services start a builder and a registry if they are missing
 * @property {boolean} builds false: the stack builds nothing, or names its own builder
 * @property {boolean} setup the stack sets up a GitHub repository
 * @property {boolean} [mayLogin] the command may be a login, so a missing login is not an error
 */

/**
 * @param {Need} need @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<Record<string, string>>} the variables to run pulumi with; empty if nothing is missing
 */
export async function provideProject(need, env = process.env) {
  const cache = cacheDir(env);
  const progress = createProgress();
  const hasEngine = findOnPath("pulumi", env) !== undefined;
  const isLoggedIn = hasLogin(need.project, env);
  const isLocal = need.ports.length > 0;
  // Fail before anything slow.
  if (!hasEngine && !isLoggedIn && !isLocal && need.mayLogin !== true) throw new Error(noBackend(need.stack));

  const ports = need.services ? await missingRegistries(need.ports, cache) : [];
  const isMissing = ports.length > 0 || !hasEngine;
  const needsBuilder = need.services && need.builds && isMissing && !hasOwnBuilder({ env, cache, isLocal });
  const builder = needsBuilder || ports.length > 0 ? await chooseBuilder({ cache, progress }) : undefined;
  const without = [
    ...(hasEngine ? ["pulumi", "docker-build"] : []),
    ...(ports.length > 0 ? [] : ["registry"]),
  ];
  const parts = neededParts({ builder, tests: false }).filter((name) => !without.includes(name));
  if (need.setup && !hasEngine) parts.push("github");
  const toolchain = await provideToolchain({ parts, progress, cache, env });

  if (needsBuilder) await servicesUp({ bins: toolchain.bins, builder, progress, cache, only: "builder" });
  for (const port of ports)
    await servicesUp({ bins: toolchain.bins, builder, progress, cache, only: "registry", port });

  const state = isLocal && !isLoggedIn ? prepareState({ cache, project: need.project }) : undefined;
  const { PULUMI_BACKEND_URL, PULUMI_CONFIG_PASSPHRASE_FILE } = state ? stateVariables(state) : {};
  const hasPassphrase = env.PULUMI_CONFIG_PASSPHRASE !== undefined || env.PULUMI_CONFIG_PASSPHRASE_FILE;
  const variables = {
    ...(hasEngine
      ? {}
      : { ...engineVariables(toolchain, env), PULUMI_CREDENTIALS_PATH: credentialsFolder(env) }),
    ...(PULUMI_BACKEND_URL ? { PULUMI_BACKEND_URL } : {}),
    ...(PULUMI_CONFIG_PASSPHRASE_FILE && !hasPassphrase ? { PULUMI_CONFIG_PASSPHRASE_FILE } : {}),
    ...(needsBuilder ? { BUILDX_CONFIG: buildxConfigDir(cache) } : {}),
  };
  if (state) {
    progress.say(
      `✓ state of the stack ${need.stack}: ${state.dir} (there is no Pulumi login; set PULUMI_BACKEND_URL to use another backend)`,
    );
    await ensureStack(need, childEnvironment(variables, env, []));
  }
  return variables;
}

/** @param {Pick<Need, 'project' | 'stack'>} need @param {NodeJS.ProcessEnv} env */
async function ensureStack({ project, stack }, env) {
  const args = ["stack", "select", "--create", stack, "--non-interactive", "--cwd", project];
  const { code, output } = await run(findOnPath("pulumi", env) ?? "pulumi", args, { env });
  if (code !== 0)
    throw new Error(`SLIPWAY_STACK_FAILED: the stack ${stack} could not be created:\n${lastLines(output)}`);
}

/** Ports that are free or have our own registry. @param {number[]} ports @param {string} cache */
async function missingRegistries(ports, cache) {
  const answers = await Promise.all(
    ports.map(async (port) => {
      const isFree = !(await isTaken(port, "127.0.0.1")) && !(await isTaken(port, "::1"));
      return isFree || (await registryStatus({ cache, port })).state === "running" ? [port] : [];
    }),
  );
  return answers.flat();
}

/** Where `pulumi login` stores its credentials. @param {NodeJS.ProcessEnv} env */
const credentialsFolder = (env) =>
  env.PULUMI_CREDENTIALS_PATH ?? env.PULUMI_HOME ?? path.join(homedir(), ".pulumi");

/** Whether a backend is configured. @param {string} project @param {NodeJS.ProcessEnv} env */
function hasLogin(project, env) {
  if (env.PULUMI_BACKEND_URL || env.PULUMI_ACCESS_TOKEN) return true;
  if (/^backend:/m.test(readFileSync(path.join(project, "Pulumi.yaml"), "utf8"))) return true;
  return currentOf(path.join(credentialsFolder(env), "credentials.json"), "current");
}

/** @param {{ env: NodeJS.ProcessEnv, cache: string, isLocal: boolean }} options */
function hasOwnBuilder({ env, cache, isLocal }) {
  if (env.BUILDX_BUILDER) return true;
  if (env.BUILDX_CONFIG) return env.BUILDX_CONFIG !== buildxConfigDir(cache);
  // An existing builder may not reach this machine's localhost.
  const docker = env.DOCKER_CONFIG ?? path.join(homedir(), ".docker");
  return !isLocal && currentOf(path.join(docker, "buildx", "current"), "Name");
}

/** Whether a JSON file names something as the current one. @param {string} file @param {string} key */
function currentOf(file, key) {
  try {
    return existsSync(file) && Boolean(JSON.parse(readFileSync(file, "utf8"))[key]);
  } catch {
    return false;
  }
}

/** @param {string} stack */
function noBackend(stack) {
  return [
    `SLIPWAY_NO_BACKEND: there is no Pulumi login, so there is no backend for the state of the stack ${stack}.`,
    "Do one of these:",
    "  - npx --no slipway env -- pulumi login                  Pulumi Cloud",
    "  - npx --no slipway env -- pulumi login s3://my-bucket   or azblob://, gs://, file://",
    "  - export PULUMI_BACKEND_URL=s3://my-bucket",
    "Then run the same command again. A stack that releases only to localhost needs no login.",
  ].join("\n");
}
