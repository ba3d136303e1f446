import { closest, distance } from "fastest-levenshtein";
import { type Problem, ProblemError, reasonOf } from "../problem";
import type { TagClass } from "../tag-policy";
import { readRow, workflowExpression } from "./inputs";

/** The kinds of tag rule, as docker/metadata-action names them, with the priority each has unless it says another. */
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

/** The attributes that some kind of rule has; others are kept and mean nothing, as in docker/metadata-action. */
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

/** What every rule has. `prefix`, `suffix`, `enable`, `value` may hold expressions such as `{{branch}}`. */
interface RuleCommon {
  readonly text: string;
  /** Renders to `true` or `false`; anything else is an error. Default `true`. */
  readonly enable: string;
  /** Higher comes first, and the first tag is the version. NaN where it is no number: such a rule is not sorted. */
  readonly priority: number;
  /** Replaces the flavor's prefix, even when empty. Absent: the flavor's holds. */
  readonly prefix?: string;
  /** Replaces the flavor's suffix, even when empty. Absent: the flavor's holds. */
  readonly suffix?: string;
  /** From `slipway-class=`: overrides the class that the rule would give its tag. */
  readonly class?: TagClass;
  /** From `slipway-suffix=build`: what follows a version's first `-` is a build, unless a word such as `rc` says more. */
  readonly builds?: boolean;
  /** Every attribute by its lower-case name, defaults and unknown ones included; not `type`. */
  readonly attributes: Readonly<Record<string, string>>;
}

const REF_EVENTS = ["branch", "tag", "pr"] as const;
const SHA_FORMATS = ["short", "long"] as const;

export type TagRule = RuleCommon &
  (
    | // On `schedule` events. `pattern` knows `{{date}}` and `{{commit_date}}` only; default `nightly`.
    { readonly type: "schedule"; readonly pattern: string }
    // On git tags, or from `value` where that is not empty. `match` cuts the version out by its first group.
    | {
        readonly type: "semver" | "pep440";
        readonly pattern: string;
        readonly value: string;
        readonly match: string;
      }
    // On git tags, or from `value`. `pattern` is a regular expression, plain or as `/expression/flags`; `group` is the
    // index of the group that becomes the tag, as written. Default `0`, the whole match.
    | { readonly type: "match"; readonly pattern: string; readonly group: string; readonly value: string }
    // On one branch; empty: the repository's default branch.
    | { readonly type: "edge"; readonly branch: string }
    // The branch's name, the git tag's name or the pull request's number (prefix `pr-`).
    | { readonly type: "ref"; readonly event: (typeof REF_EVENTS)[number] }
    | { readonly type: "raw"; readonly value: string }
    // The commit, prefix `sha-`.
    | { readonly type: "sha"; readonly format: (typeof SHA_FORMATS)[number] }
  );

/** A rule of some types. */
export type RuleOf<T extends RuleType> = Extract<TagRule, { readonly type: T }>;

const DEFAULT_RULES: readonly string[] = [
  "type=schedule",
  "type=ref,event=branch",
  "type=ref,event=tag",
  "type=ref,event=pr",
];

/** Attributes of our own: what the rule's tag promises, where it is not what the rule would say; what a suffix means. */
const CLASS_ATTRIBUTE = "slipway-class";
const SUFFIX_ATTRIBUTE = "slipway-suffix";
const SUFFIXES = ["build", "prerelease"] as const;
const TAG_CLASSES: readonly TagClass[] = ["version", "floating", "revision"];
const RULE_TYPES = Object.keys(RULE_PRIORITIES).filter(isRuleType);

/**
 * Reads rules in docker/metadata-action's syntax and sorts them by priority, highest first, as written where equal.
 * No rules at all means `DEFAULT_RULES`.
 *
 * @param path where the rules stand, for messages: `images[0].tags`
 * @throws ProblemError with every rule that cannot be read (code `tag-rule`).
 */
export function parseTagRules(texts: readonly string[], path = "rules"): TagRule[] {
  const problems: Problem[] = [];
  const rules = (texts.length === 0 ? DEFAULT_RULES : texts).flatMap((text, index) => {
    try {
      return [parseTagRule(text)];
    } catch (error) {
      problems.push({
        code: "tag-rule",
        path: `${path}[${index}]`,
        message: reasonOf(error),
      });
      return [];
    }
  });
  if (problems.length > 0) throw new ProblemError("These tag rules cannot be read:", problems);
  return rules.sort((a, b) => (a.priority < b.priority ? 1 : a.priority > b.priority ? -1 : 0));
}

