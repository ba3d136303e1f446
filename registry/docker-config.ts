import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { normalizeHost } from "../plan/reference";
import { Secret } from "../plan/secret";
import { askHelper } from "./credential-helper";
import type { Credentials } from "./credentials";
import { RegistryError } from "./errors";

/** The key of Docker Hub in Docker's configuration, from the days of its first API. */
const DOCKER_HUB_KEY = "https://index.docker.io/v1/";
const LARGEST_CONFIG = 4 * 1024 * 1024;

export interface DockerConfigOptions {
  /** @default process.env */
  readonly environment?: NodeJS.ProcessEnv;
  /** For a credential helper. @default 30000 */
  readonly deadlineMs?: number;
}

/**
 * The machine's own credentials for a registry, as `docker login` left them: from `$DOCKER_CONFIG/config.json`, else
 * `~/.docker/config.json`; a helper for the host first, then the store for all, then the file itself, as Docker does.
 *
 * @param host as people write it: `ghcr.io`, `docker.io`
 * @returns undefined where there are none
 * @throws RegistryError `registry-credentials` for a file or helper that fails; no secret is in it.
 * @see https://docs.docker.com/reference/cli/docker/login/#credential-stores
 */
export async function dockerCredentials(
  host: string,
  options: DockerConfigOptions = {},
): Promise<Credentials | undefined> {
  const environment = options.environment ?? process.env;
  const registry = normalizeHost(host);
  const folder = environment.DOCKER_CONFIG || join(environment.HOME ?? homedir(), ".docker");
  const file = join(folder, "config.json");
  const config = await readConfig(registry, file);
  if (config === undefined) return undefined;

  const keys = registry === "docker.io" ? [DOCKER_HUB_KEY, "docker.io", "index.docker.io"] : [registry];
  const helpers = recordAt(config, "credHelpers");
  const store = Reflect.get(config, "credsStore");
  const stored = readStored(registry, file, recordAt(config, "auths"), keys);
  for (const key of keys) {
    const name = helpers[key];
    if (typeof name === "string" && name !== "") {
      const found = await askHelper(name, registry, key, { environment, deadlineMs: options.deadlineMs });
      return found ?? stored();
    }
  }
  if (typeof store === "string" && store !== "") {
    const server = keys[0] ?? registry;
    const found = await askHelper(store, registry, server, { environment, deadlineMs: options.deadlineMs });
    if (found !== undefined) return found;
  }
  return stored();
}

async function readConfig(registry: string, file: string): Promise<object | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw badConfig(registry, file, `cannot be read (${String(code)})`);
  }
  if (text.length > LARGEST_CONFIG) throw badConfig(registry, file, "is too large");
  if (text.trim() === "") return undefined;
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === "object" && json !== null) return json;
  } catch {
    // The parser's message would quote the file, which holds secrets.
  }
  throw badConfig(registry, file, "is no JSON object");
}

function badConfig(registry: string, file: string, what: string): RegistryError {
  return new RegistryError({
    code: "registry-credentials",
    registry,
    summary: `Docker's configuration ${file} ${what}`,
    hint: "Fix it, or let DOCKER_CONFIG name another folder.",
  });
}

function recordAt(config: object, name: string): Readonly<Record<string, unknown>> {
  const value: unknown = Reflect.get(config, name);
  return typeof value === "object" && value !== null ? { ...value } : {};
}

/** `https://ghcr.io/v2/` and `ghcr.io` are one server. */
function serverOf(key: string): string {
  return normalizeHost(key.replace(/^https?:\/\//, "").replace(/\/.*$/, ""));
}

/** What the file itself holds, read only when no helper answers. */
function readStored(
  registry: string,
  file: string,
  auths: Readonly<Record<string, unknown>>,
  keys: readonly string[],
): () => Credentials | undefined {
  return () => {
    const other = Object.keys(auths).find((key) => serverOf(key) === registry);
    const found = [...keys, ...(other === undefined ? [] : [other])].find((key) => auths[key] !== undefined);
    const entry = found === undefined ? undefined : auths[found];
    return typeof entry === "object" && entry !== null ? readEntry(registry, file, entry) : undefined;
  };
}

function readEntry(registry: string, file: string, entry: object): Credentials | undefined {
  const field = (name: string): string => {
    const value: unknown = Reflect.get(entry, name);
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
    throw badConfig(registry, file, `has an auth for ${registry} that is no base64 of "user:password"`);
  // Docker itself pads some passwords with zero bytes.
  const password = pair.slice(colon + 1).replace(/\0+$/, "");
  return password === "" ? undefined : { username: pair.slice(0, colon), password: new Secret(password) };
}
