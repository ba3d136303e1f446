/** Versions of releases: read, compare, choose. */

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
  /** As it was written, prefix included: `standalone-v0.2.1`. */
  readonly text: string;
  /** The prefix that was cut off; empty for none. */
  readonly prefix: string;
  /** `number` is a single integer such as a build number (`147`): it has a major and nothing else. */
  readonly scheme: "semver" | "number";
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** The letters of a rebuild (`b` in `v1.15.12b`); empty for none. */
  readonly rebuild: string;
  /** Identifiers after `-`; empty for a stable version. */
  readonly prerelease: readonly (string | number)[];
  /** Identifiers after `+`: part of the identity, no part of precedence. */
  readonly build: readonly string[];
}

const NUMBER = "0|[1-9][0-9]*";
const IDENTIFIERS = "[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*";
const SEMVER = new RegExp(
  `^v?(${NUMBER})\\.(${NUMBER})\\.(${NUMBER})([a-z]*)(?:-(${IDENTIFIERS}))?(?:\\+(${IDENTIFIERS}))?$`,
);
const WHOLE_NUMBER = new RegExp(`^(?:${NUMBER})$`);

/** Words that mean "not there yet": `1.0.0beta` must not count as a rebuild that comes after `1.0.0`. */
const PRERELEASE_WORDS = new Set(
  "alpha beta rc pre preview dev snapshot next nightly canary test".split(" "),
);

/**
 * Reads a version: semver with or without `v`, with a rebuild's letters directly after the patch number
 * (`v1.15.12b`), or a plain integer. Calendar versions (`2025.11.0`) are semver. Undefined for anything else, also for
 * leading zeros, numbers beyond 2^53 and a text without the wanted prefix.
 */
export function parseVersion(text: string, options: { readonly prefix?: string } = {}): Version | undefined {
  const prefix = options.prefix ?? "";
  if (!text.startsWith(prefix) || text.length - prefix.length > 256) return undefined;
  const rest = text.slice(prefix.length);
  const none = { text, prefix, minor: 0, patch: 0, rebuild: "", prerelease: [], build: [] };

  if (WHOLE_NUMBER.test(rest)) {
    const major = Number(rest);
    return Number.isSafeInteger(major) ? { ...none, scheme: "number", major } : undefined;
  }
  const match = SEMVER.exec(rest);
  if (match === null) return undefined;
  const [, majorText, minorText, patchText, rebuild = "", prereleaseText, buildText] = match;
  const major = Number(majorText);
  const minor = Number(minorText);
  const patch = Number(patchText);
  const prerelease = prereleaseText === undefined ? [] : prereleaseText.split(".").map(readIdentifier);
  if (![major, minor, patch].every(Number.isSafeInteger)) return undefined;
  if (prerelease.includes(undefined) || PRERELEASE_WORDS.has(rebuild)) return undefined;
  return {
    ...none,
    scheme: "semver",
    major,
    minor,
    patch,
    rebuild,
    prerelease: prerelease.filter((identifier) => identifier !== undefined),
    build: buildText === undefined ? [] : buildText.split("."),
  };
}

/** Undefined for a number with leading zeros, which semver forbids. */
function readIdentifier(text: string): string | number | undefined {
  if (!/^[0-9]+$/.test(text)) return text;
  const number = Number(text);
  if (text.length > 1 && text.startsWith("0")) return undefined;
  return Number.isSafeInteger(number) ? number : undefined;
}

/**
 * A total order: plain numbers before semver (a stray build number never outranks a version), then semver's
 * precedence with rebuilds between a patch and the next one (`1.15.12 < 1.15.12b < 1.15.12aa < 1.15.13`). Build
 * metadata only breaks ties. `0` means the same version, whatever its prefix and `v`.
 */
export function compareVersions(a: Version, b: Version): -1 | 0 | 1 {
  return (
    order(a.scheme === "number" ? 0 : 1, b.scheme === "number" ? 0 : 1) ||
    order(a.major, b.major) ||
    order(a.minor, b.minor) ||
    order(a.patch, b.patch) ||
    order(a.rebuild.length, b.rebuild.length) ||
    order(a.rebuild, b.rebuild) ||
    comparePrereleases(a.prerelease, b.prerelease) ||
    order(a.build.join("."), b.build.join("."))
  );
}

function comparePrereleases(a: Version["prerelease"], b: Version["prerelease"]): -1 | 0 | 1 {
  if (a.length === 0 || b.length === 0) return order(a.length === 0 ? 1 : 0, b.length === 0 ? 1 : 0);
  for (const [index, left] of a.entries()) {
    const right = b[index];
    if (right === undefined) return 1;
    const result = compareIdentifiers(left, right);
    if (result !== 0) return result;
  }
  return order(a.length, b.length);
}

function compareIdentifiers(a: string | number, b: string | number): -1 | 0 | 1 {
  if (typeof a === "number" && typeof b === "number") return order(a, b);
  if (typeof a === "string" && typeof b === "string") return order(a, b);
  return typeof a === "number" ? -1 : 1;
}

function order<T extends number | string>(a: T, b: T): -1 | 0 | 1 {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

export function isPrerelease(version: Version): boolean {
  return version.prerelease.length > 0;
}

/** The versions among which a floating tag points to the newest: all of them, a major's, or a minor's. */
export interface VersionLine {
  readonly major?: number;
  readonly minor?: number;
}

export function matchesLine({ major, minor }: Version, line: VersionLine): boolean {
  if (line.major === undefined) return true;
  return major === line.major && (line.minor === undefined || minor === line.minor);
}

/** The highest version; pre-releases count only where that is asked for. Undefined where none counts. */
export function newest(
  versions: readonly Version[],
  options: { readonly includePrerelease?: boolean } = {},
): Version | undefined {
  return versions
    .filter((version) => options.includePrerelease || !isPrerelease(version))
    .reduce<Version | undefined>(
      (best, version) => (best === undefined || compareVersions(version, best) > 0 ? version : best),
      undefined,
    );
}
