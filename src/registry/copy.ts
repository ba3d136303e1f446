import pLimit from "p-limit";
import type { Digest } from "../plan/digest";
import { detachedDigests } from "../plan/image-index";
import type { RepositoryAt } from "./client";
import { type AcceptReferrer, checkTotal, contentsOf, missing, ReferrerGate } from "./copy-rules";
import { checkDigest, RegistryError, repositoryError } from "./errors";
import type { FetchedManifest } from "./manifests";
import { type Descriptor, isIndex } from "./manifests";
import { publishReferrer, referrerEntry } from "./referrers";

const BLOBS_AT_ONCE = 4;

export interface CopyOptions {
  readonly from: RepositoryAt;
  readonly to: RepositoryAt;
  /** Of an index or a manifest. */
  readonly digest: string;
  /** Which bundles and release statements are copied. @default all valid ones */
  readonly accept?: AcceptReferrer;
  /** Called for each chunk of a blob. */
  readonly onProgress?: (progress: CopyProgress) => void;
}

export interface CopyProgress {
  /** Bytes of blobs so far; an upload that starts over takes its bytes off again. */
  readonly sent: number;
  /** Bytes of all blobs that are known to be missing in the target. */
  readonly total: number;
}

export interface CopyResult {
  readonly blobsCopied: number;
  readonly blobsMounted: number;
  readonly manifestsCopied: number;
  /** Sent to the target, without mounted blobs. */
  readonly bytes: number;
  /** Referrers of the digest itself that were copied or were there already. */
  readonly referrers: readonly Digest[];
  /** Referrers that the source lists and does not have. */
  readonly danglingReferrers: readonly Digest[];
  /** How many referrers were not copied, by reason. */
  readonly skippedReferrers: Readonly<Record<string, number>>;
}

/**
 * Copies content by digest: blobs, manifests, indexes, then referrers of known kinds (see `ReferrerGate`). Skips what the
 * target has, so that an interrupted copy continues and a complete one writes nothing. Writes no tag except the
 * referrers fallback tag. Returns or throws only when no request is running.
 */
export function copyContent(options: CopyOptions): Promise<CopyResult> {
  return new Copy(options).run();
}

class Copy {
  readonly #from: RepositoryAt;
  readonly #to: RepositoryAt;
  readonly #limit = pLimit(BLOBS_AT_ONCE);
  readonly #sameHost: boolean;
  readonly #blobs = new Map<Digest, Promise<void>>();
  readonly #manifests = new Map<Digest, Promise<void>>();
  readonly #sought = new Set<Digest>();
  readonly #gate: ReferrerGate;
  readonly #root: Digest;
  readonly #referrers: Digest[] = [];
  readonly #dangling: Digest[] = [];
  readonly #onProgress: CopyOptions["onProgress"];
  #failed = false;
  #sent = 0;
  #total = 0;
  readonly #result = { blobsCopied: 0, blobsMounted: 0, manifestsCopied: 0, bytes: 0 };

  constructor({ from, to, digest, accept, onProgress }: CopyOptions) {
    this.#root = checkDigest(from.client.host, digest);
    this.#gate = new ReferrerGate(from, accept);
    this.#from = from;
    this.#to = to;
    this.#onProgress = onProgress;
    this.#sameHost = from.client.host === to.client.host && from.repository !== to.repository;
  }

  async run(): Promise<CopyResult> {
    await this.#manifest(this.#root, 0);
    // Referrers are manifests, and can have referrers of their own.
    for (let found = this.#unsought(); found.length > 0; found = this.#unsought()) {
      await this.#all(found.map((subject) => this.#referrersOf(subject)));
    }
    return {
      ...this.#result,
      referrers: this.#referrers,
      danglingReferrers: this.#dangling.sort(),
      skippedReferrers: Object.fromEntries(this.#gate.skipped),
    };
  }

  #unsought(): Digest[] {
    return [...this.#manifests.keys()].filter((digest) => !this.#sought.has(digest));
  }

  #manifest(digest: Digest, depth: number): Promise<void> {
    return once(this.#manifests, digest, async () => {
      checkTotal(this.#from, this.#root, this.#manifests.size);
      const manifest = await this.#readWithParts(digest, depth);
      const { client, repository } = this.#to;
      if ((await client.headManifest(repository, digest)) !== undefined) return;
      await client.putManifest(repository, digest, manifest.bytes, manifest.descriptor.mediaType);
      this.#countManifest(manifest);
    });
  }

