import Handlebars from "handlebars";
import { readRow, workflowExpression } from "./inputs";
import { didYouMean, nearWord, parseTagRule, RULE_ATTRIBUTES, type TagRule } from "./tag-rule";

/** An unknown name in a rule or flavor, which would be ignored or rendered as nothing. */
export interface Misspelling {
  readonly message: string;
  readonly hint: string;
}

const DATES = ["date", "commit_date"] as const;
/** The expressions of `renderExpression`. */
const EXPRESSIONS = [
  "branch",
  "tag",
  "sha",
  "base_ref",
  "is_default_branch",
  "is_not_default_branch",
  ...DATES,
  "input",
] as const;
const VERSION = ["version", "raw", "major", "minor", "patch"] as const;
/** Fields of semver's version object that work too; hints do not list them. */
const UNLISTED: Partial<Record<TagRule["type"], readonly string[]>> = { semver: ["prerelease", "build"] };

/**
 * Finds unknown placeholders in a rule, and attributes that are nearly a known one. Evaluating them is no error, as in
 * docker/metadata-action. In an invalid rule, only attributes are found.
 */
export function misspeltInRule(text: string): Misspelling[] {
  const attributes = misspeltAttributes(text);
  if (attributes.length > 0) return attributes;
  const rule = attempt(() => parseTagRule(text));
  if (rule === undefined) return [];
  const { enable, prefix, suffix } = rule;
  return [
    ...ofPattern(rule),
    ...("value" in rule ? unknownNames(text, "value", rule.value, EXPRESSIONS) : []),
    ...Object.entries({ enable, prefix, suffix }).flatMap(([name, template]) =>
      unknownNames(text, name, template ?? "", EXPRESSIONS),
    ),
  ];
}

export function misspeltInFlavor(text: string): Misspelling[] {
  const expression = workflowExpression(text);
  if (expression !== undefined)
    return [{ ...expression, message: `${JSON.stringify(text)}: ${expression.message}` }];
  return fieldsOf(text)
    .map(nameAndValue)
    .filter(({ name }) => name === "prefix" || name === "suffix")
    .flatMap(({ name, value }) => unknownNames(text, name, value, EXPRESSIONS));
}

function ofPattern(rule: TagRule): Misspelling[] {
  switch (rule.type) {
    case "semver":
    case "pep440":
      return unknownNames(rule.text, "pattern", rule.pattern, VERSION, UNLISTED[rule.type]);
    case "schedule":
      return unknownNames(rule.text, "pattern", rule.pattern, DATES);
    default:
      // The pattern of `match` is a regular expression.
      return [];
  }
}

function misspeltAttributes(text: string): Misspelling[] {
  const names = fieldsOf(text).flatMap((field) => (field.indexOf("=") > 0 ? nameAndValue(field).name : []));
  return names.flatMap((name) => {
    const isKnown = RULE_ATTRIBUTES.some((known) => known === name);
    const near = isKnown ? undefined : nearWord(name, RULE_ATTRIBUTES);
    if (near === undefined) return [];
    const message = `${JSON.stringify(text)}: ${name}= is not an attribute of a rule${didYouMean(`${near}=`)}`;
    return [{ message, hint: `Attributes of rules: ${RULE_ATTRIBUTES.join(", ")}` }];
  });
}

function unknownNames(
  text: string,
  attribute: string,
  template: string,
  known: readonly string[],
  unlisted: readonly string[] = [],
): Misspelling[] {
  return namesIn(template)
    .filter((name) => !known.includes(name) && !unlisted.includes(name))
    .map((name) => {
      const near = nearWord(name, known);
      const meant = didYouMean(near === undefined ? undefined : `{{${near}}}`);
      return {
        message: `${JSON.stringify(text)}: {{${name}}} in ${attribute}= is not known and would be left empty${meant}`,
        hint: `Known in this ${attribute}=: ${known.map((name) => `{{${name}}}`).join(", ")}`,
      };
    });
}

function namesIn(template: string): string[] {
  if (!template.includes("{{")) return [];
  const program = attempt(() => Handlebars.parse(template));
  const names = new Names();
  if (program !== undefined) names.accept(program);
  return [...names.found];
}

class Names extends Handlebars.Visitor {
  readonly found = new Set<string>();

  override PathExpression(path: hbs.AST.PathExpression): void {
    const [first] = path.parts;
    // `this`, `../x` and `@root` are Handlebars' own.
    const isName = typeof first === "string" && !path.data && path.depth === 0;
    if (isName && !Object.hasOwn(Handlebars.helpers, first)) this.found.add(first);
  }

  /** Names within `each` and `with` are parts of a value. */
  override BlockStatement(block: hbs.AST.BlockStatement): void {
    if (block.path.original !== "each" && block.path.original !== "with") super.BlockStatement(block);
  }
}

/** Returns undefined for what cannot be read: evaluating it reports the error. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function fieldsOf(text: string): string[] {
  return attempt(() => readRow(text)) ?? [];
}

function nameAndValue(field: string): { name: string; value: string } {
  const equals = field.indexOf("=");
  return {
    name: field.slice(0, Math.max(0, equals)).trim().toLowerCase(),
    value: field.slice(equals + 1).trim(),
  };
}
