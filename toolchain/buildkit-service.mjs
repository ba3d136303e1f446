// Our own BuildKit: buildkitd as root on a socket in the cache folder.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { runningDaemon, startDaemon, stopDaemon, waitUntilUp } from "./daemon.mjs";
import { writeWhole } from "./files.mjs";
import { cacheDir, serviceDir } from "./paths.mjs";
import { run } from "./run.mjs";

/** @param {string} cache */
const dirOf = (cache) => serviceDir(cache, "buildkit");

/** Unix socket paths are limited to 107 bytes. @param {string} cache */
function buildkitSocket(cache) {
  const socket = path.join(dirOf(cache), "buildkitd.sock");
  if (Buffer.byteLength(socket) <= 100) return socket;
  const hash = createHash("sha256").update(cache).digest("hex").slice(0, 12);
  return path.join(tmpdir(), `slipway-buildkitd-${hash}.sock`);
}

/** @param {string} cache */
export const buildkitEndpoint = (cache) => `unix://${buildkitSocket(cache)}`;

/** @param {string} cache @param {string} runtime */
function configText(cache, runtime) {
  const dir = dirOf(cache);
  // Keeps buildkitd from reading the machine's /etc/buildkit/buildkitd.toml.
  return `root = ${JSON.stringify(path.join(dir, "root"))}

[grpc]
  address = [${JSON.stringify(buildkitEndpoint(cache))}]

[worker.oci]
  enabled = true
  binary = ${JSON.stringify(runtime)}
  gc = true
  maxUsedSpace = "10GB"

[worker.containerd]
  enabled = false

[cdi]
  disabled = true
`;
}

/**
 * runc if it supports seccomp, else the program beside it that removes the seccomp profile.
 * @param {string} runc
 */
async function runtimeFor(runc) {
  const { output } = await run(runc, ["--version"]);
  const without = path.join(path.dirname(runc), "runc-without-seccomp");
  return !/libseccomp/.test(output) && existsSync(without) ? without : runc;
}

/**
 * @param {{ cache?: string, bins: Record<string, string> }} options
 * @returns {Promise<{ endpoint: string, state: 'started' | 'running', log: string }>}
 */
export async function buildkitUp({ cache = cacheDir(), bins }) {
  const { buildkitd, buildctl, runc } = bins;
  if (!buildkitd || !buildctl || !runc) throw new Error("buildkitUp: buildkitd, buildctl or runc is missing");
  const dir = dirOf(cache);
  const endpoint = buildkitEndpoint(cache);
  const log = path.join(dir, "buildkitd.log");
  const isUp = async () =>
    (await run(buildctl, ["--addr", endpoint, "--timeout", "3", "debug", "workers"], { timeoutMs: 10_000 }))
      .code === 0;
  // After a bumped pin the binary has another path: restart.
  if (runningDaemon(dir)?.command[0] === buildkitd && (await isUp()))
    return { endpoint, state: "running", log };
  await stopDaemon(dir);
  mkdirSync(dir, { recursive: true });
  const config = path.join(dir, "buildkitd.toml");
  writeWhole(config, configText(cache, await runtimeFor(runc)));
  startDaemon({
    dir,
    command: [buildkitd, "--config", config],
    stdout: "buildkitd.log",
    stderr: "buildkitd.log",
  });
  await waitUntilUp(dir, isUp, { name: "BuildKit", log: "buildkitd.log" });
  return { endpoint, state: "started", log };
}

/** @param {string} cache */
export const isOwnBuildkitUp = (cache) =>
  runningDaemon(dirOf(cache)) !== undefined && existsSync(buildkitSocket(cache));

/** @param {string} cache */
export const buildkitLog = (cache) => path.join(dirOf(cache), "buildkitd.log");

/** @param {{ cache?: string }} [options] */
export const buildkitDown = ({ cache = cacheDir() } = {}) => stopDaemon(dirOf(cache));
