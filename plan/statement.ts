import type { Digest } from "./digest";

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

/** Reads a statement from the predicate of an in-toto statement; undefined when it is something else. */
export function parseStatement(value: unknown): ReleaseStatement | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const candidate: Partial<Record<keyof ReleaseStatement, unknown>> = value;
  const texts = [
    candidate.image,
    candidate.lane,
    candidate.version,
    candidate.revision,
    candidate.contentKey,
  ];
  if (candidate.schema !== 1 || texts.some((text) => typeof text !== "string")) return undefined;
  return isStatement(value) ? value : undefined;
}

function isStatement(value: object): value is ReleaseStatement {
  return (
    "platforms" in value &&
    Array.isArray(value.platforms) &&
    "repositories" in value &&
    Array.isArray(value.repositories) &&
    "inputs" in value &&
    typeof value.inputs === "object" &&
    value.inputs !== null &&
    "bases" in value &&
    typeof value.bases === "object" &&
    value.bases !== null
  );
}
