import { CONTENT_KEY_ANNOTATION } from "./annotations";
import type { Sighting } from "./planned-content";
import type { ImageIntent } from "./release-intent";
import type { PlannedContent } from "./release-plan";
import type { ReleaseStatement } from "./statement";

/** What the working tree is. */
export interface Source {
  /** The commit, 40 hex digits. */
  readonly revision: string;
  /** The repository's address, without credentials. */
  readonly remote?: string;
  /** It has changes that are in no commit. @default false */
  readonly dirty?: boolean;
}

export interface StatementInput {
  readonly intent: ImageIntent;
  readonly content: PlannedContent;
  /** `host/path`, the primary first. */
  readonly repositories: readonly string[];
  readonly source: Source;
  /** Every tag that was asked about and exists. */
  readonly sightings: readonly Sighting[];
}

/**
 * The statement of a release with a version: the one that is already attached to the digest, word for word, else a new
 * one. What today's working tree says of inputs is stated only for content that was made from it.
 */
export function plannedStatement(input: StatementInput): ReleaseStatement | undefined {
  const { intent, content, repositories, source } = input;
  // What exists was stated when it was released, and its statement comes along.
  if (content.from === "promotion") return undefined;
  if (content.from === "rollback") return content.statement;
  if (intent.version === undefined) return undefined;
  const lane = intent.image.lane ?? "";
  const existing = input.sightings.filter(
    ({ image }) => content.from !== "build" && image.digest === content.digest,
  );
  const stated = existing
    .flatMap(({ image }) => image.statements)
    .find((statement) => isStatementOf(statement, intent));
  if (stated !== undefined) return stated;
  const contentKey =
    content.from === "build"
      ? intent.contentKey
      : (existing[0]?.image.annotations[CONTENT_KEY_ANNOTATION] ?? "");
  const isOurs = contentKey === intent.contentKey;
  return {
    schema: 1,
    image: intent.name,
    lane,
    version: intent.version,
    revision: source.revision,
    ...(source.dirty === true && isOurs ? { dirty: true } : {}),
    ...(source.remote === undefined ? {} : { source: source.remote }),
    contentKey,
    platforms: intent.image.platforms,
    inputs: isOurs ? intent.buildArgs : {},
    bases: isOurs ? intent.bases : {},
    repositories,
  };
}

/** Whether a statement is about this image in this version and lane: lanes can share content, and so a digest. */
export function isStatementOf(statement: ReleaseStatement, intent: ImageIntent): boolean {
  return (
    statement.image === intent.name &&
    statement.lane === (intent.image.lane ?? "") &&
    statement.version === intent.version
  );
}
