// Chooses the BuildKit that builds on this machine: the user's, a Docker engine's, or ours. Writes the buildx builder
// `slipway` as files, since docker-build has buildx compiled in and needs neither the buildx nor the docker program.

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { isOwnBuildkitUp } from "./buildkit-service.mjs";
import { buildxConfigDir } from "./environment.mjs";
import { writeWhole } from "./files.mjs";
import { cacheDir } from "./paths.mjs";
import { buildkitImage, byTheirTests, onDemand } from "./pins.mjs";
import { partsWithout } from "./provide.mjs";
import { findOnPath, lastLines, run } from "./run.mjs";

/**
 * @typedef {{ kind: 'remote', endpoint: string }
 *   | { kind: 'docker', engine: DockerEngine }
 *   | { kind: 'own' }} BuilderChoice
 */

/** @param {string[]} reasons */
function noBuilder(reasons) {
  return [
    "SLIPWAY_NO_BUILDER: no builder was found. Tried:",
    ...reasons.map((reason) => `  - ${reason}`),
    "What you can do, one of:",
    "  - start a Docker engine (Docker Desktop, colima, dockerd) that this user may use;",
    "  - point SLIPWAY_BUILDKIT_HOST at your own BuildKit, for example a rootless one:",
    "      rootlesskit buildkitd --addr unix://$XDG_RUNTIME_DIR/buildkit/buildkitd.sock &",
    "      export SLIPWAY_BUILDKIT_HOST=unix://$XDG_RUNTIME_DIR/buildkit/buildkitd.sock",
    "  - on Linux: run the command as root (sudo --preserve-env=PATH,HOME …), and Slipway starts BuildKit.",
  ].join("\n");
}

/**
 * @param {{ cache?: string, progress?: import('./progress.mjs').Progress }} [options]
 * @returns {Promise<BuilderChoice>}
 */
export async function chooseBuilder({ cache = cacheDir(), progress } = {}) {
  const endpoint = process.env.SLIPWAY_BUILDKIT_HOST;
  if (endpoint) return { kind: "remote", endpoint };
  if (isOwnBuildkitUp(cache)) return { kind: "own" };
  const reasons = ["SLIPWAY_BUILDKIT_HOST: not set"];
  const engine = await dockerEngine();
  if (engine) {
    const why = await pullBuildkit(engine, progress);
    if (why === undefined) return { kind: "docker", engine };
    reasons.push(`Docker engine: it does not have the image ${buildkitImage} and cannot pull it:\n${why}`);
  } else reasons.push("Docker engine: no answer to `docker info`");
  const problem = ownBuildkitProblem();
  if (problem === undefined) return { kind: "own" };
  throw new Error(noBuilder([...reasons, `Slipway's own BuildKit: ${problem}`]));
}

/** @returns {string | undefined} why our BuildKit cannot run here */
export function ownBuildkitProblem(system = process.platform, uid = process.getuid?.()) {
  if (system !== "linux") return `it needs Linux, this is ${system}`;
  return uid === 0 ? undefined : `it needs root, this is user ${uid}`;
}

/**
 * @param {DockerEngine} engine
 * @param {import('./progress.mjs').Progress | undefined} progress
 * @returns {Promise<string | undefined>} why the image cannot be pulled
 */
async function pullBuildkit({ docker }, progress) {
  if ((await run(docker, ["image", "inspect", buildkitImage])).code === 0) return undefined;
  const step = progress?.step(`builder image ${buildkitImage}`, "docker pull");
  const { code, output } = await run(docker, ["pull", "--quiet", buildkitImage], { timeoutMs: 600_000 });
  if (code === 0) step?.done("pulled");
  else step?.fail("not available");
  return code === 0 ? undefined : lastLines(output, 3);
}

/** @typedef {{ docker: string, endpoint: string, desktop: boolean }} DockerEngine desktop: it runs in a virtual machine */

/** @type {Promise<DockerEngine | undefined> | undefined} */
let answer;

/** The machine's Docker engine, if one answers. Asked once per process. */
export function dockerEngine() {
  answer ??= askDocker();
  return answer;
}

/** @returns {Promise<DockerEngine | undefined>} */
async function askDocker() {
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

/**
 * @param {{ builder: BuilderChoice | undefined, tests: boolean }} options
 * @returns {string[]}
 */
export function neededParts({ builder, tests }) {
  const without = tests ? [...byTheirTests] : [...onDemand, ...byTheirTests];
  if (builder?.kind !== "own") without.push("buildkit", "runc");
  // On Docker Desktop the embedded registry is a container. Tests start their own registries.
  if (builder?.kind === "docker" && builder.engine.desktop && !tests) without.push("registry");
  return partsWithout(without);
}

const builderName = "slipway";

/** @typedef {{ driver: 'remote' | 'docker-container', endpoint: string }} Builder endpoint: of BuildKit, or the Docker context */

/** @param {Builder} builder */
export function builderText({ driver, endpoint }) {
  // With the host's network, the builder reaches the embedded registry at localhost.
  const options = driver === "docker-container" ? { image: buildkitImage, network: "host" } : null;
  const unset = { Platforms: null, Flags: null, Files: null };
  const node = { Name: `${builderName}0`, Endpoint: endpoint, DriverOpts: options, ...unset };
  return JSON.stringify({ Name: builderName, Driver: driver, Nodes: [node], Dynamic: false });
}

/** Writes the builder and makes it the current one, which docker-build uses. @param {string} cache @param {Builder} builder */
export function writeBuilder(cache, builder) {
  const dir = buildxConfigDir(cache);
  for (const folder of ["instances", "defaults", "activity"])
    mkdirSync(path.join(dir, folder), { recursive: true, mode: 0o700 });
  writeIfOther(path.join(dir, "instances", builderName), builderText(builder));
  // Global: independent of the current Docker context.
  writeIfOther(path.join(dir, "current"), JSON.stringify({ Key: "", Name: builderName, Global: true }));
}

/** @param {string} file @param {string} text */
function writeIfOther(file, text) {
  if (!existsSync(file) || readFileSync(file, "utf8") !== text) writeWhole(file, text, 0o600);
}
