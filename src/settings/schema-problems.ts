import { closest, distance } from "fastest-levenshtein";
import type { z } from "zod";
import type { Problem } from "../plan/problem";
import { keysAt, schemaAt } from "./decode";
import { flagSuggestion } from "./grammar";
import { type Path, problem, valueAt } from "./paths";
import { REDACTED } from "./secrets";

type Issue = z.core.$ZodIssue;

export interface ShownValues {
  /** How a value is written in a message: secrets are not. */
  show(path: Path, value: unknown): string;
}

/** What the schema finds, as problems: path, value, what is allowed, a stable code. */
export function schemaProblems(
  schema: z.ZodType,
  input: unknown,
  issues: readonly Issue[],
  shown: ShownValues,
): Problem[] {
  return issues.flatMap((issue) => problemsOf(issue, { schema, input, shown, at: [] }));
}

interface Context {
  readonly schema: z.ZodType;
  readonly input: unknown;
  readonly shown: ShownValues;
  readonly at: Path;
}

function problemsOf(issue: Issue, context: Context): Problem[] {
  const path = [...context.at, ...stepsOf(issue.path)];
  const value = valueAt(context.input, path);
  const shown = context.shown.show(path, value);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey(context, path, key));
    case "invalid_type":
      return [typeProblem(context, path, value)];
    case "invalid_value": {
      const allowed = issue.values.map(String);
      const near = shown === REDACTED ? "" : suggestion(String(value), allowed);
      const message = `${shown} is not one of ${allowed.join(", ")}${near}`;
      return [problem("config-value", path, message)];
    }
    case "invalid_union":
      return unionProblems(issue, { ...context, at: path }, value);
    case "invalid_key": {
      const key = JSON.stringify(path.at(-1) ?? "");
      const message = `${key} ${issue.issues[0]?.message ?? "is not allowed as a key"}`;
      return [problem("config-value", path, message)];
    }
    case "invalid_element":
      return issue.issues.flatMap((inner) => problemsOf(inner, { ...context, at: path }));
    case "too_small":
    case "too_big":
    case "invalid_format":
    case "not_multiple_of":
    case "custom":
      return [problem("config-value", path, sentence(shown, issue.message))];
    default: {
      const never: never = issue;
      throw new TypeError(`unknown issue ${JSON.stringify(never)}`);
    }
  }
}

function typeProblem({ schema, shown }: Context, path: Path, value: unknown): Problem {
  const what = whatAt(schema, path);
  if (value === undefined) return problem("config-required", path, `is required; expected ${what}`);
  if (value === null) return problem("config-type", path, `is empty; expected ${what}`);
  const said = shown.show(path, value);
  const meant = what === "true or false" && said !== REDACTED ? flagSuggestion(value) : "";
  const isListOfTexts = schemaAt(schema, [...path, 0])?.def.type === "string";
  const hint = isListOfTexts && said !== REDACTED ? listHint(value) : undefined;
  return problem("config-type", path, `${said} is not ${what}${meant}`, hint);
}

/** A text with an entry a line is how a workflow's `with:` has a list. */
function listHint(value: unknown): string | undefined {
  const entries = typeof value === "string" ? value.split("\n").filter((line) => line.trim() !== "") : [];
  if (entries.length === 0) return undefined;
  return [
    `Write a list${entries.length > 1 ? ", without `|`" : ""}:`,
    ...entries.map((entry) => entry.trim().replace(/^(?!#)/, "- ")),
  ].join("\n");
}

function whatAt(schema: z.ZodType, path: Path): string {
  const found = schemaAt(schema, path);
  const what = found?.meta()?.what;
  if (typeof what === "string") return what;
  switch (found?.def.type) {
    case "string":
      return "a text";
    case "boolean":
      return "true or false";
    case "number":
    case "int":
      return "a whole number";
    case "array":
      return "a list";
    default:
      return "a mapping";
  }
}

/** The problems of the one form that was meant, or that none fits. */
function unionProblems(issue: z.core.$ZodIssueInvalidUnion, context: Context, value: unknown): Problem[] {
  const meant = issue.errors.find(
    (errors) =>
      errors.length > 0 &&
      errors.every((error) => error.path.length > 0 || error.code !== "invalid_type") &&
      !errors.some((error) => isOtherWord(error, value)),
  );
  if (meant !== undefined) return meant.flatMap((error) => problemsOf(error, context));
  const isNumber = typeof value === "number" && context.at.includes("buildArgs");
  const hint = isNumber ? `Write it in quotes: "${value}"` : undefined;
  return [{ ...typeProblem(context, context.at, value), hint }];
}

/** A mapping is not meant as one of some words; and if only one word fits (`off`), the message names the other form too. */
function isOtherWord(error: Issue, value: unknown): boolean {
  if (error.code !== "invalid_value" || error.path.length > 0) return false;
  return typeof value === "object" || error.values.length === 1;
}

function unknownKey({ schema }: Context, path: Path, key: string): Problem {
  const allowed = keysAt(schema, path) ?? [];
  const message = `is not a setting${suggestion(key, allowed)}`;
  return problem("config-unknown-key", [...path, key], message, `Settings here: ${allowed.join(", ")}`);
}

/** `; did you mean …?` where one of the words is near enough. */
function suggestion(text: string, words: readonly string[]): string {
  if (words.length === 0 || text.length > 100) return "";
  const lower = text.toLowerCase();
  const same =
    words.find((word) => word.toLowerCase() === lower) ??
    // A platform with its variant too much or too little.
    words.find((word) => word.startsWith(`${text}/`) || text.startsWith(`${word}/`));
  const near = same ?? closest(text, [...words]);
  const isNear = same !== undefined || distance(text, near) <= Math.max(2, Math.floor(near.length / 3));
  return isNear ? `; did you mean \`${near}\`?` : "";
}

/**
 * A message that starts with `:` stands alone, since its value can have a password in it. A suggestion is made of the
 * value: it goes where the value is hidden.
 */
function sentence(shown: string, message: string): string {
  if (message.startsWith(": ")) return message.slice(2);
  return `${shown} ${withoutSuggestion(shown, message)}`;
}

function withoutSuggestion(shown: string, message: string): string {
  return shown === REDACTED ? message.replace(/; did you mean .*$/s, "") : message;
}

function stepsOf(path: readonly PropertyKey[]): Path {
  return path.map((step) => (typeof step === "symbol" ? String(step) : step));
}
