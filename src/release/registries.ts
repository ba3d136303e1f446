import type { Digest } from "../plan/digest";
import { ProblemError } from "../plan/problem";
import { isLoopbackHost } from "../plan/reference";
import type { FoundImage } from "../plan/registry-state";
import { RegistryClient } from "../registry/client";
import { RegistryError } from "../registry/errors";
import type { RequestEntry } from "../registry/http";
import { HubClient } from "../registry/hub";
import type { FetchedManifest } from "../registry/manifests";
import { QUICK, readImage } from "../registry/read-image";
import type { Connection } from "../registry/read-state";
import { Redactor, scrub } from "../registry/redact";
import { CredentialFinder } from "./credentials";
import type { ProviderConfig } from "./provider-config";

/** A repository, with the client for its registry. */
export interface Location {
  /** `host/path`. */
  readonly repository: string;
  readonly client: RegistryClient;
  readonly path: string;
}

/** The connections of one process, one client a host. */
export class Registries {
  /** Folder for diagnostics, relative to the project. */
  readonly artifacts: string | undefined;
  /** The last requests to any registry. */
  readonly requests = new RequestLog();
  readonly #config: ProviderConfig;
  readonly #credentials: CredentialFinder;
  readonly #connections = new Map<string, Connection>();
  readonly #hubs = new Map<string, HubClient>();
  readonly #abort = new AbortController();
  readonly #manifests = new Map<string, Promise<FetchedManifest | undefined>>();

  constructor(config: ProviderConfig, env: NodeJS.ProcessEnv = process.env) {
    this.#config = config;
    this.#credentials = new CredentialFinder(config, env);
    this.artifacts = config.artifacts;
  }

  connect(host: string): Connection {
    const known = this.#connections.get(host);
    if (known !== undefined) return known;
    const connection = { client: this.#client(host), credentials: () => this.#credentials.find(host) };
    this.#connections.set(host, connection);
    return connection;
  }

  /** For optional reads: does not wait for a registry that does not answer. */
  quickly(host: string): RegistryClient {
    return this.#client(host, QUICK);
  }

  #client(host: string, patience: Partial<typeof QUICK> = {}): RegistryClient {
    // Hosts that are only read from (bases, the registries of stage) need not be configured.
    const configured = this.#config.registries.find((registry) => registry.host === host);
    return new RegistryClient({
      host,
      ...patience,
      plainHttp: configured?.plainHttp ?? isLoopbackHost(host),
      credentials: async () => {
        const found = await this.#credentials.find(host);
        return found && { ...found.credentials, from: found.from };
      },
      signal: this.#abort.signal,
      onRequest: this.requests.add,
    });
  }

  /** @param repository `host/path` */
  at(repository: string): Location {
    const [host, path] = splitRepository(repository);
    return { repository, client: this.connect(host).client, path };
  }

  /** The client for a repository's description. @param repository `host/namespace/name` */
  hubAt(repository: string): { readonly hub: HubClient; readonly path: string } {
    const [host, path] = splitRepository(repository);
    const known = this.#hubs.get(host);
    if (known !== undefined) return { hub: known, path };
    const api = this.#config.registries.find((registry) => registry.host === host)?.hub;
    if (api === undefined) throw new Error(`${host} takes no descriptions: its registry has no \`hub\``);
    const hub = new HubClient({
      registry: host,
      api,
      credentials: () => this.#credentials.findForHub(host, path.split("/")[0] ?? ""),
      signal: this.#abort.signal,
      onRequest: this.requests.add,
    });
    this.#hubs.set(host, hub);
    return { hub, path };
  }

  /** What the registry says a tag points to now. */
  async live(repository: string, tag: string): Promise<FoundImage | undefined> {
    const { client, path } = this.at(repository);
    return readImage(client, path, tag, { statements: false });
  }

  /** Keeps a manifest that was verified in a repository, so that writing its tags does not read it again. */
  remember({ repository }: Location, manifest: FetchedManifest): void {
    this.#manifests.set(`${repository}@${manifest.descriptor.digest}`, Promise.resolve(manifest));
  }

  /** A repository's manifest, read once; undefined if the repository lacks it. */
  manifest({ repository, client, path }: Location, digest: Digest): Promise<FetchedManifest | undefined> {
    const key = `${repository}@${digest}`;
    const manifest = this.#manifests.get(key) ?? client.getManifest(path, digest);
    this.#manifests.set(key, manifest);
    return manifest;
  }

  /** Text without the credentials of these registries, and without anything that looks like a secret. */
  async redact(text: string): Promise<string> {
    const redactor = new Redactor();
    const hosts = new Set([...this.#config.registries.map(({ host }) => host), ...this.#connections.keys()]);
    for (const host of hosts) {
      const forHub = await this.#credentials.findForHub(host, "").catch(() => undefined);
      const pushing = await this.#credentials.find(host).catch(() => undefined);
      for (const known of [forHub, pushing?.credentials]) {
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

  /** Ends the requests under way; no new one starts. */
  cancel(): void {
    this.#abort.abort(new Error("cancelled"));
  }
}

function splitRepository(repository: string): [host: string, path: string] {
  const slash = repository.indexOf("/");
  return [repository.slice(0, slash), repository.slice(slash + 1)];
}

/** Enough for every part of one push. */
const KEPT_REQUESTS = 50;
const BODY_LIMIT = 2000;

/** The last requests to all registries, without headers and secrets, to explain a failure. */
class RequestLog {
  /** The oldest first. */
  readonly entries: RequestEntry[] = [];

  readonly add = (entry: RequestEntry): void => {
    this.entries.push({
      ...entry,
      path: scrub(entry.path),
      body: entry.body === undefined ? undefined : scrub(entry.body).slice(0, BODY_LIMIT),
    });
    if (this.entries.length > KEPT_REQUESTS) this.entries.shift();
  };
}

/**
 * Opens an upload in each repository and cancels it, which is the only way to check the right to push. Run this before
 * any build.
 *
 * @param repositories `host/path` each
 * @throws ProblemError with every repository that refuses
 */
export async function verifyPush(registries: Registries, repositories: readonly string[]): Promise<void> {
  const problems = await Promise.all(
    repositories.map(async (repository) => {
      const { client, path } = registries.at(repository);
      try {
        await client.verifyPush(path);
        return [];
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
        return [error.toProblem()];
      }
    }),
  );
  if (problems.flat().length > 0)
    throw new ProblemError("No right to push, so nothing was built:", problems.flat());
}
