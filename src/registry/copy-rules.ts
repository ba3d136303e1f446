import pLimit from "p-limit";
import { BUNDLE_MEDIA_TYPE, IN_TOTO_MEDIA_TYPE, STATEMENT_ARTIFACT_TYPE } from "../plan/annotations";
import { type Digest, digestOf } from "../plan/digest";
import { EMPTY_CONFIG } from "../plan/image-index";
import type { RegistryClient, RepositoryAt } from "./client";
import { type RegistryError, repositoryError } from "./errors";
import {
  type Descriptor,
  type FetchedManifest,
  isIndex,
  isIndexType,
  isManifest,
  isManifestType,
  type ManifestJson,
  TOO_MANY_HINT,
} from "./manifests";
import { isDamage, readReferrerLayer } from "./referrers";

/** Levels of indexes in indexes. Real ones have two. */
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
 * What must be copied before a manifest: its configuration and layers, or an index's manifests. Layers that may not be
 * distributed stay at their `urls`.
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
    // BuildKit's caches list layers in an index, so an entry of another type is a blob.
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
    "A cleanup may have deleted it (untagged parts of an index look like garbage): release it again.",
  );
}

/** Concurrent requests of `missingParts`. */
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

/** Decides whether a bundle or release statement is copied. @param bytes of its only layer */
export type AcceptReferrer = (
  referrer: Descriptor,
  manifest: ManifestJson,
  bytes: Uint8Array,
) => Promise<boolean>;

interface Kind {
  /** Of its only layer. */
  readonly mediaType: string;
  readonly limit: number;
}

const MIB = 1024 * 1024;

/** By artifact type. Build statements are copied only if the index names them, so that its signature covers them. */
const KINDS: Readonly<Record<string, Kind>> = {
  [BUNDLE_MEDIA_TYPE]: { mediaType: BUNDLE_MEDIA_TYPE, limit: 16 * MIB },
  [STATEMENT_ARTIFACT_TYPE]: { mediaType: IN_TOTO_MEDIA_TYPE, limit: MIB },
  [IN_TOTO_MEDIA_TYPE]: { mediaType: IN_TOTO_MEDIA_TYPE, limit: 32 * MIB },
};

/** Limits of one copy: referrers, and bytes of their layers. */
const MOST_REFERRERS = 1_000;
const MOST_BYTES = 512 * MIB;

const EMPTY = digestOf(EMPTY_CONFIG);
const OTHER_KIND = "of a kind that is not copied";
const OTHER_SHAPE = "not valid for their kind";

/**
 * Decides which referrers are copied with content. Anyone with push rights to the source can attach some, so only a
 * limited number of known kinds pass, in their exact shape and about the digest that lists them.
 */
export class ReferrerGate {
  /** How many did not pass, by reason. */
  readonly skipped = new Map<string, number>();
  readonly #from: RepositoryAt;
  readonly #accept: AcceptReferrer | undefined;
  readonly #named = new Set<Digest>();
  #read = 0;
  #bytes = 0;

  constructor(from: RepositoryAt, accept: AcceptReferrer | undefined) {
    this.#from = from;
    this.#accept = accept;
  }

  /** Lets the build statements pass that an index names. */
  allow(named: readonly Digest[]): void {
    for (const digest of named) this.#named.add(digest);
  }

  /** Judges by the listing, so that junk costs no request. Some registries leave the type out. */
  isKnownKind({ artifactType, digest }: Descriptor): boolean {
    if (artifactType === undefined || this.#kind(artifactType, digest) !== undefined) return true;
    this.#skip(OTHER_KIND);
    return false;
  }

  /** @throws RegistryError `registry-too-large` above the limits */
  async mayPass(subject: Digest, digest: Digest): Promise<"yes" | "no" | "missing"> {
    if (++this.#read > MOST_REFERRERS) throw this.#tooMany(`more than ${MOST_REFERRERS} referrers`);
    const { client, repository } = this.#from;
    const found = await client.getManifest(repository, digest).catch((error: unknown) => {
      if (isDamage(error)) return "damaged" as const;
      throw error;
    });
    if (found === undefined) return "missing";
    if (found === "damaged") return this.#skip(OTHER_SHAPE);
    const { json, descriptor } = found;
    const kind = isManifest(json) ? this.#kind(json.artifactType ?? "", digest) : undefined;
    if (kind === undefined || !isManifest(json)) return this.#skip(OTHER_KIND);
    if (json.subject?.digest !== subject) return this.#skip("not about the digest that lists them");
    const [layer] = json.layers;
    const isShaped =
      json.config.digest === EMPTY &&
      json.layers.length === 1 &&
      layer?.mediaType === kind.mediaType &&
      layer.size <= kind.limit;
    if (!isShaped) return this.#skip(OTHER_SHAPE);
    this.#bytes += layer.size;
    if (this.#bytes > MOST_BYTES) throw this.#tooMany(`referrers of more than ${MOST_BYTES} bytes`);
    if (this.#accept === undefined || json.artifactType === IN_TOTO_MEDIA_TYPE) return "yes";
    const bytes = await readReferrerLayer(this.#from, digest, kind);
    if (bytes === undefined) return this.#skip(OTHER_SHAPE);
    return (await this.#accept(descriptor, json, bytes)) ? "yes" : this.#skip("not accepted");
  }

  #kind(artifactType: string, digest: Digest): Kind | undefined {
    if (artifactType === IN_TOTO_MEDIA_TYPE && !this.#named.has(digest)) return undefined;
    return Object.hasOwn(KINDS, artifactType) ? KINDS[artifactType] : undefined;
  }

  #skip(why: string): "no" {
    this.skipped.set(why, (this.skipped.get(why) ?? 0) + 1);
    return "no";
  }

  #tooMany(what: string): RegistryError {
    return repositoryError(
      this.#from,
      "registry-too-large",
      ` has ${what} of one image, and they are not copied`,
      TOO_MANY_HINT,
    );
  }
}
