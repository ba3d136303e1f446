import type { TagClass } from "../tag-policy";

/** The kinds of tag rule, as docker/metadata-action names them, with the priority each has unless it says another. */
export const RULE_PRIORITIES = {
  schedule: 1000,
  semver: 900,
  pep440: 900,
  match: 800,
  edge: 700,
  ref: 600,
  raw: 200,
  sha: 100,
} as const;

export type RuleType = keyof typeof RULE_PRIORITIES;

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
] as const;

/** What every rule has. `prefix`, `suffix`, `enable`, `value` may hold expressions such as `{{branch}}`. */
interface RuleCommon {
  /** The rule as it was written, for messages. */
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
  /** Every attribute by its lower-case name, defaults and unknown ones included; not `type`. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** On `schedule` events. `pattern` knows `{{date}}` and `{{commit_date}}` only; default `nightly`. */
export interface ScheduleRule extends RuleCommon {
  readonly type: "schedule";
  readonly pattern: string;
}

/** On git tags, or from `value` where that is not empty. `match` cuts the version out by its first group. */
export interface VersionRule extends RuleCommon {
  readonly type: "semver" | "pep440";
  readonly pattern: string;
  readonly value: string;
  readonly match: string;
}

/** On git tags, or from `value`. `pattern` is a regular expression, plain or as `/expression/flags`. */
export interface MatchRule extends RuleCommon {
  readonly type: "match";
  readonly pattern: string;
  /** Index of the group that becomes the tag, as written. Default `0`, the whole match. */
  readonly group: string;
  readonly value: string;
}

/** `edge`, on one branch. */
export interface EdgeRule extends RuleCommon {
  readonly type: "edge";
  /** Empty: the repository's default branch. */
  readonly branch: string;
}

export const REF_EVENTS = ["branch", "tag", "pr"] as const;

/** The branch's name, the git tag's name or the pull request's number (prefix `pr-`). */
export interface RefRule extends RuleCommon {
  readonly type: "ref";
  readonly event: (typeof REF_EVENTS)[number];
}

export interface RawRule extends RuleCommon {
  readonly type: "raw";
  readonly value: string;
}

export const SHA_FORMATS = ["short", "long"] as const;

/** The commit, prefix `sha-`. */
export interface ShaRule extends RuleCommon {
  readonly type: "sha";
  readonly format: (typeof SHA_FORMATS)[number];
}

export type TagRule = ScheduleRule | VersionRule | MatchRule | EdgeRule | RefRule | RawRule | ShaRule;

/** The rules that hold where none are written. */
export const DEFAULT_RULES: readonly string[] = [
  "type=schedule",
  "type=ref,event=branch",
  "type=ref,event=tag",
  "type=ref,event=pr",
];
