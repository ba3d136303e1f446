// @ts-check
// The embedded registry: distribution on a local port, with its storage in the cache folder.

import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import path from "node:path";
import { runningDaemon, startDaemon, stopDaemon, waitUntilUp } from "./daemon.mjs";
import { writeWhole } from "./files.mjs";
import { cacheDir, serviceDir } from "./paths.mjs";
import { registryImage } from "./pins.mjs";
import { registryPort } from "./ports.mjs";
import { lastLines, run } from "./run.mjs";

/**
 * @typedef {object} RegistryOptions
 * @property {string} [cache]
 * @property {number} [port]
 * @property {string} [program] the registry's binary
 * @property {import('./docker-engine.mjs').DockerEngine} [engine] instead of a binary: runs it as a container
 *
 * @typedef {{ address: string, state: 'started' | 'running' | 'stopped', accessLog: string, log: string }} RegistryStatus
 */

/** Our registries say whose they are in each answer. */
const ownerHeader = "x-slipway-registry";

/** @param {string} cache @param {number} port */
const dirOf = (cache, port) => serviceDir(cache, `registry-${port}`);
/** @param {number} port */
const containerOf = (port) => `slipway-registry-${port}`;

/** @param {string} dir @param {string} listen @param {string} storage */
function writeConfig(dir, listen, storage) {
  const file = path.join(dir, "config.yml");
  // JSON is YAML, and quotes any path.
  const config = {
    version: 0.1,
    log: { level: "warn", accesslog: { disabled: false } },
    storage: { filesystem: { rootdirectory: storage }, delete: { enabled: true } },
    http: { addr: listen, headers: { [ownerHeader]: [ownerOf(dir)] } },
  };
  writeWhole(file, `${JSON.stringify(config, null, 2)}\n`);
  return file;
}

/** @param {string} dir */
function ownerOf(dir) {
  const file = path.join(dir, "owner");
  if (!existsSync(file)) writeWhole(file, randomBytes(8).toString("hex"));
  return readFileSync(file, "utf8");
}

/** @param {number} port @returns {Promise<{ registry: boolean, owner: string | null } | undefined>} who listens there */
async function listenerAt(port) {
  if (!(await isTaken(port))) return undefined;
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/v2/`, {
      signal: AbortSignal.timeout(3_000),
      redirect: "manual",
    });
    // Unread, it would keep the connection open.
    await answer.body?.cancel();
    const registry = answer.headers.has("docker-distribution-api-version");
    return { registry, owner: answer.headers.get(ownerHeader) };
  } catch {
    return { registry: false, owner: null };
  }
}

/** @param {number} port @returns {Promise<boolean>} */
function isTaken(port) {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, timeout: 2_000 });
    /** @param {boolean} taken */
    const end = (taken) => {
      socket.destroy();
      resolve(taken);
    };
    socket.on("connect", () => end(true));
    socket.on("timeout", () => end(true));
    socket.on("error", () => end(false));
  });
}

/** @param {RegistryOptions} options @returns {Promise<RegistryStatus>} */
export async function registryUp({ cache = cacheDir(), port = registryPort(), program, engine }) {
  const dir = dirOf(cache, port);
  const owner = ownerOf(dir);
  const listener = await listenerAt(port);
  const isOurs = listener?.owner === owner;
  const daemon = runningDaemon(dir);
  // A bumped pin is another binary: it takes over.
  if (isOurs && (!daemon || engine || daemon.command[0] === program)) return statusOf(dir, port, "running");
  if (listener && !isOurs) throw new Error(portTaken(port, listener.registry));
  if (daemon) await stopDaemon(dir);
  if (engine) await startContainer(engine, dir, port);
  else {
    if (!program) throw new Error("registryUp: neither a binary nor a Docker engine is given");
    const storage = path.join(dir, "data");
    mkdirSync(storage, { recursive: true });
    const config = writeConfig(dir, `127.0.0.1:${port}`, storage);
    startDaemon({
      dir,
      command: [program, "serve", config],
      stdout: "access.log",
      stderr: "registry.log",
      env: plainEnvironment(),
    });
  }
  const isUp = async () => (await listenerAt(port))?.owner === owner;
  await waitUntilUp(dir, isUp, {
    name: `registry at localhost:${port}`,
    log: "registry.log",
    ...(engine ? { alive: () => true } : {}),
  });
  return statusOf(dir, port, "started");
}

/** REGISTRY_… variables would override the configuration. */
function plainEnvironment() {
  const entries = Object.entries(process.env).filter(([name]) => !/^(REGISTRY|OTEL)_/.test(name));
  // Its tracing exporter would call localhost:4318 over and over.
  return Object.fromEntries([...entries, ["OTEL_TRACES_EXPORTER", "none"]]);
}

/** @param {number} port @param {boolean} registry */
function portTaken(port, registry) {
  const what = registry ? "a registry that is not this cache folder's" : "another program";
  const airplay =
    process.platform === "darwin" && port === 5000
      ? " (on macOS usually the AirPlay receiver: System Settings, General, AirDrop & Handoff)"
      : "";
  return [
    `SLIPWAY_PORT_TAKEN: ${what} listens at localhost:${port}${airplay}, where the embedded registry should.`,
    `What you can do: stop it, or choose another port: SLIPWAY_REGISTRY_PORT=${port + 1} npm start`,
  ].join("\n");
}

/** @param {import('./docker-engine.mjs').DockerEngine} engine @param {string} dir @param {number} port */
async function startContainer({ docker }, dir, port) {
  const config = writeConfig(dir, ":5000", "/var/lib/registry");
  await run(docker, ["rm", "--force", containerOf(port)]);
  const args = ["run", "--detach", "--name", containerOf(port), "--publish", `127.0.0.1:${port}:5000`];
  args.push("--env", "OTEL_TRACES_EXPORTER=none", "--volume", `slipway-registry-${port}:/var/lib/registry`);
  args.push("--volume", `${config}:/etc/distribution/config.yml:ro`, registryImage);
  const { code, output } = await run(docker, args, { timeoutMs: 600_000 });
  if (code !== 0) {
    throw new Error(
      `SLIPWAY_SERVICE_FAILED: Docker could not start the local registry:\n${lastLines(output)}`,
    );
  }
}

/** @param {string} dir @param {number} port @param {RegistryStatus['state']} state @returns {RegistryStatus} */
function statusOf(dir, port, state) {
  return {
    address: `localhost:${port}`,
    state,
    accessLog: path.join(dir, "access.log"),
    log: path.join(dir, "registry.log"),
  };
}

/** @param {RegistryOptions} [options] @returns {Promise<RegistryStatus>} */
export async function registryStatus({ cache = cacheDir(), port = registryPort() } = {}) {
  const dir = dirOf(cache, port);
  const listener = existsSync(path.join(dir, "owner")) ? await listenerAt(port) : undefined;
  return statusOf(dir, port, listener && listener.owner === ownerOf(dir) ? "running" : "stopped");
}

/** @param {RegistryOptions} [options] @returns {Promise<boolean>} whether it ran */
export async function registryDown({ cache = cacheDir(), port = registryPort(), engine } = {}) {
  const stopped = await stopDaemon(dirOf(cache, port));
  const removed = engine
    ? (await run(engine.docker, ["rm", "--force", containerOf(port)])).stdout.trim() !== ""
    : false;
  return stopped || removed;
}
