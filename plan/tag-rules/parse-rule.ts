import { didYouMean, nearWord } from "../near-word";
import { type Problem, ProblemError } from "../problem";
import type { TagClass } from "../tag-policy";
import { readRow } from "./input-list";
import {
  DEFAULT_RULES,
  REF_EVENTS,
  RULE_ATTRIBUTES,
  RULE_PRIORITIES,
  type RuleType,
  SHA_FORMATS,
  type TagRule,
} from "./tag-rule";

/** An attribute of our own: what the rule's tag promises, where it is not what the rule would say. */
const CLASS_ATTRIBUTE = "slipway-class";
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
        message: error instanceof Error ? error.message : String(error),
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
      ...(own.prefix === undefined ? {} : { prefix: own.prefix }),
      ...(own.suffix === undefined ? {} : { suffix: own.suffix }),
      ...(tagClass === undefined ? {} : { class: oneOf(text, CLASS_ATTRIBUTE, tagClass, TAG_CLASSES) }),
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
        throw wrong(
          text,
          `group=${JSON.stringify(group)} is not a number; 0 is the whole match, 1 the first group`,
        );
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
  if (found === undefined)
    throw wrong(
      text,
      `${name}=${JSON.stringify(value)} is not one of ${allowed.join(", ")}${didYouMean(nearWord(value, allowed))}`,
    );
  return found;
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
