import { distance } from "fastest-levenshtein";
import { z } from "zod";
import type { Problem } from "../plan/problem";
import { isRecord } from "../plan/record";
import { type Path, problem, type Written } from "./paths";
import { writtenConfigSchema } from "./schema";

/**
 * The engine hands every value over as a text: lists, mappings, numbers and booleans as JSON. A value that should be a
 * text stays one; anything that cannot be read stays as it is, and is reported by the schema.
 */
export function decodeWritten(schema: z.ZodObject, written: Written): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(written).map(([key, value]) => [key, decodeValue(schemaAt(schema, [key]), value)]),
  );
}

function decodeValue(schema: z.ZodType | undefined, value: unknown): unknown {
  if (schema === undefined) return value;
  if (schema instanceof z.ZodString) {
    return typeof value === "number" || typeof value === "boolean" ? String(value) : value;
  }
  if (typeof value !== "string") return value;
  try {
    const decoded: unknown = JSON.parse(value);
    return decoded;
  } catch {
    return value;
  }
}

/** The schema of a path; undefined where the path is not allowed, or where a union has no one answer. */
export function schemaAt(schema: z.ZodType, path: Path): z.ZodType | undefined {
  const bare = unwrap(schema);
  const [step, ...rest] = path;
  if (step === undefined) return bare;
  const next = child(bare, step);
  return next === undefined ? undefined : schemaAt(next, rest);
}

/** The keys that a mapping may have, sorted; undefined where any may. */
export function keysAt(schema: z.ZodType, path: Path): string[] | undefined {
  const found = schemaAt(schema, path);
  if (found === undefined || !(found instanceof z.ZodUnion)) return ownKeys(found)?.sort();
  return found.options.flatMap((option) => ownKeys(asSchema(option)) ?? []).sort();
}

/** Those of a mapping with keys of its own, or with keys out of a list. */
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

function unwrap(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional) {
    return unwrap(asSchema(schema.unwrap()) ?? schema);
  }
  return schema;
}

function asSchema(value: unknown): z.ZodType | undefined {
  return value instanceof z.ZodType ? value : undefined;
}

const NAMESPACE = "slipway";
/** The keys of a stack's file that Pulumi knows. */
const TOP_LEVEL = ["config", "environment", "encryptedkey", "encryptionsalt", "secretsprovider"];
const SETTINGS: Readonly<Record<string, (typeof writtenConfigSchema.shape)[Setting]>> =
  writtenConfigSchema.shape;
type Setting = keyof typeof writtenConfigSchema.shape;

/**
 * Settings that look like Slipway's by name and value, but are in a place that neither Slipway nor Pulumi reads.
 *
 * @param config every setting of the stack, with its namespace
 * @param topLevel the keys of the stack's file beside `config`
 */
export function misplacedSettings(config: Written, topLevel: readonly string[] = []): Problem[] {
  const outside = topLevel.flatMap((key) => {
    const name = key.replace(/^slipway:/, "");
    if (TOP_LEVEL.includes(key) || SETTINGS[name] === undefined) return [];
    return [misplaced(key, name, "is not below `config:`, where settings are")];
  });
  const inside = Object.entries(config).flatMap(([key, value]) => {
    const colon = key.indexOf(":");
    const namespace = key.slice(0, colon);
    const name = key.slice(colon + 1);
    if (namespace === NAMESPACE || SETTINGS[name] === undefined) return [];
    if (distance(namespace, NAMESPACE) <= 2) return [misplaced(key, name, "is not a setting")];
    return isMeant(name, value) ? [misplaced(key, name, "is not in the namespace of Slipway")] : [];
  });
  return [...outside, ...inside];
}

/** Only lists and mappings count: a program may well have a setting `version` of its own, but hardly `registries`. */
function isMeant(name: string, value: unknown): boolean {
  const decoded = decodeWritten(writtenConfigSchema, { [name]: value })[name];
  return (
    typeof decoded === "object" && decoded !== null && SETTINGS[name]?.safeParse(decoded).success === true
  );
}

function misplaced(key: string, name: string, why: string): Problem {
  return problem("config-unknown-key", key, `${why}; did you mean \`slipway:${name}\`?`);
}