/**
 * Reads one rule: a CSV row of `name=value`, of which a field without `=` is the value and a missing type is `raw`.
 *
 * @throws TypeError that says what is wrong and what is allowed.
 */
export function parseTagRule(text: string): TagRule {
  const expression = workflowExpression(text);
  if (expression !== undefined) throw wrong(text, `${expression.message}. ${expression.hint}`);
  const { type, written: attributesWritten } = readAttributes(text);
  const written: Partial<Record<string, string>> = attributesWritten;
  const tagClass = written[CLASS_ATTRIBUTE];
  const { enable = "true", priority = String(RULE_PRIORITIES[type]) } = written;
  const common = (defaults: Readonly<Record<string, string>>) => {
    const attributes = { enable, priority, ...defaults, ...written };
    const own: Partial<Record<string, string>> = attributes;
    return {
      text,
      enable,
      priority: Number(priority),
      attributes,
      prefix: own.prefix,
      suffix: own.suffix,
      class: tagClass === undefined ? undefined : oneOf(text, CLASS_ATTRIBUTE, tagClass, TAG_CLASSES),
      builds:
        oneOf(text, SUFFIX_ATTRIBUTE, written[SUFFIX_ATTRIBUTE] ?? "prerelease", SUFFIXES) === "build"
          ? true
          : undefined,
    };
  };
  const required = (name: string): string => {
    const value = written[name];
    if (value === undefined) {
      const split =
        type === "raw" && text.includes("=") ? "; a rule that YAML has split at its commas needs quotes" : "";
      throw wrong(text, `type=${type} needs ${name}=${misspelt(name, attributesWritten) ?? split}`);
    }
    return value;
  };
  const { pattern, value = "", match = "", group = "0", branch = "", format = "short" } = written;

  switch (type) {
    case "schedule":
      return { type, pattern: pattern ?? "nightly", ...common({ pattern: "nightly" }) };
    case "semver":
    case "pep440":
      return { type, pattern: required("pattern"), value, match, ...common({ value, match }) };
    case "match":
      if (Number.isNaN(Number(group))) {
        const meaning = "0 is the whole match, 1 the first group";
        throw wrong(text, `group=${JSON.stringify(group)} is not a number; ${meaning}`);
      }
      return { type, pattern: required("pattern"), group, value, ...common({ group, value }) };
    case "edge":
      return { type, branch, ...common({ branch }) };
    case "ref": {
      const event = oneOf(text, "event", required("event"), REF_EVENTS);
      return { type, event, ...common(event === "pr" ? { prefix: "pr-" } : {}) };
    }
    case "raw":
      return { type, value: required("value"), ...common({}) };
    case "sha":
      return {
        type,
        format: oneOf(text, "format", format, SHA_FORMATS),
        ...common({ prefix: "sha-", format }),
      };
  }
}

function readAttributes(text: string): { type: RuleType; written: Record<string, string> } {
  const fields = readRow(text);
  if (fields.length === 0) throw wrong(text, "a rule may not be empty");
  let type: RuleType = "raw";
  const written: Record<string, string> = {};
  for (const field of fields) {
    // The first `=`, unless the field starts with it.
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

/** The unknown attribute that a missing one was meant by. */
function misspelt(name: string, written: Readonly<Record<string, string>>): string | undefined {
  const known: readonly string[] = RULE_ATTRIBUTES;
  const found = Object.keys(written).find(
    (key) => !known.includes(key) && nearWord(key, RULE_ATTRIBUTES) === name,
  );
  return found === undefined ? undefined : `; ${found}= is no attribute of a rule${didYouMean(`${name}=`)}`;
}

function wrong(text: string, what: string): TypeError {
  return new TypeError(`${JSON.stringify(text)}: ${what}`);
}

/** The word that was meant: at most two letters off, whatever their case. Undefined where none is that near. */
export function nearWord(text: string, words: readonly string[]): string | undefined {
  if (words.length === 0 || text.length > 100) return undefined;
  const lower = text.toLowerCase();
  const near =
    words.find((word) => word.toLowerCase() === lower) ??
    // Letters that changed places are nearer than others.
    words.find((word) => letters(word.toLowerCase()) === letters(lower)) ??
    closest(lower, [...words]);
  const off = distance(lower, near.toLowerCase());
  // Two letters off makes anything of a word of two letters.
  return off <= 2 && off < Math.min(text.length, near.length) ? near : undefined;
}

/** `; did you mean …?`, or nothing. */
export function didYouMean(near: string | undefined): string {
  return near === undefined ? "" : `; did you mean ${near}?`;
}

function letters(text: string): string {
  return [...text].sort().join("");
}
