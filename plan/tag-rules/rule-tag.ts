import type { TagClass, VersionLine } from "../tag-policy";
import { branchOf, pullRequestOf, type ReleaseEvent, tagOf } from "./event";
import {
  type ExpressionScope,
  newTrace,
  renderExpression,
  renderSchedule,
  shortSha,
  type Trace,
} from "./expressions";
import type { Flavor } from "./flavor";
import { tagClass } from "./tag-class";
import type { MatchRule, RefRule, TagRule, VersionRule } from "./tag-rule";
import { pep440Text, semverText } from "./version-text";

/** The tag that one rule makes of an event. */
export interface RuleTag {
  /** Cleaned: every run of characters outside `[A-Za-z0-9._-]` has become one `-`. Never empty. */
  readonly name: string;
  readonly class: TagClass;
  /** What `latest=auto` comes to if this is the first tag. */
  readonly latest: boolean;
  /** The versions among which the tag points to the newest; only for tags that tell a part of a version. */
  readonly line?: VersionLine;
}

export interface RuleOutcome {
  /** Undefined: the rule does not apply to this event, is switched off, or gave an empty text. */
  readonly tag: RuleTag | undefined;
  readonly warnings: readonly string[];
}

/** What a rule gives before prefix, suffix and cleaning. */
interface RuleText {
  readonly text: string;
  readonly latest: boolean;
  readonly whole: boolean;
  readonly line?: VersionLine;
}

/**
 * Applies one rule to an event.
 *
 * @throws Error when an expression or a regular expression is wrong.
 */
export function applyRule(rule: TagRule, flavor: Flavor, scope: ExpressionScope): RuleOutcome {
  // `enable` has a trace of its own: `enable={{…}}` is no part of the tag's name.
  const condition = newTrace();
  const enabled = renderExpression(rule.enable, scope, condition);
  if (enabled !== "true" && enabled !== "false") {
    throw new TypeError(`enable=${JSON.stringify(enabled)} is not one of true, false`);
  }
  const trace = newTrace();
  const tag = enabled === "true" ? ruleTag(rule, flavor, scope, trace) : undefined;
  return { tag, warnings: [...condition.warnings, ...trace.warnings] };
}

function ruleTag(rule: TagRule, flavor: Flavor, scope: ExpressionScope, trace: Trace): RuleTag | undefined {
  const given = ruleText(rule, scope, trace);
  if (given === undefined) return undefined;
  const name = withAffixes(given.text, rule, flavor, scope, trace);
  if (name === "") return undefined;
  return {
    name: cleanTag(name),
    class: tagClass(rule, given.text, given.whole, trace.uses, scope.event),
    latest: given.latest,
    ...(given.line === undefined ? {} : { line: given.line }),
  };
}

/** Replaces what a tag may not hold. Neither length nor the first character is looked at. */
export function cleanTag(text: string): string {
  return text.replace(/[^a-zA-Z0-9._-]+/g, "-");
}

function ruleText(rule: TagRule, scope: ExpressionScope, trace: Trace): RuleText | undefined {
  const { event } = scope;
  switch (rule.type) {
    case "schedule":
      return event.eventName.includes("schedule")
        ? moving(renderSchedule(rule.pattern, scope, trace))
        : undefined;
    case "semver":
    case "pep440":
      return versionText(rule, scope, trace);
    case "match":
      return matchText(rule, scope, trace);
    case "edge": {
      const branch = branchOf(event.ref);
      const wanted = rule.branch === "" ? event.repository.defaultBranch : rule.branch;
      return branch !== undefined && branch === wanted ? moving("edge") : undefined;
    }
    case "ref":
      return refText(rule, event);
    case "raw":
      return moving(renderExpression(rule.value, scope, trace));
    case "sha":
      if (event.sha === "") return undefined;
      return moving(rule.format === "long" ? event.sha : shortSha(event.sha, scope.shortShaLength));
  }
}

function refText(rule: RefRule, { ref }: ReleaseEvent): RuleText | undefined {
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

function versionText(rule: VersionRule, scope: ExpressionScope, trace: Trace): RuleText | undefined {
  const source = sourceText(rule, scope, trace);
  if (source === undefined) return undefined;
  let version = source;
  if (rule.match !== "") {
    const match = source.match(rule.match);
    if (match === null) {
      trace.warnings.push(`match=${rule.match} does not match ${source}, which is taken whole`);
    } else if (match[1] === undefined) {
      throw new TypeError(`match=${rule.match} has no group that took part; put the version in parentheses`);
    } else {
      version = match[1];
    }
  }
  version = version.replaceAll("/", "-");
  const written =
    rule.type === "semver" ? semverText(version, rule.pattern) : pep440Text(version, rule.pattern);
  if (written === undefined) {
    const what = rule.type === "semver" ? "semantic version (https://semver.org)" : "PEP 440 version";
    trace.warnings.push(`${version} is not a valid ${what}; ${rule.text} makes no tag`);
    return undefined;
  }
  return { ...written, latest: written.stable };
}

function matchText(rule: MatchRule, scope: ExpressionScope, trace: Trace): RuleText | undefined {
  const source = sourceText(rule, scope, trace);
  if (source === undefined) return undefined;
  const [, expression, flags] = rule.pattern.match(/^\/(.+)\/(.*)$/) ?? [];
  const match = source.match(expression === undefined ? rule.pattern : new RegExp(expression, flags));
  if (match === null) {
    trace.warnings.push(`${rule.pattern} does not match ${source}; ${rule.text} makes no tag`);
    return undefined;
  }
  // `01` and `1e0` are numbers, but no group has that name.
  const group = String(Number(rule.group)) === rule.group ? match[Number(rule.group)] : undefined;
  if (group === undefined) {
    trace.warnings.push(
      `${rule.pattern} has no group ${rule.group} for ${source}; ${rule.text} makes no tag`,
    );
    return undefined;
  }
  return { text: group, latest: true, whole: true };
}

/** The rule's own value, else the git tag's name; undefined when there is neither. */
function sourceText(
  rule: VersionRule | MatchRule,
  { event, ...rest }: ExpressionScope,
  trace: Trace,
): string | undefined {
  return rule.value === "" ? tagOf(event.ref) : renderExpression(rule.value, { event, ...rest }, trace);
}

function withAffixes(
  text: string,
  rule: TagRule,
  flavor: Flavor,
  scope: ExpressionScope,
  trace: Trace,
): string {
  const prefix = renderExpression(rule.prefix ?? flavor.prefix, scope, trace);
  const suffix = renderExpression(rule.suffix ?? flavor.suffix, scope, trace);
  return `${prefix}${text}${suffix}`;
}
