import { z } from "zod";
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
    Object.entries(properties).map(([key, schema]) => [NAMESPACE + key, schema]),
  );
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    $comment: "Generated from config/schema.ts by: node --require tsx/cjs config/write-json-schema.ts",
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

/** The file's text: formatted the same on every machine. */
export function stackFileSchemaText(): string {
  return `${JSON.stringify(stackFileSchema(), null, 2)}\n`;
}

/** What `pulumi config set --secret` writes. */
function allowSecure(schema: Record<string, unknown>): void {
  const { description, ...plain } = schema;
  for (const key of Object.keys(schema)) delete schema[key];
  Object.assign(schema, {
    ...(description === undefined ? {} : { description }),
    anyOf: [
      {
        type: "object",
        properties: { secure: { type: "string" } },
        required: ["secure"],
        additionalProperties: false,
      },
      plain,
    ],
  });
}
