import { z } from "zod";
import { normalizeHost } from "../plan/reference";
import { Secret } from "../plan/secret";
import type { Credentials } from "../registry/auth";
import { dockerCredentials } from "../registry/docker-config";
import type { FoundCredentials } from "../registry/read-state";
import { environmentCredentials, hubToken } from "../settings/environment";
import type { ProviderConfig } from "./provider-config";

/**
 * Finds the credentials for a registry: the environment first, then the stack's secret configuration, then the
 * machine's Docker configuration.
 */
export class CredentialFinder {
  readonly #config: ProviderConfig;
  readonly #env: NodeJS.ProcessEnv;
  readonly #asked = new Map<string, Promise<Credentials | undefined>>();

  constructor(config: ProviderConfig, env: NodeJS.ProcessEnv) {
    this.#config = config;
    this.#env = env;
  }

  async find(host: string): Promise<FoundCredentials | undefined> {
    const username = this.#username(host);
    const fromEnvironment = environmentCredentials(host, this.#env, {
      ...this.#config.environment,
      username,
    });
    if (fromEnvironment !== undefined) return { credentials: fromEnvironment, from: fromEnvironment.origin };
    const fromStack = this.#handedOver(host) ?? (await this.#askStack(host));
    if (fromStack !== undefined) {
      const place = this.#config.passwords?.[host];
      const from = place === undefined ? "the stack's configuration" : `the stack's slipway:${place.at}`;
      return { credentials: fromStack, from };
    }
    const fromDocker = await dockerCredentials(host, { environment: this.#env });
    if (fromDocker === undefined) return undefined;
    return { credentials: fromDocker, from: fromDocker.from ?? "Docker's configuration", isDockers: true };
  }

  /** For descriptions, which need more rights than a push: their own token if there is one, else what pushes. */
  async findForHub(host: string, namespace: string): Promise<Credentials | undefined> {
    const pushing = (await this.find(host))?.credentials;
    const token = hubToken(this.#env, this.#config.environment.prefix);
    if (token === undefined) return pushing;
    const pusher = pushing !== undefined && "username" in pushing ? pushing.username : undefined;
    return {
      username: token.username ?? this.#username(host) ?? pusher ?? namespace,
      password: token.password,
    };
  }

  #username(host: string): string | undefined {
    return this.#config.registries.find((registry) => registry.host === host)?.username;
  }

  #handedOver(host: string): Credentials | undefined {
    const found = this.#config.credentials[host];
    return found && { username: found.username, password: new Secret(found.password) };
  }

  /** Once for each host: it takes half a second. */
  #askStack(host: string): Promise<Credentials | undefined> {
    const { askStack, passwords = {} } = this.#config;
    const place = passwords[host];
    if (askStack === undefined || place === undefined) return Promise.resolve(undefined);
    const asked =
      this.#asked.get(host) ??
      stackPassword(askStack, { ...place, host }, this.#env).then(
        (password) => password && { username: place.username, password },
      );
    this.#asked.set(host, asked);
    return asked;
  }
}

const DEADLINE_MS = 30_000;

const registrySetting = z.object({
  objectValue: z.object({
    host: z.string(),
    // The engine reads a name of digits as a number.
    username: z.coerce.string(),
    password: z.string().min(1),
  }),
});

/** The registry and name that a password belongs to, and its place in the stack's configuration when that was recorded. */
export interface PasswordPlace {
  readonly host: string;
  readonly username: string;
  /** `registries[0].password` */
  readonly at: string;
}

/**
 * A password of the stack's secret configuration, by `pulumi config get`: a refresh runs no program that could hand it
 * over. Undefined if pulumi cannot read it (another configuration file, a passphrase that has to be typed), or if the
 * configuration has another registry at that place by now; the registry then answers that it requires one.
 */
export async function stackPassword(
  stack: string,
  place: PasswordPlace,
  environment: NodeJS.ProcessEnv,
): Promise<Secret | undefined> {
  const entry = `slipway:${place.at.replace(/\.password$/, "")}`;
  // Loaded here: it is an ES module, and slow to load.
  const { execa } = await import("execa");
  const args = ["config", "get", "--stack", stack, "--path", entry, "--json", "--non-interactive"];
  const result = await execa("pulumi", args, {
    env: environment,
    extendEnv: false,
    reject: false,
    stdin: "ignore",
    timeout: DEADLINE_MS,
  });
  if (result.exitCode !== 0) return undefined;
  try {
    const { objectValue: found } = registrySetting.parse(JSON.parse(result.stdout));
    const isSame =
      normalizeHost(found.host) === normalizeHost(place.host) && found.username === place.username;
    return isSame ? new Secret(found.password) : undefined;
  } catch {
    return undefined;
  }
}
