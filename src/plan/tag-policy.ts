import { type Digest, shortDigest } from "./digest";
import {
  compareVersions,
  isPrerelease,
  newest,
  parseVersion,
  type Version,
  type VersionForm,
  type VersionLine,
  versionOfTag,
} from "./versions";

/**
 * What a tag promises. It follows from the rule that makes the tag, never from the tag's text.
 *
 * - `version`: write-once.
 * - `floating`: moves forward only.
 * - `revision`: belongs to one commit, and moves only to other content of that commit.
 */
export type TagClass = "version" | "floating" | "revision";

/** What one tag of an image should become. */
export interface DesiredTag {
  readonly name: string;
  readonly class: TagClass;
  /** For floating tags. @default all versions */
  readonly line?: VersionLine;
  readonly form: VersionForm;
  /** The version being released, without the form. Absent for a release without one. */
  readonly version?: string;
  readonly revision: string;
  readonly digest?: Digest;
  /** `slipway:override` names it, so it is written whatever the policy says. */
  readonly overridden: boolean;
  /** Versions that never count as the newest, without the form. @default none */
  readonly bad?: readonly string[];
  /** Set if a floating tag moves back on purpose, until a version newer than `until` is released. */
  readonly rollback?: { readonly until?: string };
  /** `move`: a pre-release counts as any other version. @default it moves no floating tag */
  readonly prereleases?: "move";
}

export interface LiveTag {
  readonly digest: Digest;
  /** From the image's own annotations or, for a version tag, its name. */
  readonly version?: string;
  readonly revision?: string;
  /** Releases are signed, but no trusted signer vouches for this image, so its own version and commit do not count. */
  readonly unverified?: true;
}

/** Whether the live tag's commit is an ancestor of the one being released. */
export type Ancestry = "ancestor" | "descendant" | "diverged" | "unknown";

export type TagDecision =
  | { readonly action: "unchanged" }
  /** `reason` is set if something else than the order of versions decided. */
  | { readonly action: "create" | "move"; readonly reason?: string }
  /** A floating tag that rightly stays where it is. */
  | { readonly action: "keep"; readonly code: string; readonly reason: string }
  | { readonly action: "refuse"; readonly code: string; readonly reason: string };

/**
 * Decides whether a tag may be written. The plan calls this, and so does the provider at the moment of writing.
 *
 * @param existing the names of all version tags in the image's repositories
 */
export function decideTag(
  desired: DesiredTag,
  live: LiveTag | undefined,
  existing: readonly string[],
  ancestry: Ancestry,
): TagDecision {
  if (live !== undefined && live.digest === desired.digest) return { action: "unchanged" };
  const move: TagDecision = { action: live === undefined ? "create" : "move" };
  if (desired.overridden) return move;
  switch (desired.class) {
    case "version":
      if (live === undefined) return move;
      return refuse(
        "tag-write-once",
        `${desired.name} is a version tag and already points to ${describe(live)}`,
      );
    case "revision":
      if (live === undefined || live.unverified || live.revision === desired.revision) return move;
      return refuse(
        "tag-other-revision",
        live.revision === undefined
          ? `${desired.name} points to ${describe(live)}, which ${NAMES_NO_COMMIT}`
          : `${desired.name} belongs to commit ${live.revision.slice(0, 12)}, and this is commit ${desired.revision.slice(0, 12)}`,
      );
    case "floating":
      return decideFloating(desired, live, existing, ancestry) ?? move;
  }
}

/** Returns undefined if the tag moves to what is released. */
function decideFloating(
  desired: DesiredTag,
  live: LiveTag | undefined,
  existing: readonly string[],
  ancestry: Ancestry,
): TagDecision | undefined {
  const version = ownVersion(desired);
  if (isBad(desired, version)) return keep("tag-bad-version", `${desired.version} is listed as bad`);
  if (version === undefined) return decideByCommits(desired, live, ancestry);
  if (isPrerelease(version) && desired.prereleases !== "move") {
    const { build = [] } = parseVersion(version.text, { builds: true }) ?? {};
    const setting =
      build.length === 0 ? "" : "; slipway-suffix=build on its tag rule makes the suffix a build";
    return keep(
      "tag-prerelease",
      `${desired.version} is a pre-release, and a pre-release moves no floating tag${setting}`,
    );
  }
  const newer = newerVersion(desired, existing);
  if (newer !== undefined)
    return keep("tag-newer-exists", `${newer.text} exists and is newer than ${desired.version}`);
  return isOrdered(desired, version, live, existing) ? undefined : decideByCommits(desired, live, ancestry);
}

