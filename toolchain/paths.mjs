// Paths of the project and of the cache folder, which all clones share.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout that this script belongs to. */
export const projectDir = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const goDir = path.join(projectDir, "toolchain", "go");

/**
 * @param {NodeJS.ProcessEnv} [env] @param {string} [system]
 * @returns {string} SLIPWAY_CACHE, else the platform's folder for caches
 */
export function cacheDir(env = process.env, system = process.platform) {
  if (env.SLIPWAY_CACHE) return path.resolve(env.SLIPWAY_CACHE);
  if (system === "darwin") return path.join(homedir(), "Library", "Caches", "slipway");
  if (system === "win32") {
    return path.join(env.LOCALAPPDATA ?? path.join(homedir(), "AppData", "Local"), "slipway");
  }
  // The XDG specification says to ignore relative paths.
  const xdg = env.XDG_CACHE_HOME;
  return path.join(xdg && path.isAbsolute(xdg) ? xdg : path.join(homedir(), ".cache"), "slipway");
}

/** @param {string} cache */
export const pulumiHome = (cache) => path.join(cache, "pulumi-home");

/**
 * A hash of a part's pin, its Go modules with their sums, and the platform. A bumped pin gets a new folder, so checkouts
 * with different pins can share a cache.
 * @param {import('./pins.mjs').Part} part @param {import('./paths.mjs').Platform} platform
 */
export function partKey(part, platform) {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([part, part.download(platform), platform]));
  for (const build of part.go) {
    for (const file of ["go.mod", "go.sum", "main.go"]) {
      const source = path.join(goDir, build.module, file);
      if (existsSync(source)) hash.update(`\0${build.module}/${file}\0`).update(readFileSync(source));
    }
  }
  return hash.digest("hex").slice(0, 12);
}

/**
 * @param {string} cache @param {import('./pins.mjs').Part} part @param {import('./paths.mjs').Platform} platform
 * @returns {string} the part's folder; if it exists, it is complete
 */
export function partDir(cache, part, platform) {
  if (part.plugin) {
    const folder = `${part.plugin.kind}-${part.plugin.name}-v${part.version}`;
    return path.join(pulumiHome(cache), "plugins", folder);
  }
  const name = `${part.name}-${part.version}-${platform.os}-${platform.arch}-${partKey(part, platform)}`;
  return path.join(cache, "parts", name);
}

/** @param {string} module */
export const goModuleDir = (module) => path.join(goDir, module);

/**
 * The folder of one checkout, with the state of its stage stack.
 * @param {string} cache @param {string} [project]
 */
export function checkoutDir(cache, project = projectDir) {
  const real = realpathSync(project);
  const hash = createHash("sha256").update(real).digest("hex").slice(0, 12);
  return path.join(cache, "checkouts", `${path.basename(real)}-${hash}`);
}

/** @param {string} cache @param {string} service */
export const serviceDir = (cache, service) => path.join(cache, "services", service);

/**
 * @typedef {object} Platform
 * @property {'linux' | 'darwin' | 'windows'} os the operating system, as Go names it
 * @property {'amd64' | 'arm64'} arch the processor, as Go names it
 * @property {string} exe suffix of executables: `.exe` or nothing
 */

/** @type {Record<string, Platform['os']>} */
const systems = { linux: "linux", darwin: "darwin", win32: "windows" };
/** @type {Record<string, Platform['arch']>} */
const processors = { x64: "amd64", arm64: "arm64" };

/**
 * @param {string} [nodePlatform] @param {string} [nodeArch]
 * @returns {Platform}
 */
export function platformOf(nodePlatform = process.platform, nodeArch = process.arch) {
  const os = systems[nodePlatform];
  const arch = processors[nodeArch];
  if (!os || !arch) {
    throw new Error(
      `Slipway's toolchain runs on Linux, macOS and Windows on amd64 and arm64, not on ${nodePlatform}/${nodeArch}.`,
    );
  }
  return { os, arch, exe: os === "windows" ? ".exe" : "" };
}

export const defaultRegistryPort = 5000;

/** @param {NodeJS.ProcessEnv} [env] */
export function registryPort(env = process.env) {
  const written = env.SLIPWAY_REGISTRY_PORT;
  if (!written) return defaultRegistryPort;
  const port = Number(written);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new Error(`SLIPWAY_REGISTRY_PORT: "${written}" is not a port; allowed: 1 to 65535`);
  }
  return port;
}
