import type { Digest } from "../plan/digest";
import { isLoopbackHost } from "../plan/reference";
import type { FoundImage } from "../plan/registry-state";
import { Secret } from "../plan/secret";
import type { Credentials } from "../registry/auth";
import { RegistryClient } from "../registry/client";
import { dockerCredentials } from "../registry/docker-config";
import { HubClient } from "../registry/hub";
import type { FetchedManifest } from "../registry/manifests";
import { QUICK, readImage } from "../registry/read-image";
import type { Connection, FoundCredentials } from "../registry/read-state";
import { Redactor, scrub } from "../registry/redact";
import { environmentCredentials, hubToken } from "../settings/environment";
import { RequestLog } from "./request-log";
import type { SigningConfig } from "./signing";
import { stackPassword } from "./stack-password";

export interface ProviderConfig {
  readonly registries: readonly ProviderRegistry[];
  readonly credentials: Readonly<Record<string, { readonly username: string; readonly password: string }>>;
  /** Host -> where the stack's configuration has its password. @default none */
  readonly passwords?: Readonly<Record<string, { readonly username: string; readonly at: string }>>;
  /** The stack to ask for these, if they were not handed over. @default they were */
  readonly askStack?: string;
  /** How the environment's credentials are to be read. */
  readonly environment: EnvironmentReading;
  /** How releases are signed. @default not at all */
  readonly signing?: SigningConfig;
  /** Folder for diagnostics, relative to the project. @default none are written */
  readonly artifacts?: string | undefined;
  /** Where the program is asked what it declares. @default it declares nothing */
  readonly handover?: string | undefined;
}

export interface ProviderRegistry {
  readonly host: string;
  readonly plainHttp: boolean;
  /** The stack's name for a password that comes from elsewhere. */
  readonly username?: string | undefined;
  /** Where descriptions of its repositories go: `https://hub.docker.com`. */
  readonly hub?: string | undefined;
}

export interface EnvironmentReading {
  /** Variables with this prefix come first. */
  readonly prefix?: string | undefined;
  /** The host that CI_REGISTRY_USERNAME and CI_REGISTRY_PASSWORD belong to where CI_REGISTRY does not say. */
  readonly ciRegistry?: string | undefined;
}

/** Without configuration: credentials come from the environment and Docker's configuration only. */
export const NO_CONFIG: ProviderConfig = { registries: [], credentials: {}, environment: {} };

/** Where in a registry something is: the client that speaks to it, and the path there. */
export interface Location {
  /** `host/path`. */
  readonly repository: string;
  readonly client: RegistryClient;
  readonly path: string;
}

/** The provider's connections, one client a host. */
export class Registries {
  readonly #config: ProviderConfig;
  readonly #env: NodeJS.ProcessEnv;
  readonly #connections = new Map<string, Connection>();
  readonly #hubs = new Map<string, HubClient>();
  readonly #asked = new Map<string, Promise<Credentials | undefined>>();
  readonly #abort = new AbortController();
  readonly #manifests = new Map<string, Promise<FetchedManifest | undefined>>();
  /** The last requests to any of them. */
  readonly requests = new RequestLog();

  constructor(config: ProviderConfig, env: NodeJS.ProcessEnv = process.env) {
    this.#config = config;
    this.#env = env;
  }

  connect(host: string): Connection {
    const known = this.#connections.get(host);
    if (known !== undefined) return known;
    const connection: Connection = { client: this.#client(host), credentials: () => this.#credentials(host) };
    this.#connections.set(host, connection);
    return connection;
  }

  /** For what a release can do without: a registry that does not answer is not waited for. */
  quickly(host: string): RegistryClient {
    return this.#client(host, QUICK);
  }

  #client(host: string, patience: Partial<typeof QUICK> = {}): RegistryClient {
    return new RegistryClient({
      host,
      ...patience,
      // Hosts that are only read from (bases, the registries of stage) need not be configured.
      plainHttp:
        this.#config.registries.find((registry) => registry.host === host)?.plainHttp ?? isLoopbackHost(host),
      credentials: async () => {
        const found = await this.#credentials(host);
        return found === undefined ? undefined : { ...found.credentials, from: found.from };
      },
      signal: this.#abort.signal,
      onRequest: this.requests.add,
    });
  }

  /** @param repository `host/path` */
  at(repository: string): Location {
    const slash = repository.indexOf("/");
    const host = repository.slice(0, slash);
    return { repository, client: this.connect(host).client, path: repository.slice(slash + 1) };
  }

  /** Where the description of a repository is. @param repository `host/namespace/name` */
  hubAt(repository: string): { readonly hub: HubClient; readonly path: string } {
    const slash = repository.indexOf("/");
    const host = repository.slice(0, slash);
    const path = repository.slice(slash + 1);
    const known = this.#hubs.get(host);
    if (known !== undefined) return { hub: known, path };
    const api = this.#config.registries.find((registry) => registry.host === host)?.hub;
    if (api === undefined) throw new Error(`${host} takes no descriptions: its registry has no \`hub\``);
    const credentials = () => this.#hubCredentials(host, path.split("/")[0] ?? "");
    const hub = new HubClient({
      registry: host,
      api,
      credentials,
      signal: this.#abort.signal,
      onRequest: this.requests.add,
    });
    this.#hubs.set(host, hub);
    return { hub, path };
  }

