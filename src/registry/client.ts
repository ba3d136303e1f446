import { apiHost, normalizeHost } from "../plan/reference";
import type { CredentialsSource } from "./auth";
import * as blobs from "./blob-calls";
import { type Action, type Grant, parseChallenges, pullScope, pushScope, readGrant } from "./challenge";
import { checkDigest, checkReference, checkRepository, checkTag, RegistryError } from "./errors";
import { listReferrers, listTags } from "./lists";
import type { Descriptor } from "./manifest";
import * as manifests from "./manifest-calls";
import { type RepositoryApi, Transport, type TransportOptions } from "./transport";

export type { Credentials, CredentialsSource } from "./auth";
export type { RequestEntry } from "./http";

export interface RegistryClientOptions
  extends Pick<
    TransportOptions,
    "deadlineMs" | "attempts" | "signal" | "onRequest" | "clock" | "dispatcher"
  > {
  /** As people write it: `ghcr.io`, `docker.io`, `localhost:5000`. */
  readonly host: string;
  /** HTTP without TLS. @default false */
  readonly plainHttp?: boolean;
  /** @default anonymous */
  readonly credentials?: CredentialsSource;
}

/** A repository, by its path, and the client of its registry. */
export interface RepositoryAt {
  readonly client: RegistryClient;
  readonly repository: string;
}

/**
 * One registry's distribution API. Every method can throw `RegistryError`; names are checked before anything is sent.
 * Connections are kept alive and shared; idle ones do not keep the process alive.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
 */
export class RegistryClient {
  /** Normalised: any of Docker Hub's names is `docker.io`. */
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

  /** False once the registry has answered that it has no referrers API: then only fallback tags list referrers. */
  get mayHaveReferrers(): boolean {
    return this.#transport.mayHaveReferrers;
  }

  /** Whether the registry answers, and how it authenticates callers. Sends no credentials. */
  async ping(): Promise<{ auth: "none" | "basic" | "bearer" }> {
    const answer = await this.#transport.plain("/v2/");
    await answer.discard();
    if (answer.status === 200) return { auth: "none" };
    const schemes = parseChallenges(answer.header("www-authenticate") ?? "").map(({ scheme }) => scheme);
    if (schemes.includes("bearer")) return { auth: "bearer" };
    if (schemes.includes("basic")) return { auth: "basic" };
    throw answer.bad("401 and no way to authenticate that Slipway knows (basic, bearer)");
  }

  /** What a tag or digest points to, without its bytes; `undefined` where there is nothing. */
  async headManifest(repository: string, reference: string): Promise<Descriptor | undefined> {
    return manifests.head(this.#at(repository), this.#reference(reference));
  }

  /** A manifest of at most 4 MiB, its digest verified against the bytes; `undefined` where there is nothing. */
  async getManifest(repository: string, reference: string): Promise<manifests.FetchedManifest | undefined> {
    return manifests.get(this.#at(repository), this.#reference(reference));
  }

  /** Writes a manifest under a tag or its own digest, and verifies the digest that the registry answers. */
  async putManifest(
    repository: string,
    reference: string,
    bytes: Uint8Array,
    mediaType: string,
  ): Promise<Descriptor> {
    return (await this.pushManifest(repository, reference, bytes, mediaType)).descriptor;
  }

  /** `putManifest`, and whether the registry lists the manifest as a referrer of its subject by itself. */
  async pushManifest(
    repository: string,
    reference: string,
    bytes: Uint8Array,
    mediaType: string,
  ): Promise<manifests.PushedManifest> {
    const target = this.#reference(reference);
    return manifests.put(this.#at(repository), target, bytes, mediaType);
  }

  /**
   * Deletes a tag; false where there is none. Registries differ in what else goes: `tryTagDeletion` finds out.
   *
   * @throws RegistryError `registry-unsupported` where the registry deletes by digest only, or not at all
   */
  async deleteTag(repository: string, tag: string): Promise<boolean> {
    return manifests.remove(this.#at(repository), checkTag(this.host, tag));
  }

  /** Deletes a manifest, and with it every tag that points to it; false where there is none. */
  async deleteManifest(repository: string, digest: string): Promise<boolean> {
    return manifests.remove(this.#at(repository), this.#digest(digest));
  }

  /** Every tag, in the registry's order; none for a repository that does not exist. */
  async listTags(repository: string): Promise<string[]> {
    return listTags(this.#at(repository));
  }

  async headBlob(repository: string, digest: string): Promise<{ size: number } | undefined> {
    return blobs.head(this.#at(repository), this.#digest(digest));
  }

  /** A blob's bytes, verified; `undefined` where there is none. @throws `registry-too-large` above `limit` bytes. */
  async getBlob(
    repository: string,
    digest: string,
    limit = blobs.BLOB_LIMIT,
  ): Promise<Uint8Array | undefined> {
    return blobs.get(this.#at(repository), this.#digest(digest), limit);
  }

  /**
   * A blob as a stream, in bounded memory. The stream's end throws `registry-digest-mismatch` where the bytes are not
   * what the digest says. A connection that breaks is the reader's to retry. Read it to the end or leave the loop.
   */
  async getBlobStream(repository: string, digest: string): Promise<blobs.BlobStream | undefined> {
    return blobs.stream(this.#at(repository), this.#digest(digest));
  }

  /** Uploads bytes, unless the registry has them. */
  async putBlob(repository: string, bytes: Uint8Array): Promise<blobs.UploadedBlob> {
    return blobs.put(this.#at(repository), bytes);
  }

  /**
   * Uploads a stream in bounded memory, without asking whether the blob is there. `open` is called again for each
   * attempt, since a broken upload starts over.
   */
  async putBlobStream(
    repository: string,
    blob: { readonly digest: string; readonly size: number },
    open: () => Promise<AsyncIterable<Uint8Array>>,
  ): Promise<void> {
    const checked = { digest: this.#digest(blob.digest), size: blob.size };
    return blobs.putStream(this.#at(repository), checked, open);
  }

  /** Takes a blob over from another repository of the same registry; false where the registry would not. */
  async mountBlob(repository: string, digest: string, from: string): Promise<boolean> {
    return blobs.mount(this.#at(repository), this.#digest(digest), checkRepository(this.host, from));
  }

  /**
   * What refers to a manifest (signatures, attestations), without repeats, sorted by digest. Asks the referrers API,
   * else reads the fallback tag `sha256-<hex>`.
   */
  async referrers(repository: string, digest: string, artifactType?: string): Promise<Descriptor[]> {
    return listReferrers(this.#at(repository), this.#digest(digest), artifactType);
  }

  /** Checks the right to push by starting an upload and cancelling it. Leaves nothing behind. */
  async verifyPush(repository: string): Promise<void> {
    return blobs.verifyPush(this.#at(repository));
  }

  /**
   * What the registry's token service grants, without a request to the registry that could write. `unknown` where
   * tokens cannot be read (GHCR's) or there are none (basic, anonymous).
   */
  async checkScopes(repository: string, action: Action): Promise<Grant> {
    const scope = (action === "push" ? pushScope : pullScope)(checkRepository(this.host, repository));
    const answer = await this.#transport.plain("/v2/");
    await answer.discard();
    if (answer.status === 200) return "unknown";
    const challenge = answer.header("www-authenticate");
    try {
      const token = await this.#transport.retrying(() => this.#transport.auth.freshToken(challenge, [scope]));
      return token === undefined ? "unknown" : readGrant(token, repository, action);
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

  #reference(reference: string): string {
    return checkReference(this.host, reference);
  }

  #digest(digest: string) {
    return checkDigest(this.host, digest);
  }
}
