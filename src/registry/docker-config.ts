import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { isRecord, parseJson } from "../plan/record";
import { normalizeHost } from "../plan/reference";
import { Secret } from "../plan/secret";
import type { Credentials } from "./auth";
import { RegistryError } from "./errors";
import { oneLine } from "./redact";

/** Docker Hub's key in Docker's configuration: the address of its first API. */
const DOCKER_HUB_KEY = "https://index.docker.io/v1/";
const LARGEST_CONFIG = 4 * 1024 * 1024;

interface DockerConfigOptions {
  /** @default process.env */
  readonly environment?: NodeJS.ProcessEnv;
  /** How long a credential helper may take. @default 30000 */
  readonly deadlineMs?: number;
}

const AUTH_VARIABLE = "DOCKER_AUTH_CONFIG";

/**
 * The credentials that `docker login` stored for a registry, in Docker's order: DOCKER_AUTH_CONFIG, a helper for the
 * host, the store for all hosts, `config.json` itself.
 *
 * @param host `ghcr.io`, `docker.io`
 * @throws RegistryError `registry-credentials`, without secrets
 * @see https://docs.docker.com/reference/cli/docker/login/#credential-stores
 */
export async function dockerCredentials(
  host: string,
  options: DockerConfigOptions = {},
): Promise<Credentials | undefined> {
  const { environment = process.env, deadlineMs = DEADLINE_MS } = options;
  const registry = normalizeHost(host);
  const keys = registry === "docker.io" ? [DOCKER_HUB_KEY, "docker.io", "index.docker.io"] : [registry];
  const inVariable = readVariable(registry, environment[AUTH_VARIABLE], keys);
  if (inVariable !== undefined) return inVariable;

  const folder = environment.DOCKER_CONFIG || join(environment.HOME ?? homedir(), ".docker");
  const file = join(folder, "config.json");
  const config = await readConfig(registry, file, environment.DOCKER_CONFIG);
  if (config === undefined) return undefined;

  const helpers = isRecord(config.credHelpers) ? config.credHelpers : {};
  const store = config.credsStore;
  const stored = () => readStored(registry, file, config.auths, keys);
  const ask = async (name: string, key: string): Promise<Credentials | undefined> => {
    const found = await askHelper(name, registry, key, environment, deadlineMs);
    return found === undefined
      ? undefined
      : { ...found, from: `docker-credential-${name}, named in ${file}` };
  };
  for (const key of keys) {
    const name = helpers[key];
    if (typeof name === "string" && name !== "") return (await ask(name, key)) ?? stored();
  }
  if (typeof store === "string" && store !== "") {
    const found = await ask(store, keys[0] ?? registry);
    if (found !== undefined) return found;
  }
  return stored();
}

/** The variable holds the text of a `config.json`. */
function readVariable(
  registry: string,
  text: string | undefined,
  keys: readonly string[],
): Credentials | undefined {
  if (text === undefined || text.trim() === "") return undefined;
  const json = parseJson(Buffer.from(text));
  if (isRecord(json)) return readStored(registry, AUTH_VARIABLE, json.auths, keys);
  throw new RegistryError({
    code: "registry-credentials",
    registry,
    summary: `the environment variable ${AUTH_VARIABLE} is not a JSON object`,
    hint: 'Set it to the text of a config.json, {"auths": {…}}, not to a file name or base64.',
  });
}

async function readConfig(
  registry: string,
  file: string,
  folder: string | undefined,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || (code === "ENOTDIR" && !folder)) return undefined;
    if (code === "ENOTDIR") {
      throw new RegistryError({
        code: "registry-credentials",
        registry,
        summary: `DOCKER_CONFIG is ${folder}, which is a file`,
        hint: `Set it to the folder of config.json: DOCKER_CONFIG=${dirname(folder ?? "")}`,
      });
    }
    throw badConfig(registry, file, `cannot be read (${String(code)})`);
  }
  if (text.length > LARGEST_CONFIG) throw badConfig(registry, file, "is too large");
  if (text.trim() === "") return undefined;
  const json = parseJson(Buffer.from(text));
  if (isRecord(json)) return json;
  throw badConfig(registry, file, "is not a JSON object");
}

function badConfig(registry: string, file: string, what: string): RegistryError {
  return new RegistryError({
    code: "registry-credentials",
    registry,
    summary: `Docker's configuration ${file} ${what}`,
    hint: "Fix the file, or point DOCKER_CONFIG to another folder.",
  });
}

