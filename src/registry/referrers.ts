import { setTimeout as delay } from "node:timers/promises";
import { type Digest, digestOf } from "../plan/digest";
import { attestationEntries, detachAttestations, detachedDigests, EMPTY_CONFIG } from "../plan/image-index";
import { reasonOf } from "../plan/problem";
import { sortedRecord } from "../plan/record";
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
  /** Must be in the repository. */
  readonly subject: Descriptor;
  readonly artifactType: string;
  readonly layers: readonly ReferrerLayer[];
  /** Shown in listings. No time is added, so that the same input gives the same digest. */
  readonly annotations?: Readonly<Record<string, string>>;
}

interface AttachedReferrer {
  readonly descriptor: Descriptor;
  /** It was listed already, and nothing was written. */
  readonly existed: boolean;
}

/**
 * Attaches an artifact (statement, signature, SBOM) to a manifest, listed by the referrers API or under the fallback tag.
 * A repetition writes nothing.
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

async function isAttached(
  { client, repository }: RepositoryAt,
  subject: Digest,
  referrer: Digest,
): Promise<boolean> {
  if ((await client.headManifest(repository, referrer)) === undefined) return false;
  const listed = await client.referrers(repository, subject);
  return listed.some(({ digest }) => digest === referrer);
}

/** Whether an error is about damaged content, which is skipped, and not a failure of the registry. */
export function isDamage(error: unknown): boolean {
  const codes = ["registry-too-large", "registry-digest-mismatch", "registry-bad-answer"];
  return error instanceof RegistryError && codes.includes(error.code);
}

/** The bytes of a referrer's only layer; undefined where it is damaged, too large or has another type. */
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

/** Writes the manifest of a referrer whose blobs exist, and makes sure that it is listed. */
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

/** A referrer's entry in a listing, with artifact type and annotations as the specification requires. */
export function referrerEntry(descriptor: Descriptor, json: unknown): Descriptor {
  const { mediaType, digest, size } = descriptor;
  const parts = isManifest(json) || isIndex(json) ? json : undefined;
  const artifactType = parts?.artifactType ?? (isManifest(json) ? json.config.mediaType : undefined);
  const annotations = parts?.annotations;
  return { mediaType, digest, size, artifactType, annotations };
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

/** Undefined instead of an empty record, which would change the manifest's bytes. */
function sorted(annotations: Readonly<Record<string, string>> = {}) {
  return Object.keys(annotations).length === 0 ? undefined : sortedRecord(annotations);
}

/** Rounds of reading and writing before the tag is reported as written by another process. */
const ROUNDS = 6;

const turns = new Map<string, Promise<unknown>>();

/** Serialises writers of one tag within this process: registries offer no compare-and-swap. */
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
 * Lists `entry` among the referrers of `subject` where the registry does not do so itself: adds it to the index under the
 * fallback tag, and repeats that until the index holds every entry that was ever seen in it.
 *
 * @throws RegistryError `registry-conflict` if another process keeps overwriting it
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
      `is a ${found.descriptor.mediaType}, not a list of referrers`,
      "OCI reserves this tag for referrers: delete it, or give its content another tag.",
    );
  }

  return inTurn(`${client.host}/${repository}:${tag}`, async () => {
    // Without the API, the first round reads the same.
    const listed = client.mayHaveReferrers ? await client.referrers(repository, subject) : [];
    if (listed.some(({ digest }) => digest === entry.digest)) return;

    const desired = new Map<Digest, Descriptor>([[entry.digest, entry]]);
    for (let round = 1; round <= ROUNDS; round++) {
      const current = await readFallback();
      const present = new Set(current?.manifests.map(({ digest }) => digest));
      for (const other of current?.manifests ?? [])
        desired.set(other.digest, desired.get(other.digest) ?? other);
      if ([...desired.keys()].every((digest) => present.has(digest))) return;
      // Readers refuse a longer list.
      if (desired.size > MOST_ENTRIES)
        throw failure(
          "registry-too-large",
          `lists ${MOST_ENTRIES} referrers already, which is the limit`,
          TOO_MANY_HINT,
        );
      // In a later round, another writer removed entries or the read came from a stale cache.
      if (round > 1) await delay(50 * round * (1 + Math.random()));
      await client.putManifest(repository, tag, renderFallback(current, desired), OCI_INDEX);
    }
    throw failure(
      "registry-conflict",
      "does not keep its list of referrers: another process writes it at the same time",
      "Let only one release at a time attach to this digest, then run the same command again.",
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
 * Moves the build's attestations out of an index: attaches them as referrers of its platforms, then writes an index that
 * names them, without a tag. A repetition writes nothing, so the next run completes an interrupted one.
 *
 * @returns the digest of the new index, or the given one if it has no attestations
 */
export async function detachStatements(
  client: RegistryClient,
  repository: string,
  digest: Digest,
): Promise<Digest> {
  const at = { client, repository };
  const index = (await client.getManifest(repository, digest))?.json;
  const detached = isIndex(index) ? detachAttestations(index, await readLayers(at, index)) : undefined;
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

/** The statements that an index names, and that its repository lacks or does not list. Writes nothing. */
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

/** Lists existing statements again that a lost or overwritten fallback tag does not name. */
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

/** The layers of each attestation manifest in an index. */
async function readLayers(at: RepositoryAt, index: IndexJson): Promise<Map<Digest, readonly Descriptor[]>> {
  const broken = (what: string) =>
    repositoryError(at, "registry-bad-answer", ` has an incomplete index: ${what}`);
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
