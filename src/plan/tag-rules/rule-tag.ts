import * as pep440 from "@renovatebot/pep440";
import { prerelease, SemVer, valid } from "semver";
import type { TagClass } from "../tag-policy";
import { parseVersion, type VersionForm, type VersionLine } from "../versions";
import { branchOf, pullRequestOf, type ReleaseEvent, tagOf } from "./event";
import {
  DEFAULT_BRANCH_UNKNOWN,
  type ExpressionScope,
  isRawPattern,
  newRendering,
  type Rendering,
  renderExpression,
  renderSchedule,
  renderTemplate,
  shortSha,
} from "./expressions";
import type { Flavor } from "./inputs";
import type { RuleOf, TagRule } from "./tag-rule";

/** A tag that the rules make for an event. */
export interface TagEntry {
  /** Never empty; cleaned (see `cleanTag`), unless `{{input}}` is part of it. */
  readonly name: string;
  /** The first rule that makes this name; for the flavor's `latest`, the rule that decides on it. */
  readonly rule: TagRule;
  readonly class: TagClass;
  /** Whether `latest=auto` adds `latest` if this is the first tag. */
  readonly latest: boolean;
  /**
   * The versions among which a floating tag points to the newest: set if the rule writes a part of a version, and `{}`
   * (all versions) for `latest`.
   */
  readonly line?: VersionLine;
  /** How the rule's text is written in the name, and how its versions are read. Absent for the flavor's `latest`. */
  readonly form?: VersionForm;
}

/** The text that a rule gives before prefix, suffix and cleaning. */
interface RuleText {
  readonly text: string;
  /** False for a pre-release, and for a post or dev release of pep440. */
  readonly latest: boolean;
  /** Whether the text shows every part of the version, so that no other version has the same text. */
  readonly whole: boolean;
  /** The versions that share this text, unless it is whole. */
  readonly line?: VersionLine;
}

/**
 * Applies one rule to an event. `entry` is undefined if the rule does not apply, is switched off, or gives an empty text.
 *
 * @throws Error for an invalid expression or regular expression.
 */
export function applyRule(
  rule: TagRule,
  flavor: Flavor,
  scope: ExpressionScope,
): { readonly entry: TagEntry | undefined; readonly warnings: readonly string[] } {
  // A separate rendering: expressions in `enable=` are not part of the tag's name.
  const condition = newRendering(scope);
  const enabled = renderExpression(rule.enable, condition);
  if (enabled !== "true" && enabled !== "false") {
    throw new TypeError(`enable=${JSON.stringify(enabled)} is not one of true, false`);
  }
  const rendering = newRendering(scope);
  const entry = enabled === "true" ? tagEntry(rule, flavor, rendering) : undefined;
  return { entry, warnings: [...condition.warnings, ...rendering.warnings] };
}

function tagEntry(rule: TagRule, flavor: Flavor, scope: Rendering): TagEntry | undefined {
  const given = ruleText(rule, scope);
  if (given === undefined) return undefined;
  const prefix = renderExpression(rule.prefix ?? flavor.prefix, scope);
  const suffix = renderExpression(rule.suffix ?? flavor.suffix, scope);
  const written = `${prefix}${given.text}${suffix}`;
  // A name that a user typed is released as it is, or refused as no tag.
  const name = scope.uses.has("input") ? written : cleanTag(written);
  if (name === "") return undefined;
  const form = {
    prefix: name.slice(0, cleanTag(prefix).length),
    suffix: suffix === "" ? "" : name.slice(-cleanTag(suffix).length),
    ...(rule.type === "semver" ? { numbers: 3 } : {}),
    ...(rule.builds ? { builds: true } : {}),
  };
  const ownClass = tagClass(rule, given, scope);
  const line = ownClass === "floating" ? given.line : undefined;
  return { name, rule, class: ownClass, latest: given.latest, line, form };
}

/** Replaces every run of characters outside `[A-Za-z0-9._-]` by one `-`. Length and first character are not checked. */
export function cleanTag(text: string): string {
  return text.replace(/[^a-zA-Z0-9._-]+/g, "-");
}

