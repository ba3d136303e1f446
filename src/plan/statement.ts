import type { Digest } from "./digest";
import { isListOf, isRecord, isText } from "./record";
import type { VerifiedImage } from "./registry-state";
import type { ImageIntent } from "./release-intent";
import type { PlannedContent } from "./release-plan";

/**
 * Says what a digest is made of. The stack signs it right after a build, and attaches it to the digest. It is bound to an
 * image, a lane and repositories, so that content cannot be passed off under another name.
 */
export interface ContentClaim {
  readonly schema: 1;
  readonly image: string;
  /** Empty for a project without lanes. */
  readonly lane: string;
  /** The version that it was built for, if there was one. */
  readonly version?: string;
  /** The commit, 40 hex digits. */
  readonly revision: string;
  readonly contentKey: string;
  /** For a base: its tag, `base-3f2a9c01b7de`. */
  readonly tag?: string;
  /** For a base, which has no release statement: reference of an image that it was built on -> its digest. */
  readonly bases?: Readonly<Record<string, Digest>>;
  /** `host/path` of all repositories that it was pushed to, the primary first. */
  readonly repositories: readonly string[];
}

/**
 * Says what a version is; attached to its digest as a referrer. It contains no time, so that stating the same release
 * again gives the same bytes.
 */
export interface ReleaseStatement extends Omit<ContentClaim, "tag"> {
  readonly version: string;
  /** The working tree had changes that are in no commit. */
  readonly dirty?: true;
  /** Where the source is, without credentials. */
  readonly source?: string;
  readonly platforms: readonly string[];
  /** Resolved build arguments. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Reference of a base image -> the digest that it was resolved to. */
  readonly bases: Readonly<Record<string, Digest>>;
}

/** What trusted signers say about a digest, by verified signatures. */
export interface SignedFacts {
  readonly claims: readonly ContentClaim[];
  readonly statements: readonly ReleaseStatement[];
}

export function parseStatement(value: unknown): ReleaseStatement | undefined {
  return isStatement(value) ? value : undefined;
}

export function parseClaim(value: unknown): ContentClaim | undefined {
  return isClaim(value) ? value : undefined;
}

function isStatement(value: unknown): value is ReleaseStatement {
  return (
    isClaim(value) &&
    isText(value.version) &&
    "platforms" in value &&
    isListOf(value.platforms, isText) &&
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
    (value.bases === undefined || isTextRecord(value.bases)) &&
    isListOf(value.repositories, isText)
  );
}

function isTextRecord(value: unknown): boolean {
  return isRecord(value) && Object.values(value).every(isText);
}

/** The commit that is released. */
export interface Source {
  readonly revision: string;
  /** The repository's address, without credentials. */
  readonly remote?: string;
  /** The working tree has changes that are in no commit. @default false */
  readonly dirty?: boolean;
}

interface StatementInput {
  readonly intent: ImageIntent;
  readonly content: PlannedContent;
  readonly verified: VerifiedImage | undefined;
  readonly repositories: readonly string[];
  readonly source: Source;
  readonly signing: boolean;
}

/**
 * The statement of a release with a version: a verified one that is attached to the digest already, else a new one. The
 * working tree's inputs are stated only for content that was made from them.
 */
export function plannedStatement(input: StatementInput): ReleaseStatement | undefined {
  const { intent, content, repositories, source } = input;
  // Promoted content was stated when it was released, and its statement is copied too.
  if (content.from === "promotion") return undefined;
  if (content.from === "rollback") return content.statement;
  if (intent.version === undefined) return undefined;
  const lane = intent.image.lane ?? "";
  const stated = input.verified?.statements.filter((statement) => isStatementOf(statement, intent)) ?? [];
  const [first] = stated;
  if (first !== undefined) {
    const covers = ({ repositories: known }: ReleaseStatement) =>
      repositories.every((repository) => known.includes(repository));
    const exact = stated.find((it) => covers(it) && it.repositories.length === repositories.length);
    // A signed statement counts only in the repositories that it names.
    const extended = input.signing ? { ...first, repositories } : first;
    return exact ?? stated.find(covers) ?? extended;
  }
  const contentKey = content.from === "build" ? intent.contentKey : (input.verified?.contentKey ?? "");
  const isOurs = contentKey === intent.contentKey;
  return {
    schema: 1,
    image: intent.name,
    lane,
    version: intent.version,
    revision: source.revision,
    dirty: source.dirty === true && isOurs ? true : undefined,
    source: source.remote,
    contentKey,
    platforms: intent.image.platforms,
    inputs: isOurs ? intent.buildArgs : {},
    bases: isOurs ? intent.bases : {},
    repositories,
  };
}

/**
 * The claim of content that is built or found by its key. A release that exists needs none, since its statement says
 * more. A claim that is attached already and names every repository is reused.
 */
export function plannedClaim(input: StatementInput): ContentClaim | undefined {
  const { intent, content, verified, repositories, source } = input;
  if (content.from !== "build" && content.from !== "candidate") return undefined;
  const known = verified?.claim;
  if (known !== undefined && repositories.every((repository) => known.repositories.includes(repository)))
    return known;
  return {
    schema: 1,
    image: intent.name,
    lane: intent.image.lane ?? "",
    version: intent.version,
    revision: verified?.revision ?? source.revision,
    // A pinned base was built from another working tree.
    contentKey: verified?.contentKey || intent.contentKey,
    tag: intent.image.addressed === undefined ? undefined : intent.candidateTag,
    // What is found was built on what its first claim says.
    bases: intent.image.addressed === undefined || content.from !== "build" ? known?.bases : intent.bases,
    repositories,
  };
}

/** Whether a statement is about this image in this version and lane. Lanes can share a digest. */
export function isStatementOf(statement: ReleaseStatement, intent: ImageIntent): boolean {
  return (
    statement.image === intent.name &&
    statement.lane === (intent.image.lane ?? "") &&
    statement.version === intent.version
  );
}
