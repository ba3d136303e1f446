import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { reasonOf } from "../../src/plan/problem";
import { dockerEngine } from "../../toolchain/builder.mjs";
import { provideToolchain } from "../../toolchain/provide.mjs";
import { run } from "../../toolchain/run.mjs";
import { EVERY_CASE } from "./slices";

/** A real Docker engine: the machine's, or one of the test's own. */
export interface DockerEngine {
  /** For DOCKER_HOST. */
  readonly host: string;
  /** Calls its API. @example call("GET", "/containers/json") */
  call(method: "GET" | "DELETE", path: string): Promise<unknown>;
  /** Ends an engine of the test's own, and its containers. */
  stop(): Promise<void>;
}

/** Starts one where the machine has none, or says why this run goes without. The Docker provider's plugin comes with it. */
export async function startDockerEngine(): Promise<DockerEngine | string> {
  if (!EVERY_CASE) return "a Docker engine is for npm run test:all";
  try {
    const machine = await dockerEngine();
    if (machine?.desktop) return "Docker Desktop does not reach registries at this machine's localhost";
    if (machine === undefined && (process.platform !== "linux" || process.getuid?.() !== 0)) {
      return "no Docker engine answers, and to start one needs root on Linux";
    }
    const own = machine === undefined ? ["dockerd", "runc"] : [];
    const { bins } = await provideToolchain({ parts: ["docker", ...own] });
    if (machine === undefined) return await start(bins);
    const context = ["context", "inspect", machine.endpoint, "--format", "{{.Endpoints.docker.Host}}"];
    const host = (await run(machine.docker, context)).stdout.trim();
    if (!host.startsWith("unix://")) return `the Docker engine at ${host} may be another machine's`;
    return { host, call: caller(host), stop: async () => {} };
  } catch (error) {
    return reasonOf(error);
  }
}

async function start(bins: Readonly<Record<string, string>>): Promise<DockerEngine> {
  const dir = mkdtempSync(path.join(tmpdir(), "slipway-dockerd-"));
  const host = `unix://${path.join(dir, "docker.sock")}`;
  const options = {
    host,
    "data-root": path.join(dir, "data"),
    "exec-root": path.join(dir, "exec"),
    pidfile: path.join(dir, "dockerd.pid"),
    // Published ports go by docker-proxy, so that a machine without iptables will do.
    iptables: "false",
    ip6tables: "false",
    // A runc that is built from its Go module knows no seccomp.
    "seccomp-profile": "unconfined",
  };
  const { dockerd = "", runc = "" } = bins;
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const search = [path.dirname(dockerd), path.dirname(runc), process.env.PATH].join(path.delimiter);
  const child = spawn(dockerd, args, {
    env: { ...process.env, PATH: search },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (text) => {
    log += text;
  });
  const ended = new Promise((resolve) => child.once("close", resolve).once("error", resolve));
  const kill = () => child.kill("SIGTERM");
  process.once("exit", kill);
  const call = caller(host);
  const stop = async () => {
    process.off("exit", kill);
    kill();
    await ended;
    rmSync(dir, { recursive: true, force: true });
  };
  for (const end = Date.now() + 60_000; Date.now() < end && child.exitCode === null; await delay(100)) {
    const answers = await call("GET", "/version").then(
      () => true,
      () => false,
    );
    if (answers) return { host, call, stop };
  }
  await stop();
  throw new Error(`dockerd did not start:\n${log.split("\n").slice(-8).join("\n")}`);
}

function caller(host: string): DockerEngine["call"] {
  const socketPath = host.replace("unix://", "");
  return (method, what) =>
    new Promise((resolve, reject) => {
      const sent = request({ socketPath, method, path: what }, async (response) => {
        const chunks = await response.toArray();
        const text = Buffer.concat(chunks).toString("utf8");
        if ((response.statusCode ?? 500) < 300) resolve(text === "" ? undefined : JSON.parse(text));
        else reject(new Error(`${method} ${what} answered ${response.statusCode}: ${text}`));
      });
      sent.on("error", reject).end();
    });
}
