import { closest, distance } from "fastest-levenshtein";
import { z } from "zod";
import type { Problem } from "../plan/problem";
import { isRecord } from "../plan/record";
import { flagSuggestion } from "./grammar";
import { type Path, problem, valueAt } from "./paths";
import { withoutDefault } from "./schema";
import { REDACTED, type Redaction } from "./secrets";

type Issue = z.core.$ZodIssue;

/** The issues that zod finds, as problems with path, value, what is allowed, and a stable code. */
export function schemaProblems(
  schema: z.ZodType,
  input: unknown,
  issues: readonly Issue[],
  redaction: Redaction,
): Problem[] {
  return issues.flatMap((issue) => problemsOf(issue, { schema, input, redaction, at: [] }));
}

interface Context {
  readonly schema: z.ZodType;
  readonly input: unknown;
  readonly redaction: Redaction;
  /** Where the issue's own path starts. */
  readonly at: Path;
}

function problemsOf(issue: Issue, context: Context): Problem[] {
  const path = [...context.at, ...stepsOf(issue.path)];
  const value = valueAt(context.input, path);
  const shown = context.redaction.show(path, value);
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

function typeProblem({ schema, redaction }: Context, path: Path, value: unknown): Problem {
  const what = whatAt(schema, path);
  if (value === undefined) return problem("config-required", path, `is required; expected ${what}`);
  if (value === null) return problem("config-type", path, `is empty; expected ${what}`);
  const shown = redaction.show(path, value);
  const meant = what === "true or false" && shown !== REDACTED ? flagSuggestion(value) : "";
  const isListOfTexts = schemaAt(schema, [...path, 0])?.def.type === "string";
  const hint = isListOfTexts && shown !== REDACTED ? listHint(value) : undefined;
  return problem("config-type", path, `${shown} is not ${what}${meant}`, hint);
}

/** In a workflow's `with:`, a list is a text with one entry a line, which people paste here. */
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

/** The problems of the form that the value comes nearest to, or that it fits no form. */
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

/** The form is a word, but the value is a mapping, or the only word (`off`) is not the only form. */
function isOtherWord(error: Issue, value: unknown): boolean {
  if (error.code !== "invalid_value" || error.path.length > 0) return false;
  return typeof value === "object" || error.values.length === 1;
}

function unknownKey({ schema }: Context, path: Path, key: string): Problem {
  const allowed = keysAt(schema, path) ?? [];
  const message = `is not a setting${suggestion(key, allowed)}`;
  return problem("config-unknown-key", [...path, key], message, `Settings here: ${allowed.join(", ")}`);
}

/** `; did you mean …?` if one of the words is near enough. */
function suggestion(text: string, words: readonly string[]): string {
  if (words.length === 0 || text.length > 100) return "";
  const lower = text.toLowerCase();
  const same =
    words.find((word) => word.toLowerCase() === lower) ??
    // A platform with one variant too many, or without its variant.
    words.find((word) => word.startsWith(`${text}/`) || text.startsWith(`${word}/`));
  const near = same ?? closest(text, [...words]);
  const isNear = same !== undefined || distance(text, near) <= Math.max(2, Math.floor(near.length / 3));
  return isNear ? `; did you mean \`${near}\`?` : "";
}

/**
 * A message that starts with `:` does not show the value, which may contain a password. A suggestion repeats most of
 * the value, so a hidden value gets none.
 */
function sentence(shown: string, message: string): string {
  if (message.startsWith(": ")) return message.slice(2);
  return `${shown} ${shown === REDACTED ? message.replace(/; did you mean .*$/s, "") : message}`;
}

function stepsOf(path: readonly PropertyKey[]): Path {
  return path.map((step) => (typeof step === "symbol" ? String(step) : step));
}

/** The schema at a path; undefined if the path is not allowed, or leads to several forms of a union. */
function schemaAt(schema: z.ZodType, path: Path): z.ZodType | undefined {
  const bare = withoutDefault(schema);
  const [step, ...rest] = path;
  if (step === undefined) return bare;
  const next = child(bare, step);
  return next === undefined ? undefined : schemaAt(next, rest);
}

/** The keys that a mapping may have, sorted; undefined if any key is allowed. */
function keysAt(schema: z.ZodType, path: Path): string[] | undefined {
  const found = schemaAt(schema, path);
  if (found === undefined || !(found instanceof z.ZodUnion)) return ownKeys(found)?.sort();
  return found.options.flatMap((option) => ownKeys(asSchema(option)) ?? []).sort();
}

/** Keys of an object, or of a record whose keys are an enum. */
function ownKeys(schema: z.ZodType | undefined): string[] | undefined {
  if (schema instanceof z.ZodObject) return Object.keys(schema.shape);
  if (schema instanceof z.ZodRecord && schema.keyType instanceof z.ZodEnum)
    return schema.keyType.options.map(String);
  return undefined;
}

function child(schema: z.ZodType, step: string | number): z.ZodType | undefined {
  if (schema instanceof z.ZodObject) return asSchema(isRecord(schema.shape) ? schema.shape[step] : undefined);
  if (schema instanceof z.ZodArray) return asSchema(schema.element);
  if (schema instanceof z.ZodRecord) return asSchema(schema.valueType);
  if (schema instanceof z.ZodUnion) {
    return schema.options
      .map((option) => (option instanceof z.ZodObject ? child(option, step) : undefined))
      .find((found) => found !== undefined);
  }
  return undefined;
}

function asSchema(value: unknown): z.ZodType | undefined {
  return value instanceof z.ZodType ? value : undefined;
}
