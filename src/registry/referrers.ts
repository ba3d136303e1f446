import { setTimeout as delay } from "node:timers/promises";
import { type Digest, digestOf } from "../plan/digest";
import type { RegistryClient, RepositoryAt } from "./client";
import { RegistryError, type RegistryErrorCode, repositoryError } from "./errors";
import { fallbackTag } from "./lists";
import {
  type Descriptor,
  type IndexJson,
  isIndex,
  isManifest,
  type ManifestJson,
  MOST_ENTRIES,
  OCI_EMPTY,
  OCI_INDEX,
  OCI_MANIFEST,
  TOO_MANY_HINT,
} from "./manifest";

const EMPTY_JSON = Buffer.from("{}");

/** OCI's empty configuration. @see https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md */
const EMPTY: Descriptor = {
  mediaType: OCI_EMPTY,
  digest: digestOf(EMPTY_JSON),
  size: EMPTY_JSON.length,
  data: EMPTY_JSON.toString("base64"),
};

interface ReferrerLayer {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface AttachReferrerOptions extends RepositoryAt {
  /** What the referrer is about. It must be in the repository. */
  readonly subject: Descriptor;
  readonly artifactType: string;
  readonly layers: readonly ReferrerLayer[];
  /** Of the referrer's manifest, shown in listings. No time is added: the same input gives the same digest. */
  readonly annotations?: Readonly<Record<string, string>>;
}

interface AttachedReferrer {
  readonly descriptor: Descriptor;
  /** It was there and listed already; nothing was written. */
  readonly existed: boolean;
}

/**
 * Attaches an artifact (statement, signature, SBOM) to a manifest, so that it is listed by the referrers API or, where
 * the registry has none, under the fallback tag. Repeating it is no write.
 */
export async function attachReferrer(options: AttachReferrerOptions): Promise<AttachedReferrer> {
  const { client, repository, subject } = options;
  const { bytes, descriptor } = renderReferrer(options);
  if (await isAttached(options, subject.digest, descriptor.digest)) return { descriptor, existed: true };

  const contents = new Map(
    [EMPTY_JSON, ...options.layers.map((layer) => layer.bytes)].map((b) => [digestOf(b), b]),
  );
  await Promise.all([...contents.values()].map((content) => client.putBlob(repository, content)));
  await publishReferrer(options, subject.digest, descriptor, bytes);
  return { descriptor, existed: false };
}

export async function isAttached(
  { client, repository }: RepositoryAt,
  subject: Digest,
  referrer: Digest,
): Promise<boolean> {
  if ((await client.headManifest(repository, referrer)) === undefined) return false;
  const listed = await client.referrers(repository, subject);
  return listed.some(({ digest }) => digest === referrer);
}

/** Whether an error means that content is broken, so that its referrer is skipped. A registry's failure is not. */
export function isDamage(error: unknown): boolean {
  const codes = ["registry-too-large", "registry-digest-mismatch", "registry-bad-answer"];
  return error instanceof RegistryError && codes.includes(error.code);
}

/** The bytes of a referrer's only layer, of one type; undefined where it is damaged, too large or of another shape. */
export async function readReferrerLayer(
  { client, repository }: { client: Pick<RegistryClient, "getManifest" | "getBlob">; repository: string },
  referrer: Digest,
  { mediaType, limit }: { readonly mediaType: string; readonly limit: number },
): Promise<Uint8Array | undefined> {
  try {
    const manifest = await client.getManifest(repository, referrer);
    const layers = manifest !== undefined && isManifest(manifest.json) ? manifest.json.layers : [];
    const [layer] = layers;
    if (layer === undefined || layers.length !== 1 || layer.mediaType !== mediaType) return undefined;
    return await client.getBlob(repository, layer.digest, limit);
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

/** Writes a referrer's manifest, whose blobs are there, and sees to it that it is listed. */
export async function publishReferrer(
  at: RepositoryAt,
  subject: Digest,
  descriptor: Descriptor,
  bytes: Uint8Array,
): Promise<void> {
  const { client, repository } = at;
  const pushed = await client.pushManifest(repository, descriptor.digest, bytes, descriptor.mediaType);
  if (!pushed.subjectListed) await ensureListed(at, subject, descriptor);
}

/** A referrer as the specification wants it listed: with its artifact type and annotations. */
export function referrerEntry(descriptor: Descriptor, json: unknown): Descriptor {
  const { mediaType, digest, size } = descriptor;
  const parts = isManifest(json) || isIndex(json) ? json : undefined;
  const artifactType = parts?.artifactType ?? (isManifest(json) ? json.config.mediaType : undefined);
  const annotations = parts?.annotations;
  return {
    mediaType,
    digest,
    size,
    artifactType,
    annotations,
  };
}

function renderReferrer(options: AttachReferrerOptions): { bytes: Uint8Array; descriptor: Descriptor } {
  const { subject, artifactType, layers } = options;
  const manifest: ManifestJson = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType,
    config: EMPTY,
    layers:
      layers.length === 0
        ? [EMPTY]
        : layers.map(({ bytes, ...layer }) => ({
            mediaType: layer.mediaType,
            ...contentOf(bytes),
            annotations: sorted(layer.annotations),
          })),
    subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
    annotations: sorted(options.annotations),
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const plain = { mediaType: OCI_MANIFEST, ...contentOf(bytes) };
  return { bytes, descriptor: referrerEntry(plain, manifest) };
}

function contentOf(bytes: Uint8Array) {
  return { digest: digestOf(bytes), size: bytes.length };
}

function sorted(annotations: Readonly<Record<string, string>> = {}) {
  const entries = Object.entries(annotations).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** Rounds of read, write and read again, before others who write the same tag are named as the reason. */
const ROUNDS = 6;

const turns = new Map<string, Promise<unknown>>();

/** One at a time for each key within this process: the registry offers no compare-and-swap. */
async function inTurn<T>(key: string, run: () => Promise<T>): Promise<T> {
  const turn = (turns.get(key) ?? Promise.resolve()).then(run, run);
  turns.set(key, turn);
  try {
    return await turn;
  } finally {
    if (turns.get(key) === turn) turns.delete(key);
  }
}

/**
 * Lists `entry` among the referrers of `subject` where the registry does not do so by itself: adds it to the index
 * under the fallback tag, reads that again, and repairs it until no entry that was ever seen in it is missing.
 *
 * @throws RegistryError `registry-conflict` where others keep overwriting it.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests-with-subject
 */
export function ensureListed(at: RepositoryAt, subject: Digest, entry: Descriptor): Promise<void> {
  const { client, repository } = at;
  const tag = fallbackTag(subject);
  const failure = (code: RegistryErrorCode, what: string, hint: string) =>
    repositoryError(at, code, `:${tag} ${what}`, hint);

  async function readFallback(): Promise<IndexJson | undefined> {
    const found = await client.getManifest(repository, tag);
    if (found === undefined) return undefined;
    if (isIndex(found.json)) return found.json;
    throw failure(
      "registry-conflict",
      `is no list of referrers, but a ${found.descriptor.mediaType}`,
      "The tag belongs to OCI's referrers fallback; delete it or rename what is there.",
    );
  }

  return inTurn(`${client.host}/${repository}:${tag}`, async () => {
    // Without the API it would read what the first round reads.
    const listed = client.mayHaveReferrers ? await client.referrers(repository, subject) : [];
    if (listed.some(({ digest }) => digest === entry.digest)) return;

    const desired = new Map<Digest, Descriptor>([[entry.digest, entry]]);
    for (let round = 1; round <= ROUNDS; round++) {
      const current = await readFallback();
      const present = new Set(current?.manifests.map(({ digest }) => digest));
      for (const other of current?.manifests ?? [])
        desired.set(other.digest, desired.get(other.digest) ?? other);
      if ([...desired.keys()].every((digest) => present.has(digest))) return;
      // A longer list would be refused by its readers.
      if (desired.size > MOST_ENTRIES)
        throw failure(
          "registry-too-large",
          `lists ${MOST_ENTRIES} referrers already, and takes no more`,
          TOO_MANY_HINT,
        );
      // What is missing in a later round was lost to another writer, or was read from a stale cache.
      if (round > 1) await delay(50 * round * (1 + Math.random()));
      await client.putManifest(repository, tag, renderFallback(current, desired), OCI_INDEX);
    }
    throw failure(
      "registry-conflict",
      "does not keep its list of referrers: others write it at the same time",
      "Let only one release at a time attach to this digest, then run the same again.",
    );
  });
}

/** Sorted, so that the same set always gives the same bytes. */
function renderFallback(
  current: IndexJson | undefined,
  entries: ReadonlyMap<Digest, Descriptor>,
): Uint8Array {
  const manifests = [...entries.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1));
  const { annotations } = current ?? {};
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests, annotations }));
}
