import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { z } from "zod";
import { type Digest, isDigest } from "../plan/digest";
import { ProblemError } from "../plan/problem";
import { isRecord } from "../plan/record";

/** Property values as they travel between engine and provider. */
export type Properties = Record<string, unknown>;

/** The engine wraps a secret in an object that has this key and value. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270";

/** The properties with secrets unwrapped: Configure sends them wrapped, whatever a provider says it accepts. */
export function fromStruct(struct: Struct | undefined): Properties {
  return struct === undefined ? {} : unwrapFields(struct.toJavaScript());
}

function unwrapFields(fields: object): Properties {
  return Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, unwrap(field)]));
}

function unwrap(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unwrap);
  if (!isRecord(value)) return value;
  return value[SIGNATURE] === SECRET_SIGNATURE ? unwrap(value.value) : unwrapFields(value);
}

/** Leaves undefined values out, which a Struct cannot hold. */
export function toStruct(properties: object): Struct {
  const plain: Record<string, never> = JSON.parse(JSON.stringify(properties));
  return Struct.fromJavaScript(plain);
}

/** Checks properties against a schema. The problems do not contain the values, which may be secret. */
export function parseInputs<Inputs>(
  title: string,
  schema: z.ZodType<Inputs>,
  properties: Properties,
): Inputs {
  const result = schema.safeParse(properties);
  if (result.success) return result.data;
  throw new ProblemError(
    `${title}: wrong inputs`,
    result.error.issues.map((issue) => ({
      code: "provider-input",
      path: issue.path.join(".") || title,
      message: issue.message,
    })),
  );
}

/** What the engine sends for an output that is not known yet. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export const digestInput = z.custom<Digest>(isDigest, "is not a sha256 digest");

/** A digest, or undefined while the engine does not know it yet. docker-build previews an update as `""`. */
export const pendingDigestInput = z
  .custom<Digest | typeof UNKNOWN | "">(
    (value) => value === UNKNOWN || value === "" || isDigest(value),
    "is not a sha256 digest",
  )
  .optional()
  .transform((value): Digest | undefined => (isDigest(value) ? value : undefined));

/** `host/path`. */
export const repositoryInput = z.string().regex(/^[^/]+\/.+$/, 'is not a repository ("host/path")');
