import type { Digest } from "./digest";
import { isRecord } from "./record";

/**
 * What a version is, attached to its digest as a referrer. It holds no clock and no digest of its own content, so
 * that stating the same release again gives the same bytes.
 */
export interface ReleaseStatement {
  readonly schema: 1;
  readonly image: string;
  /** Empty for a project without lanes. */
  readonly lane: string;
  readonly version: string;
  /** The commit, 40 hex digits. */
  readonly revision: string;
  /** The working tree had changes that are in no commit, so `revision` is not all that it was made from. */
  readonly dirty?: true;
  /** Where the source is, without credentials. */
  readonly source?: string;
  readonly contentKey: string;
  readonly platforms: readonly string[];
  /** Resolved build arguments. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Base images as they were resolved: reference -> digest. */
  readonly bases: Readonly<Record<string, Digest>>;
  /** Repositories the release went to, the primary first. */
  readonly repositories: readonly string[];
}

/**
 * What content is, signed by the stack right after it was built and attached to its digest. A tag or an annotation that
 * names content is only a hint; the claim verifies it. It is bound to an image, a lane and repositories, so that
 * content cannot be passed off under another name.
 */
export interface ContentClaim {
  readonly schema: 1;
  readonly image: string;
  /** Empty for a project without lanes. */
  readonly lane: string;
  /** The version that it was built for; absent for a release without one. */
  readonly version?: string;
  /** The commit, 40 hex digits. */
  readonly revision: string;
  readonly contentKey: string;
  /** The tag that names a base's content, `base-3f2a9c01b7de`; absent for everything else. */
  readonly tag?: string;
  /** `host/path` of every repository that it was pushed to, the primary first. */
  readonly repositories: readonly string[];
}

/** What trusted signers say about a digest. Only statements whose signatures were verified are here. */
export interface SignedFacts {
  readonly claims: readonly ContentClaim[];
  readonly statements: readonly ReleaseStatement[];
}

/** Reads a statement from the predicate of an in-toto statement; undefined when it is something else. */
export function parseStatement(value: unknown): ReleaseStatement | undefined {
  return isStatement(value) ? value : undefined;
}

/** Reads a claim from the predicate of an in-toto statement; undefined when it is something else. */
export function parseClaim(value: unknown): ContentClaim | undefined {
  return isClaim(value) ? value : undefined;
}

function isStatement(value: unknown): value is ReleaseStatement {
  return (
    isClaim(value) &&
    isText(value.version) &&
    "platforms" in value &&
    isTexts(value.platforms) &&
    "inputs" in value &&
    isTextRecord(value.inputs) &&
    "bases" in value &&
    isTextRecord(value.bases)
  );
}

function isClaim(value: unknown): value is ContentClaim {
  return (
    isRecord(value) &&
    value.schema === 1 &&
    [value.image, value.lane, value.revision, value.contentKey].every(isText) &&
    (value.version === undefined || isText(value.version)) &&
    (value.tag === undefined || isText(value.tag)) &&
    isTexts(value.repositories)
  );
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(isText);
}

function isTextRecord(value: unknown): boolean {
  return isRecord(value) && Object.values(value).every(isText);
}
