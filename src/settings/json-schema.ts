import { readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { isRecord } from "../plan/record";
import { argsTypesText } from "./args-types";
import { writtenConfigSchema } from "./schema";

const NAMESPACE = "slipway:";

type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * The JSON Schema of a stack's file, for editors: completion, descriptions and mistakes under `config:`.
 * In a stack's file: `# yaml-language-server: $schema=./slipway.schema.json`
 */
export function stackFileSchema(): JsonSchema {
  const { properties = {} } = z.toJSONSchema(writtenConfigSchema, {
    io: "input",
    target: "draft-7",
    override: ({ zodSchema, jsonSchema }) => {
      const { what: _what, secret: isSecret, ...rest } = jsonSchema;
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
      Object.assign(jsonSchema, rest);
      if (isSecret === true && zodSchema._zod.def.type === "string") allowSecure(jsonSchema);
    },
  });
  const keys = Object.fromEntries(
    Object.entries(properties).map(([key, schema]) => [
      NAMESPACE + key,
      key === "images" ? orByName(schema) : schema,
    ]),
  );
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    $comment: "Generated from src/settings/schema.ts by: npm run schema",
    title: "A Pulumi stack file of Slipway",
    type: "object",
    properties: {
      config: {
        type: "object",
        description: "The stack's configuration. Slipway's settings start with `slipway:`.",
        properties: keys,
        propertyNames: {
          anyOf: [{ enum: Object.keys(keys) }, { not: { pattern: `^${NAMESPACE}` } }],
        },
      },
    },
  };
}

/** Images may be a list with names, or a mapping by their names. */
function orByName(schema: unknown): unknown {
  if (!isRecord(schema) || !isRecord(schema.items) || !isRecord(schema.items.properties)) return schema;
  const { description, ...list } = schema;
  const { name: _, ...properties } = schema.items.properties;
  const { required: _required, ...image } = schema.items;
  return {
    description,
    anyOf: [list, { type: "object", additionalProperties: { ...image, properties } }],
  };
}

export function stackFileSchemaText(): string {
  return `${JSON.stringify(stackFileSchema(), null, 2)}\n`;
}

/** What `pulumi config set --secret` writes. */
function allowSecure(schema: Record<string, unknown>): void {
  const { description, ...plain } = schema;
  for (const key of Object.keys(schema)) delete schema[key];
  const properties = { secure: { type: "string" } };
  const secure = { type: "object", properties, required: ["secure"], additionalProperties: false };
  Object.assign(schema, { description, anyOf: [secure, plain] });
}

const FILES: Readonly<Record<string, () => string>> = {
  "components/slipway.schema.json": stackFileSchemaText,
  "components/args.ts": argsTypesText,
};

/** `npm run schema [-- --check]`, in the project's folder: writes the generated files, or reports those that are stale. */
export function main(argv: readonly string[]): void {
  for (const [file, render] of Object.entries(FILES)) {
    const text = render();
    if (!argv.includes("--check")) {
      writeFileSync(file, text);
    } else if (readFileSync(file, "utf8") !== text) {
      process.stderr.write(`${file} does not fit src/settings/schema.ts. Run: npm run schema\n`);
      process.exitCode = 1;
    }
  }
}
