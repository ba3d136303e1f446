import { type Digest, shortDigest } from "./digest";
import {
  compareVersions,
  isPrerelease,
  matchesLine,
  newest,
  parseVersion,
  type Version,
  type VersionLine,
} from "./versions";

/**
 * What a tag promises. It comes from the rule that makes the tag, never from the tag's shape.
 *
 * - `version`: write-once.
 * - `floating`: moves forward only.
 * - `revision`: belongs to one commit, and moves only to other content of that commit.
 */
export type TagClass = "version" | "floating" | "revision";

/** How a version is written as a tag: `standalone-v` + version + `-alpine`. */
export interface VersionForm {
  readonly prefix: string;
  readonly suffix: string;
}

/** What one tag of one image in one repository should become. */
export interface TagWish {
  readonly name: string;
  readonly class: TagClass;
  /** Floating tags only. Default: all versions. */
  readonly line?: VersionLine;
  readonly form: VersionForm;
  /** The version being released, as written without the form; absent for a release without one. */
  readonly version?: string;
  readonly revision: string;
  readonly digest?: Digest;
  /** The owner said that this refusal does not hold. */
  readonly overruled: boolean;
  /** Versions that never count as the newest, without their form. Default: none. */
  readonly bad?: readonly string[];
  /** Set where a floating tag goes back on purpose. */
  readonly rollback?: {
    readonly until?: string;
  };
  /** `move`: a pre-release counts as any other version. Default: it moves no floating tag. */
  readonly prereleases?: "move";
}

export interface LiveTag {
  readonly digest: Digest;
  /** From the image's own annotations or, for a version tag, its name. */
  readonly version?: string;
  readonly revision?: string;
  /** Releases are signed, and no trusted signer vouches for this image: what it says of itself counts for nothing. */
  readonly unverified?: true;
}

/** Whether the live tag's commit is an ancestor of the one being released. */
export type Ancestry = "ancestor" | "descendant" | "diverged" | "unknown";

export type TagDecision =
  | { readonly action: "create" | "move" | "unchanged" }
  /** A floating tag that stays where it is, rightly. */
  | { readonly action: "keep"; readonly code: string; readonly reason: string }
  | { readonly action: "refuse"; readonly code: string; readonly reason: string };

/**
 * The one rule by which a tag may be written, asked when planning and again at the moment of writing.
 *
 * @param existing every version tag's name in the image's repositories
 */
export function decideTag(
  wish: TagWish,
  live: LiveTag | undefined,
  existing: readonly string[],
  ancestry: Ancestry,
): TagDecision {
  if (live !== undefined && live.digest === wish.digest) return { action: "unchanged" };
  const move = { action: live === undefined ? ("create" as const) : ("move" as const) };
  if (wish.overruled) return move;
  switch (wish.class) {
    case "version":
      if (live === undefined) return move;
      return refuse(
        "tag-write-once",
        `${wish.name} is a version tag and already points to ${describe(live)}`,
      );
    case "revision":
      if (live === undefined || live.unverified || live.revision === wish.revision) return move;
      return refuse(
        "tag-other-revision",
        live.revision === undefined
          ? `${wish.name} points to ${describe(live)}, which ${NAMES_NO_COMMIT}`
          : `${wish.name} belongs to commit ${live.revision.slice(0, 12)}, and this is commit ${wish.revision.slice(0, 12)}`,
      );
    case "floating":
      return floatingKept(wish, live, existing, ancestry) ?? move;
  }
}

function floatingKept(
  wish: TagWish,
  live: LiveTag | undefined,
  existing: readonly string[],
  ancestry: Ancestry,
): TagDecision | undefined {
  const version = wish.version === undefined ? undefined : parseVersion(wish.version);
  if (version === undefined) return unversionedKept(wish, live, ancestry);
  if (isPrerelease(version) && wish.prereleases !== "move") {
    return keep(
      "tag-prerelease",
      `${wish.version} is a pre-release, and a pre-release moves no floating tag`,
    );
  }
  if (isBad(wish, version)) return keep("tag-bad-version", `${wish.version} is listed as bad`);
  const newer = newerVersion(wish, existing);
  if (newer === undefined) return undefined;
  return keep("tag-newer-exists", `${newer.text} exists and is newer than ${wish.version}`);
}

