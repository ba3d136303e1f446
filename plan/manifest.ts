import { type Digest, isDigest } from "./digest";
import { isRecord } from "./record";
import type { SbomState } from "./sbom";
import type { TagClass } from "./tag-policy";

/** The release manifest: what exists after a release. It holds no clock, so that a second `up` changes nothing. */
export interface ReleaseManifest {
  readonly schema: 1;
  readonly stack: string;
  /** The GitHub repository, `owner/name`. */
  readonly source?: string;
  /** The commit, 40 hex digits. */
  readonly revision: string;
  readonly images: readonly ManifestImage[];
  /** Registries that were left out: host -> reason. */
  readonly skipped: Readonly<Record<string, string>>;
}

export interface ManifestImage {
  readonly name: string;
  /** Absent for a release without one. */
  readonly version?: string;
  /** Its own commit, which may differ from the release's. Absent where it is the manifest's. */
  readonly revision?: string;
  /** What was released: `refs/tags/v1.2.3`, `refs/heads/main`. Absent if unknown. */
  readonly ref?: string;
  /** `host/path` that it was promoted from. */
  readonly promotedFrom?: string;
  readonly digest: Digest;
  /** What the digest is made of; empty where an adopted image does not say. */
  readonly contentKey: string;
  readonly platforms: readonly string[];
  /** `host/path`, the primary first. */
  readonly repositories: readonly string[];
  /** `host/path@digest`, one a repository. */
  readonly references: readonly string[];
  readonly tags: readonly ManifestTag[];
  /** Digests of the referrers that state or sign this release. */
  readonly attestations: readonly Digest[];
  /** `unavailable`: it was wanted, and its generator could not be reached. Absent if unknown. */
  readonly sbom?: SbomState;
  /** Set where this stack's state holds the build of this content. */
  readonly build?: BuildRecord;
}

export interface BuildRecord {
  readonly generation: number;
  /** `ImageIntent.sourceKey`, where there is one. */
  readonly source?: string;
}

/** What one run built with, to compare machines. These are facts of a run, so not in the manifest. */
export interface BuildFacts {
  /** A buildx builder's name. */
  readonly builder: string;
  /** `remote`, `docker-container`, `kubernetes`. */
  readonly driver: string;
  /** BuildKit's version, as it says itself. */
  readonly buildkit: string;
  /** The network that its driver uses. */
  readonly network: string;
  /** The proxy's host for the registries, or `none`. */
  readonly proxy: string;
  /** What was built. */
  readonly images: readonly {
    readonly name: string;
    readonly platforms: readonly string[];
    /** Caches that were read and written; both empty for a build without. */
    readonly cacheFrom: readonly string[];
    readonly cacheTo: readonly string[];
  }[];
}

export interface ManifestTag {
  readonly repository: string;
  readonly name: string;
  readonly class: TagClass;
  readonly digest: Digest;
}

/** What one run did to one tag, for the table at its end. Facts of a run, so no part of the manifest. */
export interface TagOutcome {
  readonly image: string;
  readonly repository: string;
  readonly name: string;
  readonly action: "created" | "moved" | "unchanged" | "kept" | "refused";
  readonly from?: Digest;
  readonly fromVersion?: string;
  readonly to?: Digest;
  readonly reason?: string;
}

/** Reads this stack's last manifest from its outputs, or from its file; anything that is not one counts as none. */
export function parseManifest(value: unknown): ReleaseManifest | undefined {
  return isManifest(value) ? value : undefined;
}

/**
 * The manifest among the outputs of a stack's resources, as it is; undefined if nothing was released. If a program has several
 * releases, it is the one with these images. A release keeps it as an output of its own; older versions kept it as an output
 * of the stack.
 */
export function manifestAmong(
  outputs: readonly Readonly<Record<string, unknown>>[],
  images: readonly string[],
): unknown {
  const found = outputs.flatMap(({ manifest }) => (manifest === undefined ? [] : [manifest]));
  const isWanted = (value: unknown) =>
    parseManifest(value)?.images.some(({ name }) => images.includes(name)) === true;
  return found.find(isWanted) ?? found[0];
}

function isManifest(value: unknown): value is ReleaseManifest {
  return (
    isRecord(value) &&
    value.schema === 1 &&
    isText(value.stack) &&
    isText(value.revision) &&
    isRecord(value.skipped) &&
    isListOf(value.images, isImage)
  );
}

function isImage(value: unknown): value is ManifestImage {
  return (
    isRecord(value) &&
    isText(value.name) &&
    isText(value.contentKey) &&
    isDigest(value.digest) &&
    isListOf(value.platforms, isText) &&
    isListOf(value.repositories, isText) &&
    isListOf(value.references, isText) &&
    isListOf(value.tags, isTag)
  );
}

function isTag(value: unknown): value is ManifestTag {
  return isRecord(value) && isText(value.repository) && isText(value.name) && isDigest(value.digest);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isListOf<T>(value: unknown, isMember: (member: unknown) => member is T): value is T[] {
  return Array.isArray(value) && value.every(isMember);
}