/** The version being released. A commit's abbreviated name is not one, even if it has digits only. */
function ownVersion({ version, form, revision }: DesiredTag): Version | undefined {
  if (version === undefined || (/^[0-9]{7,}$/.test(version) && revision.startsWith(version)))
    return undefined;
  return parseVersion(version, form);
}

/** Whether the order of versions decides where a floating tag belongs, and not the commit graph. */
export function followsVersions(
  desired: DesiredTag,
  live: LiveTag | undefined,
  existing: readonly string[],
): boolean {
  const version = ownVersion(desired);
  return version !== undefined && isOrdered(desired, version, live, existing);
}

/**
 * Whether the released version can be compared with the one that the tag points to; if that names no version, with any
 * other one. A semver rule knows only semver's versions, which can always be compared.
 */
function isOrdered(
  { form }: DesiredTag,
  version: Version,
  live: LiveTag | undefined,
  existing: readonly string[],
): boolean {
  if (form.numbers !== undefined || live === undefined || live.unverified) return true;
  if (live.version === undefined) {
    const others = existingVersions(existing, form).map((known) => compareVersions(known, version));
    return version.scheme === "semver" || others.includes(-1);
  }
  const other = parseVersion(live.version, form);
  return other === undefined || compareVersions(other, version) !== undefined;
}

function keep(code: string, reason: string): TagDecision {
  return { action: "keep", code, reason };
}

function refuse(code: string, reason: string): TagDecision {
  return { action: "refuse", code, reason };
}

const NAMES_NO_COMMIT = "does not say which commit it is";

/**
 * The newest existing version in the tag's line and the released version's form. Bad versions do not count, and during
 * a rollback neither do those up to its `until`.
 */
export function newestVersion(desired: DesiredTag, existing: readonly string[]): Version | undefined {
  const own = ownVersion(desired);
  const counting = existingVersions(existing, desired.form).filter(
    (version) => version.form === own?.form && counts(desired, version),
  );
  return newest(counting, { line: desired.line, includePrerelease: desired.prereleases === "move" });
}

/** The newest version, if it is newer than the desired one and so keeps the floating tag. */
export function newerVersion(desired: DesiredTag, existing: readonly string[]): Version | undefined {
  const own = ownVersion(desired);
  if (own === undefined) return undefined;
  const best = newestVersion(desired, existing);
  return best !== undefined && compareVersions(best, own) === 1 ? best : undefined;
}

function counts(desired: DesiredTag, version: Version): boolean {
  if (isBad(desired, version)) return false;
  if (desired.rollback === undefined) return true;
  const until = parseVersion(desired.rollback.until ?? "", desired.form);
  return until !== undefined && compareVersions(version, until) === 1;
}

function isBad({ bad = [], form, ...desired }: DesiredTag, version: Version | undefined): boolean {
  if (version === undefined) return desired.version !== undefined && bad.includes(desired.version);
  return bad.some((text) => {
    const known = parseVersion(text, form);
    return known !== undefined && compareVersions(known, version) === 0;
  });
}

/** Without an order of versions, the commit graph decides: no tag moves back to an ancestor, and `latest` only forward. */
function decideByCommits(
  desired: DesiredTag,
  live: LiveTag | undefined,
  ancestry: Ancestry,
): TagDecision | undefined {
  if (live === undefined || live.unverified || desired.rollback !== undefined) return undefined;
  const why = withoutOrder(desired, live);
  const isOlder = ancestry === "ancestor" || live.revision === desired.revision;
  if (isOlder || (ancestry !== "descendant" && desired.line === undefined)) {
    return why === undefined ? undefined : { action: "move", reason: why };
  }
  const relation = {
    descendant: "which is newer than this commit",
    diverged: "which is no ancestor of this commit",
    unknown:
      live.revision === undefined
        ? `which ${NAMES_NO_COMMIT}`
        : "a commit that this clone does not have; fetch the whole history",
  }[ancestry];
  return keep(
    "tag-not-descendant",
    `${why === undefined ? "" : `${why}: `}it points to ${describe(live)}, ${relation}`,
  );
}

/** Why the commit graph decides, although the release has a version. */
function withoutOrder({ version }: DesiredTag, live: LiveTag): string | undefined {
  if (version === undefined) return undefined;
  const other = live.version === undefined || live.version === version ? "" : ` and ${live.version}`;
  return `${version}${other} cannot be ordered as versions, so the commit graph decided`;
}

/** The versions among a repository's tags, as far as they are written in this form. */
export function existingVersions(names: readonly string[], form: VersionForm): Version[] {
  return names.flatMap((name) => versionOfTag(name, form) ?? []);
}

function describe(live: LiveTag): string {
  const known = live.version ?? live.revision?.slice(0, 7);
  return `${shortDigest(live.digest)}${known === undefined ? "" : ` (${known})`}`;
}
