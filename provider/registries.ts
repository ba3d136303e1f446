import { z } from "zod";
import { environmentCredentials } from "../config/environment";
import type { FoundImage, RegistryState } from "../plan/registry-state";
import { Secret } from "../plan/secret";
import { RegistryClient } from "../registry/client";
import type { Credentials } from "../registry/credentials";
import { dockerCredentials } from "../registry/docker-config";
import { readImage } from "../registry/read-image";
import type { Connection } from "../registry/read-state";
import type { Properties } from "./properties";
import { parseInputs } from "./resource";

const registriesSchema = z.array(z.object({ host: z.string(), plainHttp: z.boolean() }));
const credentialsSchema = z.record(z.string(), z.object({ username: z.string(), password: z.string() }));
const configSchema = z.object({
  /** JSON, as the engine wants nested provider arguments. */
  registries: z.string().default("[]"),
  /** JSON: host -> username and password, from the stack's secret configuration. */
  credentials: z.string().default("{}"),
});

export interface ProviderConfig {
  readonly registries: readonly { readonly host: string; readonly plainHttp: boolean }[];
  readonly credentials: Readonly<Record<string, { readonly username: string; readonly password: string }>>;
}

export function parseProviderConfig(properties: Properties): ProviderConfig {
  const { registries, credentials } = parseInputs("slipway-registry provider", configSchema, properties);
  return {
    registries: registriesSchema.parse(JSON.parse(registries)),
    credentials: credentialsSchema.parse(JSON.parse(credentials)),
  };
}

/** Where in a registry something is: the client that speaks to it, and the path there. */
export interface Location {
  /** `host/path`. */
  readonly repository: string;
  readonly client: RegistryClient;
  readonly path: string;
}

/** The provider's connections, one client a host, and what the plan has already read. */
export class Registries {
  readonly #config: ProviderConfig;
  readonly #env: NodeJS.ProcessEnv;
  readonly #connections = new Map<string, Connection>();
  readonly #seen = new Map<string, FoundImage | undefined>();
  readonly #abort = new AbortController();

  constructor(config: ProviderConfig, env: NodeJS.ProcessEnv = process.env) {
    this.#config = config;
    this.#env = env;
  }

  connect(host: string): Connection {
    const known = this.#connections.get(host);
    if (known !== undefined) return known;
    const credentials = () => this.#credentials(host);
    const connection: Connection = {
      client: new RegistryClient({
        host,
        plainHttp: this.#config.registries.find((registry) => registry.host === host)?.plainHttp ?? false,
        credentials: async () => (await credentials())?.credentials,
        signal: this.#abort.signal,
      }),
      credentials,
    };
    this.#connections.set(host, connection);
    return connection;
  }

  /** @param repository `host/path` */
  at(repository: string): Location {
    const slash = repository.indexOf("/");
    const host = repository.slice(0, slash);
    return { repository, client: this.connect(host).client, path: repository.slice(slash + 1) };
  }

  /** What a tag points to now, asked of the registry. */
  async live(repository: string, tag: string): Promise<FoundImage | undefined> {
    const { client, path } = this.at(repository);
    const found = await readImage(client, path, tag, { statements: false });
    this.#seen.set(`${repository}:${tag}`, found);
    return found;
  }

  /** What the plan saw, which it read moments ago; asks only about what it did not look at. */
  async seen(repository: string, tag: string): Promise<FoundImage | undefined> {
    const key = `${repository}:${tag}`;
    return this.#seen.has(key) ? this.#seen.get(key) : this.live(repository, tag);
  }

  /** Keeps what was read for a plan, for the previews of single resources that follow. */
  remember(
    requests: readonly { readonly host: string; readonly path: string; readonly tags: readonly string[] }[],
    state: RegistryState,
  ): void {
    for (const { host, path, tags } of requests) {
      const read = state.repositories[`${host}/${path}`];
      if (read === undefined) continue;
      for (const tag of tags) this.#seen.set(`${host}/${path}:${tag}`, read.found[tag]);
    }
  }

  /** The engine wants to stop: requests under way end, and no new one starts. */
  cancel(): void {
    this.#abort.abort(new Error("cancelled"));
  }

  /** The environment first, then the stack's secret configuration, then the machine's Docker configuration. */
  async #credentials(
    host: string,
  ): Promise<{ readonly credentials: Credentials; readonly from: string } | undefined> {
    const fromEnvironment = environmentCredentials(host, this.#env);
    if (fromEnvironment !== undefined) return { credentials: fromEnvironment, from: "the environment" };
    const configured = this.#config.credentials[host];
    if (configured !== undefined) {
      const credentials = { username: configured.username, password: new Secret(configured.password) };
      return { credentials, from: "the stack's configuration" };
    }
    const fromDocker = await dockerCredentials(host, { environment: this.#env });
    return fromDocker === undefined ? undefined : { credentials: fromDocker, from: "Docker's configuration" };
  }
}
