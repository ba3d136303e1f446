// @ts-check
// Which BuildKit builds on this machine: the person's own, a Docker engine's, or ours.

import { isOwnBuildkitUp } from "./buildkit-service.mjs";
import { dockerEngine } from "./docker-engine.mjs";
import { cacheDir } from "./paths.mjs";
import { buildkitImage } from "./pins.mjs";
import { lastLines, run } from "./run.mjs";

/**
 * @typedef {{ kind: 'remote', endpoint: string }
 *   | { kind: 'docker', engine: import('./docker-engine.mjs').DockerEngine }
 *   | { kind: 'own' }} BuilderChoice
 */

/** No way to build on this machine. */
class NoBuilderError extends Error {
  /** @param {string[]} reasons */
  constructor(reasons) {
    super(
      [
        "SLIPWAY_NO_BUILDER: there is nothing to build images with. Tried:",
        ...reasons.map((reason) => `  - ${reason}`),
        "What you can do, one of:",
        "  - start a Docker engine (Docker Desktop, colima, dockerd) that this user may use;",
        "  - point SLIPWAY_BUILDKIT_HOST at a BuildKit of yours, for example a rootless one:",
        "      rootlesskit buildkitd --addr unix://$XDG_RUNTIME_DIR/buildkit/buildkitd.sock &",
        "      export SLIPWAY_BUILDKIT_HOST=unix://$XDG_RUNTIME_DIR/buildkit/buildkitd.sock",
        "  - on Linux: run the command as root (sudo --preserve-env=PATH,HOME …), and Slipway starts BuildKit.",
      ].join("\n"),
    );
    this.name = "NoBuilderError";
  }
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
    reasons.push(`Docker engine: it has no image ${buildkitImage} and can't pull it:\n${why}`);
  } else reasons.push("Docker engine: none answers `docker info`");
  const problem = ownBuildkitProblem();
  if (problem === undefined) return { kind: "own" };
  throw new NoBuilderError([...reasons, `a BuildKit of Slipway's own: ${problem}`]);
}

/** @returns {string | undefined} why ours cannot run here */
export function ownBuildkitProblem(system = process.platform, uid = process.getuid?.()) {
  if (system !== "linux") return `it needs Linux, this is ${system}`;
  return uid === 0 ? undefined : `it needs root, this is user ${uid}`;
}

/**
 * @param {import('./docker-engine.mjs').DockerEngine} engine
 * @param {import('./progress.mjs').Progress | undefined} progress
 * @returns {Promise<string | undefined>} why it is not there
 */
async function pullBuildkit({ docker }, progress) {
  if ((await run(docker, ["image", "inspect", buildkitImage])).code === 0) return undefined;
  const step = progress?.step(`builder image ${buildkitImage}`, "docker pull");
  const { code, output } = await run(docker, ["pull", "--quiet", buildkitImage], { timeoutMs: 600_000 });
  if (code === 0) step?.done("pulled");
  else step?.fail("not to be had");
  return code === 0 ? undefined : lastLines(output, 3);
}
