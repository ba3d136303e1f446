// @ts-check
// The machine's platform in the names that Go, OCI and the publishers of binaries use.

/**
 * @typedef {object} Platform
 * @property {'linux' | 'darwin' | 'windows'} os Go's name of the operating system
 * @property {'amd64' | 'arm64'} arch Go's name of the processor
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
