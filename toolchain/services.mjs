// @ts-check
// The local services: the embedded registry, and a BuildKit where no Docker engine and none of the person's own is.

import { connect } from "node:net";
import path from "node:path";
import { chooseBuilder } from "./builder-choice.mjs";
import { writeBuilder } from "./builder-file.mjs";
import {
  buildkitDown,
  buildkitEndpoint,
  buildkitLog,
  buildkitUp,
  isOwnBuildkitUp,
} from "./buildkit-service.mjs";
import { dockerEngine } from "./docker-engine.mjs";
import { withLock } from "./lock.mjs";
import { cacheDir } from "./paths.mjs";
import { registryDown, registryStatus, registryUp } from "./registry-service.mjs";

/**
 * @typedef {import('./progress.mjs').Progress} Progress
 * @typedef {import('./builder-choice.mjs').BuilderChoice} BuilderChoice
 * @typedef {{ name: string, address: string, state: string, log?: string }} ServiceLine
 * @typedef {{ bins: Record<string, string>, builder?: BuilderChoice, progress?: Progress, cache?: string,
 *   only?: 'builder' | 'registry', port?: number }} UpOptions port: the embedded registry's
 */

/** @param {string} cache */
const lockFile = (cache) => path.join(cache, "locks", "services.lock");

/**
 * Starts what does not run yet.
 * @param {UpOptions} options
 * @returns {Promise<ServiceLine[]>}
 */
export async function servicesUp({ bins, builder, progress, cache = cacheDir(), only, port }) {
  const choice = builder ?? (await chooseBuilder({ cache, ...(progress ? { progress } : {}) }));
  return withLock(lockFile(cache), async () => {
    /** @type {ServiceLine[]} */
    const lines = [];
    if (only !== "registry") lines.push(await builderUp(choice, bins, cache, progress));
    if (only !== "builder") lines.push(await embeddedRegistryUp(choice, bins, cache, progress, port));
    return lines;
  });
}

/**
 * @param {BuilderChoice} choice @param {Record<string, string>} bins @param {string} cache
 * @param {Progress | undefined} progress
 * @returns {Promise<ServiceLine>}
 */
async function builderUp(choice, bins, cache, progress) {
  switch (choice.kind) {
    case "remote":
      await requireAnswer(choice.endpoint);
      writeBuilder(cache, { driver: "remote", endpoint: choice.endpoint });
      return { name: "builder", address: choice.endpoint, state: "yours (SLIPWAY_BUILDKIT_HOST)" };
    case "docker":
      // buildx starts the container with the first build.
      writeBuilder(cache, { driver: "docker-container", endpoint: choice.engine.endpoint });
      return { name: "builder", address: `Docker context ${choice.engine.endpoint}`, state: "ready" };
    case "own": {
      const step = progress?.step("BuildKit", "starting");
      try {
        const { endpoint, state, log } = await buildkitUp({ cache, bins });
        writeBuilder(cache, { driver: "remote", endpoint });
        if (state === "started") step?.done("started");
        else step?.drop();
        return { name: "builder", address: endpoint, state, log };
      } catch (error) {
        step?.fail();
        throw error;
      }
    }
  }
}

/**
 * @param {BuilderChoice} choice @param {Record<string, string>} bins @param {string} cache
 * @param {Progress | undefined} progress @param {number | undefined} port
 * @returns {Promise<ServiceLine>}
 */
async function embeddedRegistryUp(choice, bins, cache, progress, port) {
  const step = progress?.step("registry", "starting");
  const inContainer = choice.kind === "docker" && choice.engine.desktop;
  try {
    const { address, state, log } = await registryUp({
      cache,
      ...(port === undefined ? {} : { port }),
      ...(inContainer ? { engine: choice.engine } : { program: bins.registry ?? "" }),
    });
    if (state === "started") step?.done(`started at ${address}`);
    else step?.drop();
    return { name: "registry", address, state, log };
  } catch (error) {
    step?.fail();
    throw error;
  }
}

/** @param {string} endpoint @returns {Promise<void>} */
function requireAnswer(endpoint) {
  const url = new URL(endpoint);
  /** @type {import('node:net').NetConnectOpts | undefined} */
  const target =
    url.protocol === "unix:"
      ? { path: url.pathname }
      : url.protocol === "tcp:"
        ? { host: url.hostname, port: Number(url.port || 1234) }
        : undefined;
  if (!target) {
    throw new Error(
      `SLIPWAY_BUILDKIT_HOST: "${endpoint}" is none of unix:///path/to/socket, tcp://host:port`,
    );
  }
  return new Promise((resolve, reject) => {
    const socket = connect(target);
    /** @param {string} why */
    const fail = (why) => {
      socket.destroy();
      reject(
        new Error(
          `SLIPWAY_BUILDKIT_HOST: nothing answers at ${endpoint} (${why}). Start that BuildKit, or unset it.`,
        ),
      );
    };
    socket.setTimeout(4_000, () => fail("no answer in 4 s"));
    socket.on("error", (error) => fail(/** @type {NodeJS.ErrnoException} */ (error).code ?? error.message));
    socket.on("connect", () => {
      socket.destroy();
      resolve();
    });
  });
}

/** @param {{ cache?: string, only?: 'builder' | 'registry' }} [options] @returns {Promise<ServiceLine[]>} */
export async function servicesDown({ cache = cacheDir(), only } = {}) {
  const engine = only === "builder" ? undefined : await dockerEngine();
  return withLock(lockFile(cache), async () => {
    /** @type {ServiceLine[]} */
    const lines = [];
    if (only !== "registry") {
      const stopped = await buildkitDown({ cache });
      lines.push({
        name: "builder",
        address: buildkitEndpoint(cache),
        state: stopped ? "stopped" : "was not running",
      });
    }
    if (only !== "builder") {
      const stopped = await registryDown({ cache, ...(engine?.desktop ? { engine } : {}) });
      const { address } = await registryStatus({ cache });
      lines.push({ name: "registry", address, state: stopped ? "stopped" : "was not running" });
    }
    return lines;
  });
}

/** @param {{ cache?: string }} [options] @returns {Promise<ServiceLine[]>} */
export async function servicesStatus({ cache = cacheDir() } = {}) {
  const engine = await dockerEngine();
  const { address, state, log } = await registryStatus({ cache, ...(engine?.desktop ? { engine } : {}) });
  const host = process.env.SLIPWAY_BUILDKIT_HOST;
  const builder = host
    ? { name: "builder", address: host, state: "yours (SLIPWAY_BUILDKIT_HOST)" }
    : isOwnBuildkitUp(cache)
      ? { name: "builder", address: buildkitEndpoint(cache), state: "running", log: buildkitLog(cache) }
      : { name: "builder", address: buildkitEndpoint(cache), state: "stopped" };
  return [builder, { name: "registry", address, state, log }];
}