function ruleText(rule: TagRule, scope: Rendering): RuleText | undefined {
  const { event } = scope;
  switch (rule.type) {
    case "schedule":
      return event.eventName.includes("schedule") ? moving(renderSchedule(rule.pattern, scope)) : undefined;
    case "semver":
    case "pep440":
      return versionText(rule, scope);
    case "match":
      return matchText(rule, scope);
    case "edge": {
      const branch = branchOf(event.ref);
      const desired = rule.branch === "" ? event.repository.defaultBranch : rule.branch;
      if (branch !== undefined && desired === undefined) {
        scope.warnings.push(
          `${DEFAULT_BRANCH_UNKNOWN}, so ${rule.text} makes no tag; or say type=edge,branch=main`,
        );
      }
      return branch !== undefined && branch === desired ? moving("edge") : undefined;
    }
    case "ref":
      return refText(rule, event);
    case "raw":
      return moving(renderExpression(rule.value, scope));
    case "sha":
      if (event.sha === "") return undefined;
      return moving(rule.format === "long" ? event.sha : shortSha(event.sha, scope.shortShaLength));
  }
}

function refText(rule: RuleOf<"ref">, { ref }: ReleaseEvent): RuleText | undefined {
  switch (rule.event) {
    case "branch":
      return moving(branchOf(ref));
    case "pr":
      return moving(pullRequestOf(ref));
    case "tag": {
      const text = tagOf(ref);
      return text === undefined ? undefined : { text, latest: true, whole: true };
    }
  }
}

function moving(text: string | undefined): RuleText | undefined {
  return text === undefined ? undefined : { text, latest: false, whole: false };
}

function versionText(rule: RuleOf<"semver" | "pep440">, scope: Rendering): RuleText | undefined {
  const source = sourceText(rule, scope);
  if (source === undefined) return undefined;
  let version = source;
  if (rule.match !== "") {
    const match = source.match(rule.match);
    if (match === null) {
      scope.warnings.push(`match=${rule.match} does not match ${source}; the whole text is used`);
    } else if (match[1] === undefined) {
      throw new TypeError(`match=${rule.match} captures no group; put the version in parentheses`);
    } else {
      version = match[1];
    }
  }
  version = version.replaceAll("/", "-");
  const written = rule.type === "semver" ? semverText(version, rule) : pep440Text(version, rule.pattern);
  if (written === undefined) {
    const what = rule.type === "semver" ? "semantic version (https://semver.org)" : "PEP 440 version";
    scope.warnings.push(`${version} is not a valid ${what}; ${rule.text} makes no tag`);
    return undefined;
  }
  return written;
}

function matchText(rule: RuleOf<"match">, scope: Rendering): RuleText | undefined {
  const source = sourceText(rule, scope);
  if (source === undefined) return undefined;
  const [, expression, flags] = rule.pattern.match(/^\/(.+)\/(.*)$/) ?? [];
  const read = (text: string) =>
    text.match(expression === undefined ? rule.pattern : new RegExp(expression, flags));
  const match = read(source);
  if (match === null) {
    scope.warnings.push(`${rule.pattern} does not match ${source}; ${rule.text} makes no tag`);
    return undefined;
  }
  // As in docker/metadata-action, `01` and `1e0` are numbers but name no group.
  const index = String(Number(rule.group)) === rule.group ? Number(rule.group) : undefined;
  const group = index === undefined ? undefined : match[index];
  if (group === undefined) {
    scope.warnings.push(
      `${rule.pattern} has no group ${rule.group} for ${source}; ${rule.text} makes no tag`,
    );
    return undefined;
  }
  return {
    text: group,
    latest: true,
    ...shownNumbers(source, group, (other) => {
      const found = read(other);
      return found === null || index === undefined ? undefined : found[index];
    }),
  };
}

/**
 * Finds out which numbers of a name a pattern shows. Each number is changed in turn: if the text stays the same, the
 * pattern leaves that number out. Numbers before the text belong to the word before the version.
 */
function shownNumbers(
  source: string,
  text: string,
  read: (source: string) => string | undefined,
): Pick<RuleText, "whole" | "line"> {
  const start = source.indexOf(text);
  const numbers = [...source.matchAll(/[0-9]+/g)]
    .map(({ 0: number, index }) => ({ number, index }))
    .filter(({ number, index }) => index + number.length > start);
  const shows = numbers.map(({ number, index }) => {
    const other = number.replace(/[0-9]/g, (digit) => (digit === "9" ? "1" : String(Number(digit) + 1)));
    return read(source.slice(0, index) + other + source.slice(index + number.length)) !== text;
  });
  return lineOf(
    numbers.map(({ number }) => Number(number)),
    shows,
  );
}

/** @param shows which of a version's numbers are in the text */
function lineOf(numbers: readonly number[], shows: readonly boolean[]): Pick<RuleText, "whole" | "line"> {
  if (shows.every((shown) => shown)) return { whole: true };
  const shown = numbers.slice(0, shows.indexOf(false));
  const names = ["major", "minor", "patch"] as const;
  return {
    whole: false,
    line: Object.fromEntries(shown.slice(0, 3).map((number, at) => [names[at], number])),
  };
}

