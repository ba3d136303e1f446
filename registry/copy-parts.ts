import type { Digest } from "../plan/digest";
import { RegistryError } from "./errors";
import { type Descriptor, isIndex, isIndexType, isManifest, isManifestType } from "./manifest";
import type { FetchedManifest } from "./manifest-calls";

/** Indexes within indexes: real ones have two levels. */
const DEEPEST = 8;

/** What a manifest consists of, each once. */
export interface Parts {
  readonly blobs: readonly Descriptor[];
  readonly manifests: readonly Descriptor[];
}

/**
 * What must be there before a manifest can be: its configuration and layers, or an index's manifests. Layers that may
 * not be distributed stay where their `urls` say.
 *
 * @throws RegistryError `registry-bad-answer` for content that is neither index nor manifest.
 */
export function contentsOf(
  registry: string,
  repository: string,
  manifest: FetchedManifest,
  depth: number,
): Parts {
  const { json, descriptor } = manifest;
  if (depth > DEEPEST) throw notCopyable(registry, repository, descriptor, `deeper than ${DEEPEST} indexes`);
  if (isIndex(json)) {
    const nested = json.manifests.filter(
      ({ mediaType }) => isIndexType(mediaType) || isManifestType(mediaType),
    );
    // Caches list layers in an index: what is no manifest by its type is a blob.
    const plain = json.manifests.filter((entry) => !nested.includes(entry));
    return { blobs: unique(plain.filter(isOurs)), manifests: unique(nested) };
  }
  if (isManifest(json)) return { blobs: unique([json.config, ...json.layers].filter(isOurs)), manifests: [] };
  throw notCopyable(
    registry,
    repository,
    descriptor,
    `a ${descriptor.mediaType}, neither index nor manifest`,
  );
}

function isOurs({ mediaType, urls }: Descriptor): boolean {
  return !((urls?.length ?? 0) > 0 && /foreign|nondistributable/.test(mediaType));
}

function unique(descriptors: readonly Descriptor[]): Descriptor[] {
  return [...new Map(descriptors.map((entry) => [entry.digest, entry])).values()];
}

function notCopyable(
  registry: string,
  repository: string,
  { digest }: Descriptor,
  what: string,
): RegistryError {
  return new RegistryError({
    code: "registry-bad-answer",
    registry,
    repository,
    summary: `${registry}/${repository}@${digest} cannot be copied: it is ${what}`,
  });
}

export function missing(registry: string, repository: string, digest: Digest): RegistryError {
  return new RegistryError({
    code: "registry-not-found",
    registry,
    repository,
    summary: `${registry}/${repository} has no ${digest}`,
    hint: "It may have been cleaned up (untagged parts of an index are easily taken for garbage): release it again.",
  });
}
