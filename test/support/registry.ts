import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { stringify } from "yaml";
import { binary } from "./binaries";
import { startTokenServer, type TokenServer, type TokenServerOptions } from "./token-server";

/** Who may enter a registry with `auth: "htpasswd"` or `"token"`. */
export const TEST_USER = { username: "slipway", password: "correct horse" } as const;

/** bcrypt of `correct horse`, cost 4. */
const HTPASSWD = `${TEST_USER.username}:$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e\n`;

export interface LogEntry {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly status: number;
}

export interface RegistryOptions {
  /** @default "none" */
  readonly auth?: "none" | "htpasswd" | "token";
  /** For `auth: "token"`. */
  readonly tokens?: TokenServerOptions;
  /** Whether manifests can be deleted. @default true */
  readonly delete?: boolean;
  /** @default a free one */
  readonly port?: number;
  /** PEM files. @default plain HTTP */
  readonly tls?: { readonly certificate: string; readonly key: string };
}

export interface TestRegistry {
  /** `localhost:<port>`. */
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** Its storage and configuration, removed by `stop`. */
  readonly dir: string;
  /** With `auth: "token"`. */
  readonly tokenServer: TokenServer | undefined;
  /** Every request so far, in the order of their answers. */
  log(): Promise<LogEntry[]>;
  /** Requests so far that could have written: neither GET nor HEAD. */
  writes(): Promise<LogEntry[]>;
  /** `log` and `writes` start over. */
  forget(): Promise<void>;
  stop(): Promise<void>;
}

/** A free port, as far as one can know. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Deletes a tag or manifest, as a person or a clean-up would. @param repository `host/path` */
export async function deleteManifest(repository: string, reference: string): Promise<void> {
  const [host = "", ...path] = repository.split("/");
  const url = `http://${host}/v2/${path.join("/")}/manifests/${reference}`;
  const { status } = await fetch(url, { method: "DELETE" });
  if (status !== 202) throw new Error(`${url} answered ${status} to DELETE`);
}

/** Starts the real distribution registry on the loopback interface, with storage of its own. */
export async function startRegistry(options: RegistryOptions = {}): Promise<TestRegistry> {
  const dir = await mkdtemp(join(tmpdir(), "slipway-registry-"));
  const port = options.port ?? (await freePort());
  const tokenServer = options.auth === "token" ? await startTokenServer(options.tokens) : undefined;
  const file = join(dir, "config.yml");
  await writeFile(file, stringify(await configuration(dir, port, options, tokenServer)));

  const child = spawn(binary("registry"), ["serve", file], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, OTEL_TRACES_EXPORTER: "none", OTEL_SDK_DISABLED: "true" },
  });
  const output = collect(child);
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const stop = async () => {
    process.off("exit", kill);
    const gone = new Promise((resolve) => child.once("exit", resolve));
    if (child.exitCode === null && child.signalCode === null) {
      kill();
      await gone;
    }
    await tokenServer?.stop();
    await rm(dir, { recursive: true, force: true });
  };
  const url = `${options.tls === undefined ? "http" : "https"}://localhost:${port}`;
  try {
    await answers(url, child, output);
  } catch (error) {
    await stop();
    throw error;
  }
  let from = 0;
  const log = async () => {
    await flush(url, output);
    return output.entries.slice(from).filter(({ path }) => !path.includes(MARKER));
  };
  return {
    host: `localhost:${port}`,
    port,
    url,
    dir,
    tokenServer,
    log,
    writes: async () => (await log()).filter(({ method }) => method !== "GET" && method !== "HEAD"),
    async forget() {
      await flush(url, output);
      from = output.entries.length;
    },
    stop,
  };
}

async function configuration(
  dir: string,
  port: number,
  options: RegistryOptions,
  tokenServer: TokenServer | undefined,
): Promise<object> {
  const { tls } = options;
  return {
    version: "0.1",
    log: { level: "error", accesslog: { disabled: false } },
    storage: {
      filesystem: { rootdirectory: join(dir, "storage") },
      delete: { enabled: options.delete ?? true },
      maintenance: { uploadpurging: { enabled: false } },
    },
    http: {
      addr: `127.0.0.1:${port}`,
      secret: "the same on every start, so that uploads survive one",
      ...(tls === undefined ? {} : { tls: { certificate: tls.certificate, key: tls.key } }),
    },
    ...(await authentication(dir, options, tokenServer)),
  };
}

async function authentication(dir: string, options: RegistryOptions, tokenServer: TokenServer | undefined) {
  if (options.auth === "htpasswd") {
    const path = join(dir, "htpasswd");
    await writeFile(path, HTPASSWD);
    return { auth: { htpasswd: { realm: "slipway-test", path } } };
  }
  if (tokenServer === undefined) return {};
  const jwks = join(dir, "jwks.json");
  await writeFile(jwks, tokenServer.jwks);
  const { realm, service, issuer } = tokenServer;
  return { auth: { token: { realm, service, issuer, jwks } } };
}

interface Output {
  readonly entries: LogEntry[];
  readonly errors: string[];
}

/** Reads the access log in Apache's combined format. */
function collect(child: ChildProcess): Output {
  const output: Output = { entries: [], errors: [] };
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on("line", (line) => {
      const match = /"([A-Z]+) (\S+) HTTP\/[\d.]+" (\d{3}) /.exec(line);
      const [, method, path, status] = match ?? [];
      if (method && path && status) output.entries.push({ method, path, status: Number(status) });
      else output.errors.push(line);
    });
  }
  return output;
}

const MARKER = "slipway-marker";

function ask(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const send = url.startsWith("https:") ? requestHttps : requestHttp;
    const request = send(url, { rejectUnauthorized: false, agent: false }, (response) => {
      response.resume().on("end", resolve);
    });
    request.on("error", reject).end();
  });
}

async function answers(url: string, child: ChildProcess, output: Output): Promise<void> {
  for (const end = Date.now() + 20_000; Date.now() < end; await delay(25)) {
    if (child.exitCode !== null) break;
    const ready = await ask(`${url}/v2/?${MARKER}=ready`).then(
      () => true,
      () => false,
    );
    if (ready) return;
  }
  throw new Error(`the registry did not start:\n${output.errors.slice(-20).join("\n")}`);
}

/** The log is written after an answer: once a marker's own line is there, so are those before it. */
async function flush(url: string, output: Output): Promise<void> {
  const marker = `${MARKER}=${randomUUID()}`;
  await ask(`${url}/v2/?${marker}`);
  for (const end = Date.now() + 5_000; Date.now() < end; await delay(5)) {
    if (output.entries.some(({ path }) => path.includes(marker))) return;
  }
  throw new Error("the registry's access log does not move");
}