/** The rule's own value, else the git tag's name; undefined if both are absent. */
function sourceText({ value }: RuleOf<"semver" | "pep440" | "match">, scope: Rendering): string | undefined {
  return value === "" ? tagOf(scope.event.ref) : renderExpression(value, scope);
}

/**
 * The class of a rule's tag, which is what the tag promises. It follows from the rule and from the origin of its text,
 * never from the look of the tag.
 *
 * | rule                                                              | class      |
 * | ----------------------------------------------------------------- | ---------- |
 * | any, with `slipway-class=…`                                       | as it says |
 * | semver, pep440: the pattern shows the whole version              | version    |
 * | semver, pep440: any pattern, for a pre-release (pep440: also post and dev) | version |
 * | semver, pep440: the pattern leaves a part out (`{{major}}.{{minor}}`) | floating |
 * | match: the pattern shows every number from its match on           | version    |
 * | match: the pattern leaves a number out (`v(\d+\.\d+)` of `v1.2.3`)  | floating   |
 * | ref, event=tag                                                    | version    |
 * | raw, with `{{tag}}` on a git tag, or `{{input '…'}}`              | version    |
 * | raw, literally the git tag (or it without its `v`)                | version    |
 * | raw, literally a dispatched input whose name ends in tag, version | version    |
 * | sha                                                               | revision   |
 * | anything else that has `{{sha}}` in its name                      | revision   |
 * | ref, event=branch; ref, event=pr; edge; schedule; other raw       | floating   |
 * | the `latest` that the flavor adds                                 | floating   |
 */
function tagClass(rule: TagRule, { text, whole }: RuleText, { uses, event }: Rendering): TagClass {
  if (rule.class !== undefined) return rule.class;
  const isNamed = uses.has("tag") || uses.has("input") || isReleaseName(text, event);
  if (whole || (rule.type === "raw" && isNamed)) return "version";
  return rule.type === "sha" || uses.has("sha") ? "revision" : "floating";
}

/**
 * Whether a literal names what is being released. GitHub replaces `value=${{ inputs.tag }}` and
 * `value=${{ github.ref_name }}` by the text before the rule is read.
 */
function isReleaseName(value: string, event: ReleaseEvent): boolean {
  if (value === "") return false;
  const tag = tagOf(event.ref);
  if (tag !== undefined && (value === tag || value === tag.replace(/^v/, ""))) return true;
  return Object.entries(event.inputs).some(
    ([name, input]) => /(?:tag|version)$/i.test(name) && input === value,
  );
}

function semverText(version: string, { pattern, builds }: RuleOf<"semver" | "pep440">): RuleText | undefined {
  if (valid(version) === null) return undefined;
  const parsed = new SemVer(version, { loose: true });
  const isBuild = builds && (parseVersion(version, { builds })?.build ?? []).length > 0;
  if (prerelease(version) !== null && !isBuild) {
    const text = renderTemplate(isRawPattern(pattern) ? pattern : "{{version}}", parsed);
    return { text, whole: true, latest: false };
  }
  const { major, minor, patch } = parsed;
  // A build counts as one more number of the version.
  const number = prerelease(version) === null ? [] : [1];
  return stableText([major, minor, patch, ...number], (release) => {
    if (release === undefined) return renderTemplate(pattern, parsed);
    const [text, suffix] = [release.slice(0, 3).join("."), release[3]];
    return renderTemplate(pattern, new SemVer(suffix ? `${text}-${suffix}` : text, { loose: true }));
  });
}

function pep440Text(version: string, pattern: string): RuleText | undefined {
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
    const text = isRawPattern(pattern) ? version : pep440.clean(version);
    return { text: text ?? "", whole: true, latest: false };
  }
  // `1.2` means 1.2.0, so it has three parts to look for as well.
  const release = [...parsed.release, 0, 0].slice(0, Math.max(3, parsed.release.length));
  return stableText(release, (other) => write(other === undefined ? version : other.join(".")));
}

/**
 * Finds out which parts of a version a pattern shows. Each part is changed in turn: if the text stays the same, the
 * pattern leaves that part out.
 *
 * @param write writes another release by the same pattern; undefined: the version itself
 */
function stableText(
  release: readonly number[],
  write: (release: readonly number[] | undefined) => string,
): RuleText {
  const same = write(release);
  const shows = release.map((_, changed) => {
    const other = release.map((part, index) => (index !== changed ? part : part === 0 ? 1 : part - 1));
    return write(other) !== same;
  });
  return { text: write(undefined), latest: true, ...lineOf(release, shows) };
}
