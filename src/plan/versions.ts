/**
 * The names by which a release can be requested: git's grammar without spaces, shell or template characters, at most
 * 128 characters. `v1.2.3`, `standalone-v0.2.1`, `1.2.3+build.5`, `@octo/app@1.0.0`, `release/2025.11.0`.
 */
export const RELEASE_NAME_PATTERN =
  /^(?=.{1,128}$)(?!.*(?:\.\.|\/\/|\/\.|@\{|\.lock$|[/.]$))@?[A-Za-z0-9_][A-Za-z0-9._+/@-]*$/;

/** The source of a package's newest version: `npm:<package>`, or `npm:<package>@<tag>`. */
export const NPM_SOURCE_PATTERN =
  /^npm:((?:@[a-z0-9~][a-z0-9._~-]*\/)?[a-z0-9~][a-z0-9._~-]*)(?:@([A-Za-z][A-Za-z0-9._-]*))?$/;

export interface Version {
  /** As it is written: `v1.2.3`, `release-1.10`. */
  readonly text: string;
  /** `numbers`: the text is not semver. */
  readonly scheme: "semver" | "numbers";
  /**
   * The text without its numbers and a leading `v`: `N.N` for `1.2.3` and `2024.05`, `release-N.N`, `N-N-N`, `N` for a
   * build number. Only versions of the same form can be ordered.
   */
  readonly form: string;
  /** Numbers that are joined by dots or underscores form one run: `2024.05-3` has `[[2024, 5], [3]]`. */
  readonly runs: readonly (readonly number[])[];
  /** The letters of a rebuild (`b` in `v1.15.12b`), or empty. */
  readonly rebuild: string;
  /** Identifiers of a pre-release; empty for a stable version. */
  readonly prerelease: readonly Identifier[];
  /** Identifiers of a build, which is newer than the same version without one. */
  readonly build: readonly Identifier[];
  /** The commit at the end (`2024.05.01-3f2a9c0`), or empty. Two commits have no order. */
  readonly commit: string;
}

type Identifier = string | number;

/** What an image's tag rules say about the format of its versions. */
export interface VersionReading {
  /** How many numbers every version has. @default any */
  readonly numbers?: number;
  /** What follows the first `-` is a build (`5.2.2-211115`), unless it begins with a word such as `rc`. */
  readonly builds?: boolean;
}

/** How a version is written as a tag: `standalone-v` + version + `-alpine`. */
export interface VersionForm extends VersionReading {
  readonly prefix: string;
  readonly suffix: string;
}

const NUMBER = "0|[1-9][0-9]*";
const IDENTIFIERS = "[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*";
/** A word that begins with a letter may precede the version: `standalone-v`, `k8s-`. */
const SEMVER = new RegExp(
  `^((?:[A-Za-z](?:[^+]*?[^0-9.+])??)??)(${NUMBER})\\.(${NUMBER})\\.(${NUMBER})([a-z]*)(?:-(${IDENTIFIERS}))?(?:\\+(${IDENTIFIERS}))?$`,
);

/** With these words, `1.0.0beta` is a pre-release and not a rebuild that comes after `1.0.0`. */
const PRERELEASE_WORDS = "alpha beta rc pre preview dev snapshot next nightly canary test milestone".split(
  " ",
);
const PRERELEASE_WORD = `(?:${PRERELEASE_WORDS.join("|")})(?![a-z])`;
const STARTS_AS_PRERELEASE = new RegExp(`^${PRERELEASE_WORD}`, "i");
/** Also Python's `1.2b1` and Java's `1.2.M1`; a letter without a number is a rebuild. */
const PRERELEASE = new RegExp(`(?<=[0-9])(?:[._-]?${PRERELEASE_WORD}|[abc](?=[0-9])|[._-]m(?=[0-9]))`, "i");
const RUN = /[0-9]+(?:\.[0-9]+)+|[0-9]+(?:_[0-9]+)+|[0-9]+/g;
/** At least one letter, since digits alone could be a number. */
const COMMIT = /^(?=[0-9]*[a-f])[0-9a-f]{7,64}$/;
/** Python's `1.2.post1`. */
const POST = /(?<=[0-9])[._-]?post[._-]?([0-9]+)$/i;
/** The `g` is from `git describe`: `v1.2-3-g3f2a9c0`. */
const COMMIT_AT_END = /[._-]g?((?=[0-9]*[a-f])[0-9a-f]{7,64})$/;

/**
 * Reads a version: semver, optionally after a word (`k8s-v1.2.3`) and with a rebuild's letters (`v1.15.12b`), or any
 * other text with numbers (`147`, `2024.05.01`, `1.2.3.4`, `release_1_10`). Returns undefined for a text without a
 * number, a commit, numbers beyond 2^53, and texts that no tag can contain.
 */
export function parseVersion(text: string, reading: VersionReading = {}): Version | undefined {
  const version = reading.builds ? parseWithBuild(text) : parsePlain(text);
  const { numbers } = reading;
  return numbers === undefined || version?.runs.flat().length === numbers ? version : undefined;
}

function parsePlain(text: string): Version | undefined {
  if (text.length > 128 || COMMIT.test(text)) return undefined;
  return parseSemver(text) ?? parseNumbers(text);
}

function parseWithBuild(text: string): Version | undefined {
  const at = text.search(/(?<=[0-9])-/);
  const build = text.slice(at + 1);
  const isBuild = at !== -1 && /[0-9]/.test(build) && !STARTS_AS_PRERELEASE.test(build);
  const version = parsePlain(isBuild ? text.slice(0, at) : text);
  return isBuild && version !== undefined ? { ...version, text, build: identifiersIn(build) } : version;
}

function parseSemver(text: string): Version | undefined {
  const match = SEMVER.exec(text);
  if (match === null) return undefined;
  const [, word = "", major, minor, patch, rebuild = "", prereleaseText, buildText] = match;
  const numbers = [major, minor, patch].map(Number);
  const prerelease = prereleaseText === undefined ? [] : prereleaseText.split(".").map(readIdentifier);
  if (!numbers.every(Number.isSafeInteger)) return undefined;
  if (prerelease.includes(undefined) || STARTS_AS_PRERELEASE.test(rebuild)) return undefined;
  return {
    text,
    scheme: "semver",
    form: formOf(`${word}${numbers.join(".")}`),
    runs: [...runsIn(word), numbers],
    rebuild,
    prerelease: prerelease.filter((identifier) => identifier !== undefined),
    build: buildText === undefined ? [] : buildText.split("."),
    commit: "",
  };
}

/** Returns undefined for a number with leading zeros, which semver forbids. */
function readIdentifier(text: string): Identifier | undefined {
  if (!/^[0-9]+$/.test(text)) return text;
  const number = Number(text);
  if (text.length > 1 && text.startsWith("0")) return undefined;
  return Number.isSafeInteger(number) ? number : undefined;
}

function parseNumbers(text: string): Version | undefined {
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(text)) return undefined;
  const [, commit = ""] = COMMIT_AT_END.exec(text) ?? [];
  const whole = text.replace(COMMIT_AT_END, "");
  const at = whole.search(PRERELEASE);
  const beforePrerelease = at === -1 ? whole : whole.slice(0, at);
  const [, post] = POST.exec(beforePrerelease) ?? [];
  const stable = beforePrerelease.replace(POST, "");
  const [rebuild = ""] = /(?<=[0-9])[a-z]{1,2}$/.exec(stable) ?? [];
  const release = stable.slice(0, stable.length - rebuild.length);
  const runs = runsIn(release);
  if (runs.length === 0 || !runs.flat().every(Number.isSafeInteger)) return undefined;
  return {
    text,
    scheme: "numbers",
    form: formOf(release),
    runs,
    rebuild,
    prerelease: at === -1 ? [] : identifiersIn(whole.slice(at)),
    build: post === undefined ? [] : [Number(post)],
    commit,
  };
}

