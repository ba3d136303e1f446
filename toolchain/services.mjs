// The local services: the embedded registry and, without a Docker engine or a BuildKit of the user, our own BuildKit.

import path from "node:path";
import { chooseBuilder, dockerEngine, neededParts, writeBuilder } from "./builder.mjs";
import {
  buildkitDown,
  buildkitEndpoint,
  buildkitLog,
  buildkitUp,
  isOwnBuildkitUp,
} from "./buildkit-service.mjs";
import { whyNoAnswer } from "./from-download.mjs";
import { withLock } from "./lock.mjs";
import { cacheDir } from "./paths.mjs";
import { createProgress } from "./progress.mjs";
import { provideToolchain } from "./provide.mjs";
import { registryDown, registryStatus, registryUp } from "./registry-service.mjs";

/**
 * @typedef {import('./progress.mjs').Progress} Progress
 * @typedef {import('./builder.mjs').BuilderChoice} BuilderChoice
 * @typedef {{ name: string, address: string, state: string, log?: string }} ServiceLine
 * @typedef {{ bins: Record<string, string>, builder?: BuilderChoice, progress?: Progress, cache?: string,
 *   only?: 'builder' | 'registry', port?: number }} UpOptions port: the embedded registry's
 */

/** @param {string} cache */
const lockFile = (cache) => path.join(cache, "locks", "services.lock");

/** Installs the parts that the local services need, and starts the services that are not running. */
export async function providedServices() {
  const progress = createProgress();
  const builder = await chooseBuilder({ progress });
  const toolchain = await provideToolchain({ parts: neededParts({ builder, tests: false }), progress });
  return servicesUp({ bins: toolchain.bins, builder, progress });
}

/**
 * @param {UpOptions} options @returns {Promise<ServiceLine[]>}
 */
export async function servicesUp({ bins, builder, progress, cache = cacheDir(), only, port }) {
  const choice = builder ?? (await chooseBuilder({ cache, progress }));
  return withLock(lockFile(cache), async () => {
    const lines = [];
    if (only !== "registry") lines.push(await builderUp(choice, bins, cache, progress));
    if (only !== "builder") {
      const isContainer = choice.kind === "docker" && choice.engine.desktop;
      const program = isContainer ? { engine: choice.engine } : { program: bins.registry ?? "" };
      lines.push(await started("registry", progress, () => registryUp({ cache, port, ...program })));
    }
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
    case "own":
      return started("builder", progress, async () => {
        const { endpoint, state, log } = await buildkitUp({ cache, bins });
        writeBuilder(cache, { driver: "remote", endpoint });
        return { address: endpoint, state, log };
      });
  }
}

/**
 * @param {string} name @param {Progress | undefined} progress
 * @param {() => Promise<{ address: string, state: string, log: string }>} start
 * @returns {Promise<ServiceLine>}
 */
async function started(name, progress, start) {
  const step = progress?.step(name === "builder" ? "BuildKit" : name, "starting");
  try {
    const { address, state, log } = await start();
    if (state === "started") step?.done(name === "builder" ? "started" : `started at ${address}`);
    else step?.drop();
    return { name, address, state, log };
  } catch (error) {
    step?.fail();
    throw error;
  }
}

/** @param {string} endpoint */
async function requireAnswer(endpoint) {
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
      `SLIPWAY_BUILDKIT_HOST: "${endpoint}" is not an address of the form unix:///path/to/socket or tcp://host:port`,
    );
  }
  const why = await whyNoAnswer(target, 4_000);
  if (why === undefined) return;
  throw new Error(
    `SLIPWAY_BUILDKIT_HOST: nothing answers at ${endpoint} (${why}). Start this BuildKit, or unset the variable.`,
  );
}

/** The Docker engine that runs the embedded registry as a container, if any. */
async function registryEngine() {
  const engine = await dockerEngine();
  return engine?.desktop ? engine : undefined;
}

/** @param {{ cache?: string, only?: 'builder' }} [options] @returns {Promise<ServiceLine[]>} */
export async function servicesDown({ cache = cacheDir(), only } = {}) {
  const engine = only === "builder" ? undefined : await registryEngine();
  /** @param {boolean} stopped */
  const stateOf = (stopped) => (stopped ? "stopped" : "was not running");
  return withLock(lockFile(cache), async () => {
    const builder = stateOf(await buildkitDown({ cache }));
    const lines = [{ name: "builder", address: buildkitEndpoint(cache), state: builder }];
    if (only !== "builder") {
      const registry = stateOf(await registryDown({ cache, engine }));
      const { address } = await registryStatus({ cache });
      lines.push({ name: "registry", address, state: registry });
    }
    return lines;
  });
}

/** @param {{ cache?: string }} [options] @returns {Promise<ServiceLine[]>} */
export async function servicesStatus({ cache = cacheDir() } = {}) {
  const { address, state, log } = await registryStatus({ cache, engine: await registryEngine() });
  return [builderStatus(cache), { name: "registry", address, state, log }];
}

/** @param {string} cache @returns {ServiceLine} */
function builderStatus(cache) {
  const host = process.env.SLIPWAY_BUILDKIT_HOST;
  if (host) return { name: "builder", address: host, state: "yours (SLIPWAY_BUILDKIT_HOST)" };
  const builder = { name: "builder", address: buildkitEndpoint(cache) };
  return isOwnBuildkitUp(cache)
    ? { ...builder, state: "running", log: buildkitLog(cache) }
    : { ...builder, state: "stopped" };
}