  /** What a tag points to now, asked of the registry. */
  async live(repository: string, tag: string): Promise<FoundImage | undefined> {
    const { client, path } = this.at(repository);
    return readImage(client, path, tag, { statements: false });
  }

  /** Remembers content that was verified in a repository, so that its tags are written without reading it again. */
  remember({ repository }: Location, manifest: FetchedManifest): void {
    this.#manifests.set(`${repository}@${manifest.descriptor.digest}`, Promise.resolve(manifest));
  }

  /** A manifest that a repository holds, read once; undefined if it does not. */
  manifest({ repository, client, path }: Location, digest: Digest): Promise<FetchedManifest | undefined> {
    const key = `${repository}@${digest}`;
    const manifest = this.#manifests.get(key) ?? client.getManifest(path, digest);
    this.#manifests.set(key, manifest);
    return manifest;
  }

  /** Folder for diagnostics, relative to the project. */
  get artifacts(): string | undefined {
    return this.#config.artifacts;
  }

  /** A text of others without the credentials of any configured registry, and without what looks like some. */
  async redact(text: string): Promise<string> {
    const redactor = new Redactor();
    const hosts = [
      ...new Set([...this.#config.registries.map(({ host }) => host), ...this.#connections.keys()]),
    ];
    for (const host of hosts) {
      const found = await this.#hubCredentials(host, "").catch(() => undefined);
      const pushing = (await this.#credentials(host).catch(() => undefined))?.credentials;
      for (const known of [found, pushing]) {
        if (known === undefined) continue;
        if ("identityToken" in known) redactor.hide(known.identityToken.reveal());
        else {
          redactor.hide(known.password.reveal());
          redactor.hide(`${known.username}:${known.password.reveal()}`);
        }
      }
    }
    return scrub(redactor.redact(text));
  }

  /** The engine wants to stop: requests under way end, and no new one starts. */
  cancel(): void {
    this.#abort.abort(new Error("cancelled"));
  }

  /** The environment first, then the stack's secret configuration, then the machine's Docker configuration. */
  async #credentials(host: string): Promise<FoundCredentials | undefined> {
    const fromEnvironment = this.#environmentCredentials(host);
    if (fromEnvironment !== undefined) return { credentials: fromEnvironment, from: fromEnvironment.origin };
    const configured = this.#config.credentials[host];
    if (configured !== undefined) {
      const credentials = { username: configured.username, password: new Secret(configured.password) };
      return { credentials, from: this.#stackSource(host) };
    }
    const asked = await this.#askStack(host);
    if (asked !== undefined) return { credentials: asked, from: this.#stackSource(host) };
    const fromDocker = await dockerCredentials(host, { environment: this.#env });
    if (fromDocker === undefined) return undefined;
    return { credentials: fromDocker, from: fromDocker.from ?? "Docker's configuration", isDockers: true };
  }

  #stackSource(host: string): string {
    const place = this.#config.passwords?.[host];
    return place === undefined ? "the stack's configuration" : `the stack's slipway:${place.at}`;
  }

  /** Once for each host: it takes half a second. */
  #askStack(host: string): Promise<Credentials | undefined> {
    const { askStack, passwords = {} } = this.#config;
    const place = passwords[host];
    if (askStack === undefined || place === undefined) return Promise.resolve(undefined);
    const asked =
      this.#asked.get(host) ??
      stackPassword(askStack, { ...place, host }, this.#env).then((password) =>
        password === undefined ? undefined : { username: place.username, password },
      );
    this.#asked.set(host, asked);
    return asked;
  }

  /** A token of its own for descriptions, which need more rights than a push; else what pushes. */
  async #hubCredentials(host: string, namespace: string): Promise<Credentials | undefined> {
    const pushing = (await this.#credentials(host))?.credentials;
    const token = hubToken(this.#env, this.#config.environment.prefix);
    if (token === undefined) return pushing;
    const named = pushing !== undefined && "username" in pushing ? pushing.username : undefined;
    return {
      username: token.username ?? this.#username(host) ?? named ?? namespace,
      password: token.password,
    };
  }

  #username(host: string): string | undefined {
    return this.#config.registries.find((registry) => registry.host === host)?.username;
  }

  #environmentCredentials(host: string) {
    const { prefix, ciRegistry } = this.#config.environment;
    const username = this.#username(host);
    return environmentCredentials(host, this.#env, {
      ...(prefix === undefined ? {} : { prefix }),
      ...(ciRegistry === undefined ? {} : { ciRegistry }),
      ...(username === undefined ? {} : { username }),
    });
  }
}