function keep(code: string, reason: string): TagDecision {
  return { action: "keep", code, reason };
}

function refuse(code: string, reason: string): TagDecision {
  return { action: "refuse", code, reason };
}

const NAMES_NO_COMMIT = "does not say which commit it is";

/**
 * The newest version that exists in the tag's line, and counts: bad ones never do, and a rollback goes back behind all those
 * up to its `until`.
 */
export function newestVersion(wish: TagWish, existing: readonly string[]): Version | undefined {
  const counting = existingVersions(existing, wish.form).filter((version) => counts(wish, version));
  return newestIn(counting, wish.line, wish.prereleases === "move");
}

/** The newest version if it is newer than the desired one: then it holds the floating tag. */
export function newerVersion(wish: TagWish, existing: readonly string[]): Version | undefined {
  const own = wish.version === undefined ? undefined : parseVersion(wish.version);
  if (own === undefined) return undefined;
  const best = newestVersion(wish, existing);
  return best !== undefined && compareVersions(best, own) > 0 ? best : undefined;
}

function counts(wish: TagWish, version: Version): boolean {
  if (isBad(wish, version)) return false;
  if (wish.rollback === undefined) return true;
  const until = wish.rollback.until === undefined ? undefined : parseVersion(wish.rollback.until);
  return until !== undefined && compareVersions(version, until) > 0;
}

function isBad({ bad = [] }: TagWish, version: Version): boolean {
  return bad.some((text) => {
    const known = parseVersion(text);
    return known !== undefined && compareVersions(known, version) === 0;
  });
}

/** Without versions, time is the commit graph: never back to an ancestor, and `latest` only ever forward. */
function unversionedKept(
  wish: TagWish,
  live: LiveTag | undefined,
  ancestry: Ancestry,
): TagDecision | undefined {
  if (live === undefined || live.unverified) return undefined;
  if (ancestry === "ancestor" || live.revision === wish.revision) return undefined;
  const isLatest = wish.line !== undefined;
  if (ancestry !== "descendant" && !isLatest) return undefined;
  const relation = {
    descendant: "which is newer than this commit",
    diverged: "which is no ancestor of this commit",
    unknown:
      live.revision === undefined
        ? `which ${NAMES_NO_COMMIT}`
        : "a commit that this clone does not have; fetch the whole history",
  }[ancestry];
  return keep("tag-not-descendant", `it points to ${describe(live)}, ${relation}`);
}

/** The versions that a repository's tag names stand for, in one form. Partial and foreign names are left out. */
export function existingVersions(names: readonly string[], form: VersionForm): Version[] {
  return names.flatMap((name) => versionOfTag(name, form) ?? []);
}

/** The name of a version's tag. */
export function tagOfVersion(text: string, { prefix, suffix }: VersionForm): string {
  return `${prefix}${text}${suffix}`;
}

/** The full version in a tag's name: `1.2` and `latest` have none. */
function versionOfTag(name: string, form: VersionForm): Version | undefined {
  if (name.length <= form.prefix.length + form.suffix.length) return undefined;
  if (!name.startsWith(form.prefix) || !name.endsWith(form.suffix)) return undefined;
  return parseVersion(name.slice(form.prefix.length, name.length - form.suffix.length));
}

/** The newest of a line; pre-releases count only where they are asked for. */
export function newestIn(
  versions: readonly Version[],
  line: VersionLine = {},
  includePrerelease = false,
): Version | undefined {
  return newest(
    versions.filter((version) => matchesLine(version, line)),
    { includePrerelease },
  );
}

function describe(live: LiveTag): string {
  const known = live.version ?? live.revision?.slice(0, 7);
  return `${shortDigest(live.digest)}${known === undefined ? "" : ` (${known})`}`;
}