function runsIn(text: string): number[][] {
  return [...text.matchAll(RUN)].map(([run]) => run.split(/[._]/).map(Number));
}

function formOf(release: string): string {
  return release
    .replace(/^v(?=[0-9])/i, "")
    .replace(RUN, (run) => (/[._]/.exec(run) === null ? "N" : `N${/[._]/.exec(run)}N`));
}

/** `-rc2` -> `["rc", 2]`, so that 10 comes after 9. */
function identifiersIn(text: string): Identifier[] {
  return (text.toLowerCase().match(/[0-9]+|[a-z]+/g) ?? []).map((part) =>
    /[0-9]/.test(part) ? Number(part) : part,
  );
}

/**
 * The order of versions: by numbers, then a rebuild's letters, then semver's rule for pre-releases, then builds:
 * `1.15.12-rc.1 < 1.15.12 < 1.15.12b < 1.15.13`. Undefined for versions of different forms (`147` and `1.2.3`,
 * `release-1.10` and `1.10`), and of the same numbers and two commits. A leading `v` makes no difference.
 */
export function compareVersions(a: Version, b: Version): -1 | 0 | 1 | undefined {
  if (a.form !== b.form) return undefined;
  const order =
    firstOrder(a.runs, b.runs, compareRuns) ||
    compare(a.rebuild.length, b.rebuild.length) ||
    compare(a.rebuild, b.rebuild) ||
    comparePrereleases(a.prerelease, b.prerelease) ||
    compareLists(a.build, b.build) ||
    // `1.2` and `1.2.0` are different tags.
    compare(a.runs.flat().length, b.runs.flat().length);
  return order === 0 && a.commit !== b.commit ? undefined : order;
}

