import { closest, distance } from "fastest-levenshtein";
import { type Problem, ProblemError, reasonOf } from "../problem";
import type { TagClass } from "../tag-policy";
import { readRow, workflowExpression } from "./inputs";

/** docker/metadata-action's types of tag rules, with their default priorities. */
const RULE_PRIORITIES = {
  schedule: 1000,
  semver: 900,
  pep440: 900,
  match: 800,
  edge: 700,
  ref: 600,
  raw: 200,
  sha: 100,
} as const;

type RuleType = keyof typeof RULE_PRIORITIES;

/** The attributes of all types of rules. As in docker/metadata-action, others are kept and have no effect. */
export const RULE_ATTRIBUTES = [
  "type",
  "pattern",
  "value",
  "match",
  "group",
  "branch",
  "event",
  "format",
  "enable",
  "priority",
  "prefix",
  "suffix",
  "slipway-class",
  "slipway-suffix",
] as const;

/** What rules of all types have. `prefix`, `suffix`, `enable` and `value` may contain expressions such as `{{branch}}`. */
interface RuleCommon {
  readonly text: string;
  /** Has to render to `true` or `false`. @default "true" */
  readonly enable: string;
  /** Rules with a higher one come first, and the first tag is the version. A rule with NaN is not sorted. */
  readonly priority: number;
  /** Replaces the flavor's prefix, even if it is empty. @default the flavor's */
  readonly prefix?: string;
  /** Replaces the flavor's suffix, even if it is empty. @default the flavor's */
  readonly suffix?: string;
  /** From `slipway-class=`. @default what `tagClass` finds out */
  readonly class?: TagClass;
  /** From `slipway-suffix=build`: the text after a version's first `-` is a build, unless it begins with a word such as `rc`. */
  readonly builds?: boolean;
}

const REF_EVENTS = ["branch", "tag", "pr"] as const;
const SHA_FORMATS = ["short", "long"] as const;

export type TagRule = RuleCommon &
  (
    | // For `schedule` events. `pattern` may contain `{{date}}` and `{{commit_date}}` only.
    { readonly type: "schedule"; readonly pattern: string }
    // For git tags, or for `value` if it is not empty. The first group of `match` is the version.
    | {
        readonly type: "semver" | "pep440";
        readonly pattern: string;
        readonly value: string;
        readonly match: string;
      }
    // For git tags, or for `value`. `pattern` is a regular expression, plain or as `/expression/flags`; `group` is the
    // index of the group that becomes the tag, as written (0 is the whole match).
    | { readonly type: "match"; readonly pattern: string; readonly group: string; readonly value: string }
    // For one branch; empty: the repository's default branch.
    | { readonly type: "edge"; readonly branch: string }
    // The branch's name, the git tag's name or the pull request's number.
    | { readonly type: "ref"; readonly event: (typeof REF_EVENTS)[number] }
    | { readonly type: "raw"; readonly value: string }
    | { readonly type: "sha"; readonly format: (typeof SHA_FORMATS)[number] }
  );

export type RuleOf<T extends RuleType> = Extract<TagRule, { readonly type: T }>;

const DEFAULT_RULES: readonly string[] = [
  "type=schedule",
  "type=ref,event=branch",
  "type=ref,event=tag",
  "type=ref,event=pr",
];

/** Slipway's own attributes, which docker/metadata-action ignores. */
const CLASS_ATTRIBUTE = "slipway-class";
const SUFFIX_ATTRIBUTE = "slipway-suffix";
const SUFFIXES = ["build", "prerelease"] as const;
const TAG_CLASSES: readonly TagClass[] = ["version", "floating", "revision"];
const RULE_TYPES = Object.keys(RULE_PRIORITIES).filter(isRuleType);

/**
 * Reads rules in docker/metadata-action's syntax and sorts them by descending priority; equal ones stay in order. An
 * empty list means `DEFAULT_RULES`.
 *
 * @param path where the rules are written, for messages: `images[0].tags`
 * @throws ProblemError with every invalid rule (code `tag-rule`).
 */
export function parseTagRules(texts: readonly string[], path = "rules"): TagRule[] {
  const problems: Problem[] = [];
  const rules = (texts.length === 0 ? DEFAULT_RULES : texts).flatMap((text, index) => {
    try {
      return [parseTagRule(text)];
    } catch (error) {
      problems.push({ code: "tag-rule", path: `${path}[${index}]`, message: reasonOf(error) });
      return [];
    }
  });
  if (problems.length > 0) throw new ProblemError("These tag rules cannot be read:", problems);
  return rules.sort((a, b) => (a.priority < b.priority ? 1 : a.priority > b.priority ? -1 : 0));
}

/**
 * Reads one rule: a CSV row of `name=value`. A field without `=` is the value, and the default type is `raw`.
 *
 * @throws TypeError that names the rule and the allowed values.
 */