/** `ghcr.io` for `https://ghcr.io/v2/`. */
function serverOf(key: string): string {
  return normalizeHost(key.replace(/^https?:\/\//, "").replace(/\/.*$/, ""));
}

/** The first entry for the registry that has credentials. Helpers leave empty ones, under any spelling of its name. */
function readStored(
  registry: string,
  file: string,
  auths: unknown,
  keys: readonly string[],
): Credentials | undefined {
  if (!isRecord(auths)) return undefined;
  const others = Object.keys(auths).filter((key) => serverOf(key) === registry);
  for (const key of new Set([...keys, ...others])) {
    const found = readEntry(registry, file, auths[key]);
    if (found !== undefined) return { ...found, from: file };
  }
  return undefined;
}

function readEntry(registry: string, file: string, entry: unknown): Credentials | undefined {
  if (!isRecord(entry)) return undefined;
  const field = (name: string): string => {
    const value = entry[name];
    return typeof value === "string" ? value : "";
  };
  const identityToken = field("identitytoken");
  if (identityToken !== "") return { identityToken: new Secret(identityToken) };
  if (field("auth") === "") {
    const [username, password] = [field("username"), field("password")];
    return username === "" || password === "" ? undefined : { username, password: new Secret(password) };
  }
  const pair = Buffer.from(field("auth"), "base64").toString("utf8");
  const colon = pair.indexOf(":");
  if (colon < 1)
    throw badConfig(registry, file, `has an auth for ${registry} that is not base64 of "user:password"`);
  // Docker pads some passwords with zero bytes.
  const password = pair.slice(colon + 1).replace(/\0+$/, "");
  return password === "" ? undefined : { username: pair.slice(0, colon), password: new Secret(password) };
}

/** Helpers may call a cloud service. */
const DEADLINE_MS = 30_000;
/** The username with which a helper marks an identity token. */
const TOKEN_USERNAME = "<token>";
const NOT_FOUND = /credentials not found|no credentials server URL|not logged in/i;

/**
 * Runs `docker-credential-<name> get`; undefined where the helper has no credentials for the server.
 *
 * @throws RegistryError `registry-credentials`, without the helper's standard output, which can hold secrets
 * @see https://github.com/docker/docker-credential-helpers
 */
async function askHelper(
  name: string,
  registry: string,
  server: string,
  environment: NodeJS.ProcessEnv,
  deadlineMs: number,
): Promise<Credentials | undefined> {
  const program = `docker-credential-${name}`;
  const failure = (what: string, hint: string) =>
    new RegistryError({
      code: "registry-credentials",
      registry,
      summary: `${program}, which Docker's configuration names for ${registry}, ${what}`,
      hint,
    });
  // The name becomes part of a program's name, so it must not hold a path or an option.
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) {
    throw failure("has no valid name", "Fix credsStore or credHelpers in Docker's config.json.");
  }
  // Loaded on demand: it is an ES module, and slow to load.
  const { execa } = await import("execa");
  const running = execa(program, ["get"], {
    input: server,
    env: environment,
    extendEnv: false,
    reject: false,
    maxBuffer: 1024 * 1024,
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    running.kill("SIGKILL");
    // Child processes of the helper can keep these open.
    running.stdout?.destroy();
    running.stderr?.destroy();
  }, deadlineMs);
  const result = await running.finally(() => clearTimeout(timer));
  if (late) {
    throw failure(
      `did not answer within ${deadlineMs / 1000} s`,
      "It may be waiting until a keychain is unlocked.",
    );
  }
  if (result.code === "ENOENT") {
    throw failure("is not installed", "Install it, or remove it from Docker's config.json and log in again.");
  }
  if (result.exitCode !== 0) {
    const said = oneLine(`${result.stdout} ${result.stderr}`);
    if (NOT_FOUND.test(said)) return undefined;
    const why =
      result.exitCode === undefined ? oneLine(result.shortMessage ?? "") : `exit code ${result.exitCode}`;
    // Standard error only: standard output can hold secrets.
    const error = oneLine(result.stderr, 200);
    throw failure(`failed: ${why}${error === "" ? "" : `: ${error}`}`, "Try `docker login` again.");
  }
  return readAnswer(result.stdout, () =>
    failure("did not print credentials", "It must print JSON with Username and Secret."),
  );
}

function readAnswer(output: string, failure: () => RegistryError): Credentials | undefined {
  const json = parseJson(Buffer.from(output));
  const { Username: username, Secret: secret } = isRecord(json) ? json : {};
  if (typeof username !== "string" || typeof secret !== "string") throw failure();
  if (secret === "") return undefined;
  return username === TOKEN_USERNAME
    ? { identityToken: new Secret(secret) }
    : { username, password: new Secret(secret) };
}
