import { apiHost, normalizeHost } from "../plan/reference";
import { type CredentialsSource, type Grant, parseChallenges, pushScope, readPushGrant } from "./auth";
import * as blobs from "./blobs";
import { checkDigest, checkReference, checkRepository, checkTag, RegistryError } from "./errors";
import type { Descriptor } from "./manifests";
import * as manifests from "./manifests";
import { type RepositoryApi, Transport, type TransportOptions } from "./transport";

export interface RegistryClientOptions
  extends Pick<
    TransportOptions,
    "deadlineMs" | "attempts" | "signal" | "onRequest" | "clock" | "dispatcher"
  > {
  /** `ghcr.io`, `docker.io`, `localhost:5000`. */
  readonly host: string;
  /** HTTP without TLS. @default false */
  readonly plainHttp?: boolean;
  /** @default anonymous */
  readonly credentials?: CredentialsSource;
}

/** A repository: its path, and the client of its registry. */
export interface RepositoryAt {
  readonly client: RegistryClient;
  readonly repository: string;
}

/**
 * One registry's distribution API. Every method checks names before it sends anything, and can throw `RegistryError`.
 * Idle connections do not keep the process alive.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
 */
export class RegistryClient {
  /** Normalised: `docker.io` for every name of Docker Hub. */
  readonly host: string;
  readonly #transport: Transport;

  constructor(options: RegistryClientOptions) {
    this.host = normalizeHost(options.host);
    const plainHttp = options.plainHttp ?? false;
    this.#transport = new Transport({
      ...options,
      host: this.host,
      origin: `${plainHttp ? "http" : "https"}://${apiHost(options.host)}`,
      credentials: options.credentials ?? (async () => undefined),
    });
  }

  /** False once the registry has answered that it has no referrers API. Then only fallback tags list referrers. */
  get mayHaveReferrers(): boolean {
    return this.#transport.mayHaveReferrers;
  }

  /** How the registry authenticates requests. Sends no credentials. */
  async ping(): Promise<{ auth: "none" | "basic" | "bearer" }> {
    const answer = await this.#transport.plain("/v2/");
    await answer.discard();
    if (answer.status === 200) return { auth: "none" };
    const schemes = parseChallenges(answer.header("www-authenticate") ?? "").map(({ scheme }) => scheme);
    if (schemes.includes("bearer")) return { auth: "bearer" };
    if (schemes.includes("basic")) return { auth: "basic" };
    throw answer.bad("401 and no challenge that Slipway supports (basic, bearer)");
  }

  /** What a tag or digest points to; undefined where there is nothing. */
  async headManifest(repository: string, reference: string): Promise<Descriptor | undefined> {
    return manifests.head(this.#at(repository), checkReference(this.host, reference));
  }

  /** A manifest of at most 4 MiB, its digest verified; undefined where there is nothing. */
  async getManifest(repository: string, reference: string): Promise<manifests.FetchedManifest | undefined> {
    return manifests.get(this.#at(repository), checkReference(this.host, reference));
  }

  /** Writes a manifest under a tag or its digest, and verifies the digest in the answer. */
  async putManifest(
    repository: string,
    reference: string,
    bytes: Uint8Array,
    mediaType: string,
  ): Promise<Descriptor> {
    return (await this.pushManifest(repository, reference, bytes, mediaType)).descriptor;
  }

  /** `putManifest` that also returns whether the registry lists the manifest as a referrer of its subject. */
  async pushManifest(
    repository: string,
    reference: string,
    bytes: Uint8Array,
    mediaType: string,
  ): Promise<manifests.PushedManifest> {
    return manifests.put(this.#at(repository), checkReference(this.host, reference), bytes, mediaType);
  }

  /**
   * Deletes a tag; false where there is none. Some registries delete its manifest too: see `tryTagDeletion`.
   *
   * @throws RegistryError `registry-unsupported` if the registry deletes by digest only, or not at all
   */
  async deleteTag(repository: string, tag: string): Promise<boolean> {
    return manifests.remove(this.#at(repository), checkTag(this.host, tag));
  }

  /** Deletes a manifest, and with it every tag that points to it; false where there is none. */
  async deleteManifest(repository: string, digest: string): Promise<boolean> {
    return manifests.remove(this.#at(repository), this.#digest(digest));
  }

  /** All tags, in the registry's order; none for a repository that does not exist. */
  async listTags(repository: string): Promise<string[]> {
    return manifests.listTags(this.#at(repository));
  }

  async headBlob(repository: string, digest: string): Promise<{ size: number } | undefined> {
    return blobs.head(this.#at(repository), this.#digest(digest));
  }

  /** A blob's bytes, verified; undefined where there is none. @throws RegistryError `registry-too-large` */
  async getBlob(
    repository: string,
    digest: string,
    limit = blobs.BLOB_LIMIT,
  ): Promise<Uint8Array | undefined> {
    return blobs.get(this.#at(repository), this.#digest(digest), limit);
  }

  /**
   * A blob as a stream. Its end throws `registry-digest-mismatch` if the bytes do not match the digest. The caller must
   * retry a broken connection, and must read to the end or leave the loop.
   */
  async getBlobStream(repository: string, digest: string): Promise<blobs.BlobStream | undefined> {
    return blobs.stream(this.#at(repository), this.#digest(digest));
  }

  /** Uploads bytes that the repository does not have. */
  async putBlob(repository: string, bytes: Uint8Array): Promise<blobs.UploadedBlob> {
    return blobs.put(this.#at(repository), bytes);
  }

  /**
   * Uploads a stream, whether or not the blob exists. `open` is called for each attempt, since a broken upload starts
   * over.
   */
  async putBlobStream(
    repository: string,
    blob: { readonly digest: string; readonly size: number },
    open: () => Promise<AsyncIterable<Uint8Array>>,
  ): Promise<void> {
    return blobs.putStream(this.#at(repository), this.#digest(blob.digest), blob.size, open);
  }

  /** Mounts a blob of another repository of the same registry; false where the registry refuses. */
  async mountBlob(repository: string, digest: string, from: string): Promise<boolean> {
    return blobs.mount(this.#at(repository), this.#digest(digest), checkRepository(this.host, from));
  }

  /**
   * What refers to a manifest (signatures, attestations), without repeats, sorted by digest: from the referrers API, or
   * from the fallback tag `sha256-<hex>` where there is none.
   */
  async referrers(repository: string, digest: string, artifactType?: string): Promise<Descriptor[]> {
    return manifests.listReferrers(this.#at(repository), this.#digest(digest), artifactType);
  }

  /** Checks push rights by starting an upload and cancelling it. */
  async verifyPush(repository: string): Promise<void> {
    return blobs.verifyPush(this.#at(repository));
  }

  /**
   * Whether the token service grants push rights, without a request that could write. `unknown` where tokens cannot be
   * read (GHCR's) or there are none (basic, anonymous).
   */
  async pushGrant(repository: string): Promise<Grant> {
    const scope = pushScope(checkRepository(this.host, repository));
    const answer = await this.#transport.plain("/v2/");
    await answer.discard();
    if (answer.status === 200) return "unknown";
    const challenge = answer.header("www-authenticate");
    try {
      const token = await this.#transport.retrying(() => this.#transport.auth.freshToken(challenge, [scope]));
      return token === undefined ? "unknown" : readPushGrant(token, repository);
    } catch (error) {
      if (error instanceof RegistryError && error.code === "registry-forbidden") return "denied";
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  #at(repository: string): RepositoryApi {
    return { transport: this.#transport, repository: checkRepository(this.host, repository) };
  }

  #digest(digest: string) {
    return checkDigest(this.host, digest);
  }
}
