import pLimit from "p-limit";
import type { Digest } from "../plan/digest";
import type { RegistryClient, RepositoryAt } from "./client";
import { type RegistryError, repositoryError } from "./errors";
import { type Descriptor, isIndex, isIndexType, isManifest, isManifestType } from "./manifest";
import type { FetchedManifest } from "./manifest-calls";

/** Indexes within indexes: real ones have two levels. */
const DEEPEST = 8;
/** The most parts of one index or manifest. Real ones have some tens of platforms, and at most 127 layers. */
const MOST_PARTS = 1_000;
/** The most manifests of one image, its referrers included. */
const MOST_MANIFESTS = 5_000;

interface Parts {
  readonly blobs: readonly Descriptor[];
  readonly manifests: readonly Descriptor[];
}

/**
 * What must be there before a manifest can be: its configuration and layers, or an index's manifests. Layers that may
 * not be distributed stay where their `urls` say.
 */
export function contentsOf(at: RepositoryAt, { json, descriptor }: FetchedManifest, depth: number): Parts {
  const wrong = (what: string) => notCopyable(at, descriptor.digest, what);
  if (depth > DEEPEST) throw wrong(`it is deeper than ${DEEPEST} indexes`);
  const parts = isIndex(json) ? json.manifests : isManifest(json) ? json.layers : [];
  if (parts.length > MOST_PARTS)
    throw wrong(`it names ${parts.length} parts; at most ${MOST_PARTS} are copied`);
  if (isIndex(json)) {
    const nested = json.manifests.filter(
      ({ mediaType }) => isIndexType(mediaType) || isManifestType(mediaType),
    );
    // Caches list layers in an index: what is no manifest by its type is a blob.
    const plain = json.manifests.filter((entry) => !nested.includes(entry));
    return { blobs: unique(plain.filter(isOurs)), manifests: unique(nested) };
  }
  if (isManifest(json)) return { blobs: unique([json.config, ...json.layers].filter(isOurs)), manifests: [] };
  throw wrong(`it is a ${descriptor.mediaType}, neither index nor manifest`);
}

export function checkTotal(at: RepositoryAt, root: Digest, manifests: number): void {
  if (manifests > MOST_MANIFESTS) throw notCopyable(at, root, `it has more than ${MOST_MANIFESTS} manifests`);
}

function isOurs({ mediaType, urls }: Descriptor): boolean {
  return !((urls?.length ?? 0) > 0 && /foreign|nondistributable/.test(mediaType));
}

function unique(descriptors: readonly Descriptor[]): Descriptor[] {
  return [...new Map(descriptors.map((entry) => [entry.digest, entry])).values()];
}

function notCopyable(at: RepositoryAt, digest: Digest, what: string): RegistryError {
  return repositoryError(at, "registry-bad-answer", `@${digest} cannot be copied: ${what}`);
}

export function missing(at: RepositoryAt, digest: Digest): RegistryError {
  return repositoryError(
    at,
    "registry-not-found",
    ` has no ${digest}`,
    "It may have been cleaned up (untagged parts of an index are easily taken for garbage): release it again.",
  );
}

const WIDTH = 8;

/** The manifests and blobs of an index or manifest that a repository lacks. Writes nothing. */
export async function missingParts(
  client: RegistryClient,
  repository: string,
  digest: Digest,
): Promise<Digest[]> {
  const limit = pLimit(WIDTH);
  const missing = new Set<Digest>();
  const asked = new Set<Digest>();
  let count = 0;
  const manifest = async (part: Digest, depth: number): Promise<void> => {
    if (asked.has(part)) return;
    asked.add(part);
    checkTotal({ client, repository }, digest, ++count);
    const found = await limit(() => client.getManifest(repository, part));
    if (found === undefined) {
      missing.add(part);
      return;
    }
    const { blobs, manifests } = contentsOf({ client, repository }, found, depth);
    await Promise.all([
      ...manifests.map((child) => manifest(child.digest, depth + 1)),
      ...blobs.map((child) => blob(child.digest)),
    ]);
  };
  const blob = async (part: Digest): Promise<void> => {
    if (asked.has(part)) return;
    asked.add(part);
    if ((await limit(() => client.headBlob(repository, part))) === undefined) missing.add(part);
  };
  await manifest(digest, 0);
  return [...missing].sort();
}