export function parseTagRule(text: string): TagRule {
  const expression = workflowExpression(text);
  if (expression !== undefined) throw wrong(text, `${expression.message}. ${expression.hint}`);
  const { type, written } = readAttributes(text);
  const tagClass = written[CLASS_ATTRIBUTE];
  const suffixMeaning = oneOf(text, SUFFIX_ATTRIBUTE, written[SUFFIX_ATTRIBUTE] ?? "prerelease", SUFFIXES);
  const common = {
    text,
    enable: written.enable ?? "true",
    priority: Number(written.priority ?? RULE_PRIORITIES[type]),
    prefix: written.prefix,
    suffix: written.suffix,
    class: tagClass === undefined ? undefined : oneOf(text, CLASS_ATTRIBUTE, tagClass, TAG_CLASSES),
    builds: suffixMeaning === "build" ? true : undefined,
  };
  const required = (name: string): string => {
    const value = written[name];
    if (value === undefined) {
      const split =
        type === "raw" && text.includes("=") ? "; a rule that YAML has split at its commas needs quotes" : "";
      throw wrong(text, `type=${type} needs ${name}=${misspelt(name, Object.keys(written)) ?? split}`);
    }
    return value;
  };
  const { value = "", match = "", group = "0", branch = "", format = "short" } = written;

  switch (type) {
    case "schedule":
      return { ...common, type, pattern: written.pattern ?? "nightly" };
    case "semver":
    case "pep440":
      return { ...common, type, pattern: required("pattern"), value, match };
    case "match":
      if (Number.isNaN(Number(group))) {
        const meaning = "0 is the whole match, 1 the first group";
        throw wrong(text, `group=${JSON.stringify(group)} is not a number; ${meaning}`);
      }
      return { ...common, type, pattern: required("pattern"), group, value };
    case "edge":
      return { ...common, type, branch };
    case "ref": {
      const event = oneOf(text, "event", required("event"), REF_EVENTS);
      return { ...common, type, event, prefix: common.prefix ?? (event === "pr" ? "pr-" : undefined) };
    }
    case "raw":
      return { ...common, type, value: required("value") };
    case "sha": {
      const { prefix = "sha-" } = common;
      return { ...common, type, format: oneOf(text, "format", format, SHA_FORMATS), prefix };
    }
  }
}

function readAttributes(text: string): { type: RuleType; written: Partial<Record<string, string>> } {
  const fields = readRow(text);
  if (fields.length === 0) throw wrong(text, "a rule must not be empty");
  let type: RuleType = "raw";
  const written: Partial<Record<string, string>> = {};
  for (const field of fields) {
    // A field that starts with `=` has no name, as in docker/metadata-action.
    const equals = field.startsWith("=") ? -1 : field.indexOf("=");
    const value = field.slice(equals + 1).trim();
    const name = equals === -1 ? "value" : field.slice(0, equals).trim().toLowerCase();
    if (name === "type") type = oneOf(text, "type", value, RULE_TYPES);
    else written[name] = value;
  }
  return { type, written };
}

function isRuleType(name: string): name is RuleType {
  return Object.hasOwn(RULE_PRIORITIES, name);
}

function oneOf<T extends string>(text: string, name: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  const meant = didYouMean(nearWord(value, allowed));
  throw wrong(text, `${name}=${JSON.stringify(value)} is not one of ${allowed.join(", ")}${meant}`);
}

/** Finds the unknown attribute that is probably a misspelt `name`. */
function misspelt(name: string, written: readonly string[]): string | undefined {
  const known: readonly string[] = RULE_ATTRIBUTES;
  const found = written.find((key) => !known.includes(key) && nearWord(key, RULE_ATTRIBUTES) === name);
  return found === undefined
    ? undefined
    : `; ${found}= is not an attribute of a rule${didYouMean(`${name}=`)}`;
}

function wrong(text: string, what: string): TypeError {
  return new TypeError(`${JSON.stringify(text)}: ${what}`);
}

/** Whether a rule reads a version by a scheme. */
export function isVersionRule({ type }: TagRule): boolean {
  return type === "semver" || type === "pep440";
}

/** Whether a rule looks for a version in what is released, and so may find none. */
export function isForVersions(rule: TagRule): boolean {
  return rule.enable === "true" && (isVersionRule(rule) || rule.type === "match");
}

/** Returns the word that was probably meant: at most two letters differ, in any case. */
export function nearWord(text: string, words: readonly string[]): string | undefined {
  if (words.length === 0 || text.length > 100) return undefined;
  const lower = text.toLowerCase();
  const near =
    words.find((word) => word.toLowerCase() === lower) ??
    // Swapped letters are a likelier mistake than other ones.
    words.find((word) => letters(word.toLowerCase()) === letters(lower)) ??
    closest(lower, [...words]);
  const off = distance(lower, near.toLowerCase());
  // In a word of two letters, two wrong letters leave nothing in common.
  return off <= 2 && off < Math.min(text.length, near.length) ? near : undefined;
}

export function didYouMean(near: string | undefined): string {
  return near === undefined ? "" : `; did you mean ${near}?`;
}

function letters(text: string): string {
  return [...text].sort().join("");
}
