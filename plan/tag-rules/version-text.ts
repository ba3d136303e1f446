import * as pep440 from "@renovatebot/pep440";
import { prerelease, SemVer, valid } from "semver";
import type { VersionLine } from "../tag-policy";
import { isRawPattern, renderTemplate } from "./expressions";

/** A version as a rule's pattern writes it. */
export interface VersionText {
  readonly text: string;
  /** Whether no other version is written the same: every part of it shows. */
  readonly whole: boolean;
  /** No pre-release; for pep440 no post or dev release either. */
  readonly stable: boolean;
  /** The versions that share this text, unless it is whole. */
  readonly line?: VersionLine;
}

/** Writes a semantic version (`v` and build metadata allowed) by a pattern; undefined when it is none. */
export function semverText(version: string, pattern: string): VersionText | undefined {
  if (valid(version) === null) return undefined;
  const parsed = new SemVer(version, { loose: true });
  if (prerelease(version) !== null) {
    const text = renderTemplate(isRawPattern(pattern) ? pattern : "{{version}}", parsed);
    return { text, whole: true, stable: false };
  }
  const { major, minor, patch } = parsed;
  return stableText([major, minor, patch], (release) =>
    release === undefined
      ? renderTemplate(pattern, parsed)
      : renderTemplate(pattern, new SemVer(release.join("."), { loose: true })),
  );
}

/** Writes a Python version by a pattern; undefined when it is none. */
export function pep440Text(version: string, pattern: string): VersionText | undefined {
  const parsed = pep440.valid(version) === null ? null : pep440.explain(version);
  if (parsed === null) return undefined;
  const write = (text: string) =>
    renderTemplate(pattern, {
      raw: () => text,
      version: () => pep440.clean(text),
      major: () => pep440.major(text),
      minor: () => pep440.minor(text),
      patch: () => pep440.patch(text),
    });
  if (parsed.is_prerelease || parsed.is_postrelease || parsed.is_devrelease) {
    return {
      text: (isRawPattern(pattern) ? version : pep440.clean(version)) ?? "",
      whole: true,
      stable: false,
    };
  }
  // `1.2` is 1.2.0, and its parts must show as much as those of 1.2.3 do.
  const release = [...parsed.release, 0, 0].slice(0, Math.max(3, parsed.release.length));
  return stableText(release, (other) => write(other === undefined ? version : other.join(".")));
}

/**
 * Finds out which parts of a version a pattern shows, by writing versions that differ in one part: what does not
 * change the text is not in it.
 *
 * @param write writes another release by the same pattern, or the version itself
 */
function stableText(
  release: readonly number[],
  write: (release: readonly number[] | undefined) => string,
): VersionText {
  const same = write(release);
  const shows = release.map((_, changed) => {
    const other = release.map((part, index) => (index !== changed ? part : part === 0 ? 1 : part - 1));
    return write(other) !== same;
  });
  const [major = 0, minor = 0] = release;
  const whole = shows.every((shown) => shown);
  const line = shows[0] ? (shows[1] ? { major, minor } : { major }) : {};
  return { text: write(undefined), whole, stable: true, ...(whole ? {} : { line }) };
}