type Order = -1 | 0 | 1;

function compareRuns(a: readonly number[], b: readonly number[]): Order {
  const length = Math.max(a.length, b.length);
  const padded = (run: readonly number[]) => Array.from({ length }, (_, index) => run[index] ?? 0);
  return firstOrder(padded(a), padded(b), compare);
}

function comparePrereleases(a: Version["prerelease"], b: Version["prerelease"]): Order {
  return a.length === 0 || b.length === 0 ? compare(b.length, a.length) : compareLists(a, b);
}

function compareLists(a: readonly Identifier[], b: readonly Identifier[]): Order {
  return firstOrder(a, b, compareIdentifiers) || compare(a.length, b.length);
}

function compareIdentifiers(a: Identifier, b: Identifier): Order {
  if (typeof a === "number" && typeof b === "number") return compare(a, b);
  if (typeof a === "string" && typeof b === "string") return compare(a, b);
  return typeof a === "number" ? -1 : 1;
}

function firstOrder<T>(a: readonly T[], b: readonly T[], compareTwo: (a: T, b: T) => Order): Order {
  for (const [index, left] of a.entries()) {
    const right = b[index];
    const order = right === undefined ? 0 : compareTwo(left, right);
    if (order !== 0) return order;
  }
  return 0;
}

function compare<T extends number | string>(a: T, b: T): Order {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

export function isPrerelease(version: Version): boolean {
  return version.prerelease.length > 0;
}

/** The versions among which a floating tag points to the newest: all, or those of a major, a minor or a patch. */
export interface VersionLine {
  readonly major?: number;
  readonly minor?: number;
  readonly patch?: number;
}

/** Major, minor, patch and further numbers, without those in a word before semver (`k8s-v1.2.3`). */
export function numbersOf({ scheme, runs }: Version): readonly number[] {
  return scheme === "semver" ? (runs.at(-1) ?? []) : runs.flat();
}

function isInLine(version: Version, { major, minor, patch }: VersionLine): boolean {
  const numbers = numbersOf(version);
  return [major, minor, patch].every(
    (number, index) => number === undefined || number === (numbers[index] ?? 0),
  );
}

/** The highest version of a line. @param versions all of the same form */
export function newest(
  versions: readonly Version[],
  options: { readonly line?: VersionLine; readonly includePrerelease?: boolean } = {},
): Version | undefined {
  const { line = {}, includePrerelease = false } = options;
  return versions
    .filter((version) => isInLine(version, line) && (includePrerelease || !isPrerelease(version)))
    .reduce<Version | undefined>(
      (best, version) => (best === undefined || compareVersions(version, best) === 1 ? version : best),
      undefined,
    );
}

export function tagOfVersion(text: string, { prefix, suffix }: VersionForm): string {
  return `${prefix}${text}${suffix}`;
}

/** The version in a tag's name, if it is written in this form. */
export function versionOfTag(name: string, form: VersionForm): Version | undefined {
  if (name.length <= form.prefix.length + form.suffix.length) return undefined;
  if (!name.startsWith(form.prefix) || !name.endsWith(form.suffix)) return undefined;
  return parseVersion(name.slice(form.prefix.length, name.length - form.suffix.length), form);
}
