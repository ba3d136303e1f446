// @ts-check
// The machine's Docker engine, if one answers.

import { findOnPath, run } from "./run.mjs";

/** @typedef {{ docker: string, endpoint: string, desktop: boolean }} DockerEngine desktop: it runs in a virtual machine */

/** @type {Promise<DockerEngine | undefined> | undefined} */
let answer;

/** @returns {Promise<DockerEngine | undefined>} */
export function dockerEngine() {
  answer ??= ask();
  return answer;
}

/** @returns {Promise<DockerEngine | undefined>} */
async function ask() {
  // SLIPWAY_DOCKER=off: as if there were none.
  if (process.env.SLIPWAY_DOCKER === "off") return undefined;
  const docker = findOnPath("docker");
  if (!docker) return undefined;
  const info = await run(docker, ["info", "--format", "{{.ServerVersion}}|{{.OperatingSystem}}"], {
    timeoutMs: 10_000,
  });
  const [version, system] = info.stdout.trim().split("|");
  if (info.code !== 0 || !version) return undefined;
  const context = await run(docker, ["context", "show"], { timeoutMs: 10_000 });
  const endpoint = context.code === 0 ? context.stdout.trim() : "default";
  return { docker, endpoint, desktop: process.platform !== "linux" || /docker desktop/i.test(system ?? "") };
}
