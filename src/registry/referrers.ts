import { setTimeout as delay } from "node:timers/promises";
import { type Digest, digestOf } from "../plan/digest";
import { attestationEntries, detachAttestations, detachedDigests, EMPTY_CONFIG } from "../plan/image-index";
import { reasonOf } from "../plan/problem";
import type { RegistryClient, RepositoryAt } from "./client";
import { RegistryError, type RegistryErrorCode, repositoryError } from "./errors";
import {
  type Descriptor,
  type FetchedManifest,
  fallbackTag,
  type IndexJson,
  isIndex,
  isManifest,
  type ManifestJson,
  MOST_ENTRIES,
  OCI_EMPTY,
  OCI_INDEX,
  OCI_MANIFEST,
  TOO_MANY_HINT,
} from "./manifests";

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

/**
 * Takes the build's attestations out of an index and attaches them as referrers of its platforms; last of all it writes
 * the index that names them, without a tag. Repeating it is no write, so the next run completes one that broke off.
 *
 * @returns the digest of the index without attestations; the given one where it has none
 */
export async function detachStatements(
  client: RegistryClient,
  repository: string,
  digest: Digest,
): Promise<Digest> {
  const at = { client, repository };
  const index = await readIndex(at, digest);
  const detached = index && detachAttestations(index, await readLayers(at, index));
  if (detached === undefined) return digest;
  await client.putBlob(repository, EMPTY_CONFIG);
  await Promise.all(
    detached.statements.map(async ({ subject, bytes, ...entry }) => {
      if (await isAttached(at, subject.digest, entry.digest)) return;
      await publishReferrer(at, subject.digest, { ...entry, size: bytes.length }, bytes);
    }),
  );
  if ((await client.headManifest(repository, detached.digest)) === undefined)
    await client.putManifest(repository, detached.digest, detached.bytes, detached.mediaType);
  return detached.digest;
}

/** The statements that an index names as its own, and that its repository does not hold and list. Writes nothing. */
export async function missingStatements(
  client: RegistryClient,
  repository: string,
  manifest: Digest | FetchedManifest,
): Promise<Digest[]> {
  const found = typeof manifest === "string" ? await client.getManifest(repository, manifest) : manifest;
  const index = isIndex(found?.json) ? found.json : undefined;
  const named = detachedDigests(index?.annotations);
  if (index === undefined || named.length === 0) return [];
  const listings = await Promise.all(
    index.manifests.map((platform) => client.referrers(repository, platform.digest)),
  );
  const listed = new Set(listings.flat().map((entry) => entry.digest));
  const there = await Promise.all(
    named.map(
      async (statement) =>
        listed.has(statement) && (await client.headManifest(repository, statement)) !== undefined,
    ),
  );
  return named.filter((_, at) => !there[at]);
}

/** Lists statements again that are there by their digest, and that a lost or overwritten fallback tag does not name. */
export async function relistStatements(
  client: RegistryClient,
  repository: string,
  statements: readonly Digest[],
): Promise<void> {
  for (const digest of statements) {
    const found = await client.getManifest(repository, digest);
    if (found === undefined || !isManifest(found.json) || found.json.subject === undefined) continue;
    const entry = referrerEntry(found.descriptor, found.json);
    await publishReferrer({ client, repository }, found.json.subject.digest, entry, found.bytes);
  }
}

async function readIndex(
  { client, repository }: RepositoryAt,
  digest: Digest,
): Promise<IndexJson | undefined> {
  const found = await client.getManifest(repository, digest);
  return found !== undefined && isIndex(found.json) ? found.json : undefined;
}

/** Attestation manifest -> its layers. */
async function readLayers(at: RepositoryAt, index: IndexJson): Promise<Map<Digest, readonly Descriptor[]>> {
  const broken = (what: string) =>
    repositoryError(at, "registry-bad-answer", ` has an index that is not whole: ${what}`);
  let entries: ReturnType<typeof attestationEntries>;
  try {
    entries = attestationEntries(index);
  } catch (error) {
    throw broken(reasonOf(error));
  }
  const read = await Promise.all(
    entries.map(async ({ entry }) => {
      const found = await at.client.getManifest(at.repository, entry.digest);
      if (found === undefined || !isManifest(found.json))
        throw broken(`it lacks the attestation ${entry.digest}`);
      return [entry.digest, found.json.layers] as const;
    }),
  );
  return new Map(read);
}