  /** A manifest of the source, after its parts have been copied. */
  async #readWithParts(digest: Digest, depth: number): Promise<FetchedManifest> {
    const { client, repository } = this.#from;
    if (this.#failed) throw stopped(client.host, repository);
    const manifest = await client.getManifest(repository, digest);
    if (manifest === undefined) throw missing(this.#from, digest);
    const parts = contentsOf(this.#from, manifest, depth);
    if (isIndex(manifest.json)) this.#gate.allow(detachedDigests(manifest.json.annotations));
    await this.#all([
      ...parts.blobs.map((blob) => this.#blob(blob)),
      ...parts.manifests.map((child) => this.#manifest(child.digest, depth + 1)),
    ]);
    return manifest;
  }

  #blob(blob: Descriptor): Promise<void> {
    return once(this.#blobs, blob.digest, async () => {
      const how = await this.#transfer(blob);
      if (how === "copied") {
        this.#result.blobsCopied++;
        this.#result.bytes += blob.size;
      }
      if (how === "mounted") this.#result.blobsMounted++;
    });
  }

  async #transfer({ digest, size }: Descriptor): Promise<"copied" | "mounted" | "existed"> {
    const { client, repository } = this.#to;
    const source = this.#from;
    if (this.#failed) throw stopped(client.host, repository);
    if ((await client.headBlob(repository, digest)) !== undefined) return "existed";
    if (this.#sameHost && (await client.mountBlob(repository, digest, source.repository))) return "mounted";
    this.#total += size;
    await this.#limit(async () => {
      if (this.#failed) throw stopped(client.host, repository);
      let sent = 0;
      const advance = (bytes: number) => {
        sent += bytes;
        this.#sent += bytes;
        this.#onProgress?.({ sent: this.#sent, total: this.#total });
      };
      await client.putBlobStream(repository, { digest, size }, async () => {
        advance(-sent);
        const blob = await source.client.getBlobStream(source.repository, digest);
        if (blob === undefined) throw missing(source, digest);
        return counted(exactly(size, blob.chunks, source, digest), advance);
      });
    });
    return "copied";
  }

  async #referrersOf(subject: Digest): Promise<void> {
    this.#sought.add(subject);
    const found = await this.#from.client.referrers(this.#from.repository, subject);
    const fresh = found.filter((entry) => entry.digest !== subject && this.#gate.isKnownKind(entry));
    if (fresh.length === 0) return;
    const listed = await this.#to.client.referrers(this.#to.repository, subject);
    const known = new Set(listed.map(({ digest }) => digest));
    // One after another: registries can lose one of two concurrent referrers of a subject.
    for (const { digest } of fresh) {
      const may = await this.#gate.mayPass(subject, digest);
      if (may === "missing") this.#dangling.push(digest);
      if (may !== "yes") continue;
      await this.#referrer(subject, digest, known.has(digest));
      if (subject === this.#root) this.#referrers.push(digest);
    }
  }

  async #referrer(subject: Digest, digest: Digest, listed: boolean): Promise<void> {
    if (listed || this.#manifests.has(digest)) await this.#manifest(digest, 0);
    if (listed) return;
    const copying = (async () => {
      const manifest = await this.#readWithParts(digest, 0);
      const entry = referrerEntry(manifest.descriptor, manifest.json);
      await publishReferrer(this.#to, subject, entry, manifest.bytes);
      this.#countManifest(manifest);
    })();
    this.#manifests.set(digest, copying);
    return copying;
  }

  #countManifest({ descriptor }: FetchedManifest): void {
    this.#result.manifestsCopied++;
    this.#result.bytes += descriptor.size;
  }

  /** Waits for all, and throws the first failure. After it, no new transfer starts. */
  async #all(running: readonly Promise<void>[]): Promise<void> {
    const isStopped = (error: unknown) =>
      error instanceof RegistryError && error.code === "registry-cancelled";
    let first: { readonly error: unknown } | undefined;
    const settled = running.map((promise) =>
      promise.catch((error: unknown) => {
        this.#failed = true;
        if (first === undefined || isStopped(first.error)) first = { error };
      }),
    );
    await Promise.all(settled);
    if (first !== undefined) throw first.error;
  }
}

/** Runs once for each digest, however often it is called. */
function once(running: Map<Digest, Promise<void>>, digest: Digest, run: () => Promise<void>): Promise<void> {
  const known = running.get(digest) ?? run();
  running.set(digest, known);
  return known;
}

/** The chunks. @throws RegistryError if they have more or fewer bytes than the descriptor says */
async function* exactly(
  size: number,
  chunks: AsyncIterable<Uint8Array>,
  at: RepositoryAt,
  digest: Digest,
): AsyncGenerator<Uint8Array, void, undefined> {
  let sent = 0;
  for await (const chunk of chunks) {
    sent += chunk.length;
    if (sent > size) break;
    yield chunk;
  }
  if (sent === size) return;
  const what = ` has ${digest} in another size than the ${size} bytes in its manifest`;
  throw repositoryError(at, "registry-digest-mismatch", what);
}

/** The chunks. Each is counted when the next one is requested, since it has been sent by then. */
async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    yield chunk;
    count(chunk.length);
  }
}

function stopped(registry: string, repository: string): RegistryError {
  return new RegistryError({
    code: "registry-cancelled",
    registry,
    repository,
    summary: "Not copied, because another part failed",
  });
}
