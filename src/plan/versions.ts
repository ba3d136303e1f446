/** Versions of releases: read, compare, choose. The order of versions is here and nowhere else. */

/**
 * What may be asked for as a version or a tag: git's grammar without spaces, shell or template characters, at most 128
 * characters. `v1.2.3`, `standalone-v0.2.1`, `1.2.3+build.5`, `@octo/app@1.0.0`, `release/2025.11.0`.
 */
export const RELEASE_NAME_PATTERN =
  /^(?=.{1,128}$)(?!.*(?:\.\.|\/\/|\/\.|@\{|\.lock$|[/.]$))@?[A-Za-z0-9_][A-Za-z0-9._+/@-]*$/;

/** Where the newest version of a package is asked for: `npm:<package>`, or `npm:<package>@<tag>`. */
export const NPM_SOURCE_PATTERN =
  /^npm:((?:@[a-z0-9~][a-z0-9._~-]*\/)?[a-z0-9~][a-z0-9._~-]*)(?:@([A-Za-z][A-Za-z0-9._-]*))?$/;

export interface Version {
  /** As it was written: `v1.2.3`, `release-1.10`. */
  readonly text: string;
  /** `numbers` is everything that semver does not read. */
  readonly scheme: "semver" | "numbers";
  /**
   * The text without its numbers, and without a leading `v`: `N.N` for `1.2.3` and for `2024.05`, `release-N.N`, `N-N-N`,
   * `N` for a build number. Only versions of one form can be ordered.
   */
  readonly form: string;
  /** Numbers that dots or underscores join are one run, however many they are: `[[2024, 5], [3]]` of `2024.05-3`. */
  readonly runs: readonly (readonly number[])[];
  /** The letters of a rebuild (`b` in `v1.15.12b`); empty for none. */
  readonly rebuild: string;
  /** Identifiers of a pre-release; empty for a stable version. */
  readonly prerelease: readonly Identifier[];
  /** Identifiers of a build, which comes after the same version without one. */
  readonly build: readonly Identifier[];
  /** The commit that ends the text (`2024.05.01-3f2a9c0`), which says nothing about order; empty for none. */
  readonly commit: string;
}

type Identifier = string | number;

/** What an image's rules say about its versions beyond their text. */
export interface VersionReading {
  /** How many numbers every version has. @default any number of them, where no text says otherwise */
  readonly numbers?: number;
  /** What follows the first `-` is a build and no pre-release, unless a word says so: `5.2.2-211115`. */
  readonly builds?: boolean;
}

/** How a version is written as a tag: `standalone-v` + version + `-alpine`. */
export interface VersionForm extends VersionReading {
  readonly prefix: string;
  readonly suffix: string;
}

const NUMBER = "0|[1-9][0-9]*";
const IDENTIFIERS = "[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*";
/** A word that begins with a letter may stand before the version: `standalone-v`, `k8s-`. */
const SEMVER = new RegExp(
  `^((?:[A-Za-z](?:[^+]*?[^0-9.+])??)??)(${NUMBER})\\.(${NUMBER})\\.(${NUMBER})([a-z]*)(?:-(${IDENTIFIERS}))?(?:\\+(${IDENTIFIERS}))?$`,
);

/** Words that mean "not there yet": `1.0.0beta` must not count as a rebuild that comes after `1.0.0`. */
const PRERELEASE_WORDS = "alpha beta rc pre preview dev snapshot next nightly canary test milestone".split(
  " ",
);
const PRERELEASE_WORD = `(?:${PRERELEASE_WORDS.join("|")})(?![a-z])`;
const STARTS_AS_PRERELEASE = new RegExp(`^${PRERELEASE_WORD}`, "i");
/** Python's `1.2b1` and Java's `1.2.M1` besides; a letter without a number is a rebuild. */
const PRERELEASE = new RegExp(`(?<=[0-9])(?:[._-]?${PRERELEASE_WORD}|[abc](?=[0-9])|[._-]m(?=[0-9]))`, "i");
const RUN = /[0-9]+(?:\.[0-9]+)+|[0-9]+(?:_[0-9]+)+|[0-9]+/g;
/** With a letter: without one it could be a number. `g` is git's, in `v1.2-3-g3f2a9c0`. */
const COMMIT = /^(?=[0-9]*[a-f])[0-9a-f]{7,64}$/;
/** Python's `1.2.post1`. */
const POST = /(?<=[0-9])[._-]?post[._-]?([0-9]+)$/i;
const COMMIT_AT_END = /[._-]g?((?=[0-9]*[a-f])[0-9a-f]{7,64})$/;

/**
 * Reads a version: semver with or without a word before it and with a rebuild's letters directly after the patch number
 * (`v1.15.12b`), or any other text with numbers in it: `147`, `2024.05.01`, `1.2.3.4`, `release_1_10`, `20240501-2`.
 * Undefined for a text without a number, a commit, numbers beyond 2^53, and what no tag can hold.
 */
export function parseVersion(text: string, reading: VersionReading = {}): Version | undefined {
  const version = reading.builds ? parseWithBuild(text) : parsePlain(text);
  const wanted = reading.numbers;
  return wanted === undefined || version?.runs.flat().length === wanted ? version : undefined;
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

/** Undefined for a number with leading zeros, which semver forbids. */
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

/** `["rc", 2]` of `-rc2`, so that 10 comes after 9. */
function identifiersIn(text: string): Identifier[] {
  return (text.toLowerCase().match(/[0-9]+|[a-z]+/g) ?? []).map((part) =>
    /[0-9]/.test(part) ? Number(part) : part,
  );
}

/**
 * The one order of versions: by their numbers, then a rebuild's letters, then semver's rule for pre-releases, then a
 * build: `1.15.12-rc.1 < 1.15.12 < 1.15.12b < 1.15.13`. Undefined where two cannot be ordered: versions of different
 * forms (`147` and `1.2.3`, `release-1.10` and `1.10`), or of one number and two commits. `0` means the same version,
 * with or without `v`.
 */
export function compareVersions(a: Version, b: Version): -1 | 0 | 1 | undefined {
  if (a.form !== b.form) return undefined;
  const order =
    firstOrder(a.runs, b.runs, compareRuns) ||
    compare(a.rebuild.length, b.rebuild.length) ||
    compare(a.rebuild, b.rebuild) ||
    comparePrereleases(a.prerelease, b.prerelease) ||
    compareLists(a.build, b.build) ||
    // `1.2` and `1.2.0` are two tags.
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

/** What is there in both decides, then the length. */
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

/** The versions among which a floating tag points to the newest: all of them, a major's, a minor's, or a patch's. */
export interface VersionLine {
  readonly major?: number;
  readonly minor?: number;
  readonly patch?: number;
}

/** Major, minor, patch and further ones. A word before semver can have numbers of its own (`k8s-v1.2.3`), which do not count. */
export function numbersOf({ scheme, runs }: Version): readonly number[] {
  return scheme === "semver" ? (runs.at(-1) ?? []) : runs.flat();
}

export function matchesLine(version: Version, { major, minor, patch }: VersionLine): boolean {
  const numbers = numbersOf(version);
  return [major, minor, patch].every(
    (wanted, index) => wanted === undefined || wanted === (numbers[index] ?? 0),
  );
}

/** The highest of versions of one form; pre-releases count only where that is asked for. Undefined where none counts. */
export function newest(
  versions: readonly Version[],
  options: { readonly includePrerelease?: boolean } = {},
): Version | undefined {
  return versions
    .filter((version) => options.includePrerelease || !isPrerelease(version))
    .reduce<Version | undefined>(
      (best, version) => (best === undefined || compareVersions(version, best) === 1 ? version : best),
      undefined,
    );
}

/** The name of a version's tag. */
export function tagOfVersion(text: string, { prefix, suffix }: VersionForm): string {
  return `${prefix}${text}${suffix}`;
}

/** The version in a tag's name, if it is written in this form. */
export function versionOfTag(name: string, form: VersionForm): Version | undefined {
  if (name.length <= form.prefix.length + form.suffix.length) return undefined;
  if (!name.startsWith(form.prefix) || !name.endsWith(form.suffix)) return undefined;
  return parseVersion(name.slice(form.prefix.length, name.length - form.suffix.length), form);
}
