import { z } from "zod";
import { isRecord } from "../plan/record";
import type { Path } from "./paths";

/**
 * The engine hands every value over as a text: lists, mappings, numbers and booleans as JSON. A value that should be a
 * text stays one; anything that cannot be read stays as it is, and is reported by the schema.
 */
export function decodeWritten(
  schema: z.ZodObject,
  written: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
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

/** The schema of what stands at a path; undefined where nothing may stand there, or where a union has no one answer. */
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
