// The embedded registry: distribution on a local port, with its storage in the cache folder.

import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { runningDaemon, startDaemon, stopDaemon, waitUntilUp } from "./daemon.mjs";
import { writeWhole } from "./files.mjs";
import { whyNoAnswer } from "./from-download.mjs";
import { cacheDir, registryPort, serviceDir } from "./paths.mjs";
import { registryImage } from "./pins.mjs";
import { lastLines, run } from "./run.mjs";

/**
 * @typedef {object} RegistryOptions
 * @property {string} [cache]
 * @property {number} [port]
 * @property {string} [program] the registry's binary
 * @property {import('./builder.mjs').DockerEngine} [engine] runs it as a container instead of a binary
 *
 * @typedef {{ address: string, state: 'started' | 'running' | 'stopped', accessLog: string, log: string }} RegistryStatus
 */

/** @param {string} cache @param {number} port */
const dirOf = (cache, port) => serviceDir(cache, `registry-${port}`);
/** @param {string} dir */
const storageOf = (dir) => path.join(dir, "data");
/** @param {number} port */
const containerOf = (port) => `slipway-registry-${port}`;

/** @param {string} dir @param {string} listen @param {string} storage */
function writeConfig(dir, listen, storage) {
  const file = path.join(dir, "config.yml");
  // JSON is valid YAML, and quotes any path.
  const config = {
    version: 0.1,
    log: { level: "warn", accesslog: { disabled: false } },
    storage: { filesystem: { rootdirectory: storage }, delete: { enabled: true } },
    http: { addr: listen },
  };
  writeWhole(file, `${JSON.stringify(config, null, 2)}\n`);
  return file;
}

/**
 * Whether the listener is the registry that this cache folder started. Another user's program could imitate any header,
 * so the listener must return random bytes from our storage, which other users cannot read.
 * @param {string} dir @param {number} port @param {import('./builder.mjs').DockerEngine} [engine]
 * @returns {Promise<boolean>}
 */
async function isOurs(dir, port, engine) {
  // A container's storage is in a volume. But only the engine can publish its port.
  if (engine) {
    const { stdout } = await run(engine.docker, ["port", containerOf(port), "5000/tcp"]);
    return stdout.split("\n").includes(`127.0.0.1:${port}`);
  }
  const root = path.join(storageOf(dir), "docker", "registry", "v2");
  if (!existsSync(storageOf(dir))) return false;
  const secret = randomBytes(32);
  const hash = createHash("sha256").update(secret).digest("hex");
  const repository = path.join(root, "repositories", `slipway-challenge-${hash.slice(0, 12)}`);
  const link = path.join(repository, "_layers", "sha256", hash);
  const blob = path.join(root, "blobs", "sha256", hash.slice(0, 2), hash);
  try {
    for (const folder of [link, blob]) mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(blob, "data"), secret, { mode: 0o600 });
    writeFileSync(path.join(link, "link"), `sha256:${hash}`);
    const answer = await ask(port, `${path.basename(repository)}/blobs/sha256:${hash}`);
    return secret.equals(Buffer.from(await answer.arrayBuffer()));
  } catch {
    return false;
  } finally {
    for (const folder of [repository, blob]) rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {number} port @param {string} [what] */
const ask = (port, what = "") =>
  fetch(`http://127.0.0.1:${port}/v2/${what}`, { signal: AbortSignal.timeout(3_000), redirect: "manual" });

/** @param {number} port @returns {Promise<boolean>} whether a registry listens there */
async function isRegistry(port) {
  try {
    const answer = await ask(port);
    // An unread body would keep the connection open.
    await answer.body?.cancel();
    return answer.headers.has("docker-distribution-api-version");
  } catch {
    return false;
  }
}

/** Whether anything listens there, even if it does not answer. @param {number} port @param {string} host */
export async function isTaken(port, host) {
  const why = await whyNoAnswer({ host, port }, 2_000);
  return why === undefined || why.startsWith("no answer");
}

/** @param {RegistryOptions} options @returns {Promise<RegistryStatus>} */
export async function registryUp({ cache = cacheDir(), port = registryPort(), program, engine }) {
  const dir = dirOf(cache, port);
  // `localhost` has two addresses. Some programs try ::1 first, but our registry listens only at 127.0.0.1.
  if (await isTaken(port, "::1")) throw new Error(portTaken(port, false));
  const isUp = () => isOurs(dir, port, engine);
  const isRunning = await isUp();
  const daemon = runningDaemon(dir);
  // After a bumped pin the binary has another path: restart.
  if (isRunning && (!daemon || engine || daemon.command[0] === program))
    return statusOf(dir, port, "running");
  if (!isRunning && (await isTaken(port, "127.0.0.1")))
    throw new Error(portTaken(port, await isRegistry(port)));
  if (daemon) await stopDaemon(dir);
  if (engine) await startContainer(engine, dir, port);
  else {
    if (!program) throw new Error("registryUp: a binary or a Docker engine is required");
    const storage = storageOf(dir);
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
  // By default, the registry's tracing exporter keeps calling localhost:4318.
  return Object.fromEntries([...entries, ["OTEL_TRACES_EXPORTER", "none"]]);
}

/** @param {number} port @param {boolean} registry */
function portTaken(port, registry) {
  const what = registry ? "a registry of another cache folder" : "another program";
  const airplay =
    process.platform === "darwin" && port === 5000
      ? " (on macOS usually the AirPlay receiver: System Settings, General, AirDrop & Handoff)"
      : "";
  return [
    `SLIPWAY_PORT_TAKEN: ${what} listens at localhost:${port}${airplay}, the embedded registry's port.`,
    `What you can do: stop it, or choose another port: SLIPWAY_REGISTRY_PORT=${port + 1}`,
  ].join("\n");
}

/** @param {import('./builder.mjs').DockerEngine} engine @param {string} dir @param {number} port */
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
export async function registryStatus({ cache = cacheDir(), port = registryPort(), engine } = {}) {
  const dir = dirOf(cache, port);
  return statusOf(dir, port, (await isOurs(dir, port, engine)) ? "running" : "stopped");
}

/** @param {RegistryOptions} [options] @returns {Promise<boolean>} whether it was running */
export async function registryDown({ cache = cacheDir(), port = registryPort(), engine } = {}) {
  const stopped = await stopDaemon(dirOf(cache, port));
  const removed = engine
    ? (await run(engine.docker, ["rm", "--force", containerOf(port)])).stdout.trim() !== ""
    : false;
  return stopped || removed;
}
