import { readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { isRecord } from "../plan/record";
import { writtenConfigSchema } from "./schema";

const NAMESPACE = "slipway:";

type Schema = Readonly<Record<string, unknown>>;

/**
 * The JSON Schema of a stack's file: editors complete, describe and check the settings under `config:`. A file names it
 * in its first line: `# yaml-language-server: $schema=./slipway.schema.json`
 */
export function stackFileSchema(): Schema {
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

/** `components/slipway.schema.json`. */
function stackFileSchemaText(): string {
  return `${JSON.stringify(stackFileSchema(), null, 2)}\n`;
}

/** Also accepts what `pulumi config set --secret` writes. */
function allowSecure(schema: Record<string, unknown>): void {
  const { description, ...plain } = schema;
  for (const key of Object.keys(schema)) delete schema[key];
  const properties = { secure: { type: "string" } };
  const secure = { type: "object", properties, required: ["secure"], additionalProperties: false };
  Object.assign(schema, { description, anyOf: [secure, plain] });
}

/** Descriptions of one entry of a list; the setting's own description is about the whole list. */
const ENTRIES: Readonly<Record<string, string>> = {
  registries: "A registry, with its credentials. `ghcr()`, `dockerHub()` and `registry()` make one.",
  images: "An image: what it is built from, for which platforms, and its tags.",
  lanes: "An independent family of tags.",
  checks: "A command that has to succeed before anything is built.",
  variants: "The image with other build arguments, under tags with a suffix.",
};

/** Settings with a named type; all other types are written inline. */
const NAMES: Readonly<Record<string, string>> = {
  registries: "RegistryArgs",
  images: "ImageArgs",
  lanes: "LaneArgs",
  checks: "CheckArgs",
  base: "BaseArgs",
  variants: "VariantArgs",
  builder: "BuilderArgs",
  sign: "SignArgs",
  promote: "PromoteArgs",
  policy: "PolicyArgs",
  rollback: "RollbackArgs",
  github: "GithubArgs",
};

/** `components/args.ts`: the arguments of a program, with a description of each field for editors. */
function argsTypesText(): string {
  const schema: Schema = z.toJSONSchema(writtenConfigSchema, { io: "input", target: "draft-7" });
  const properties = propertiesOf(schema);
  const named = Object.entries(properties).flatMap(([key, value]) => {
    const name = NAMES[key];
    const object = itemsOf(value) ?? value;
    if (name === undefined) return [];
    if (key === "github") return githubTypes(value);
    return [namedType(name, key, value, key === "images" ? without(object, ["name"]) : object)];
  });
  const fields = Object.entries(properties).map(([key, value]) =>
    field(key, typeOfSetting(key, value), value, false, "  "),
  );
  return [
    "// Generated from src/settings/schema.ts by: npm run schema",
    'import type * as pulumi from "@pulumi/pulumi";',
    "",
    ...named,
    "/**",
    " * The arguments of a release. Every field can be in the stack's settings (`slipway:*`) too, which win over the code;",
    " * environment variables win over both.",
    " */",
    "export interface ReleaseArgs {",
    ...fields,
    "}",
    "",
    "/** A release of what another stack verified: nothing is built. */",
    "export interface PromotionArgs extends ReleaseArgs {",
    "  readonly promote: PromoteArgs;",
    "}",
    "",
  ].join("\n");
}

function typeOfSetting(key: string, schema: Schema): string {
  const name = NAMES[key];
  if (name === undefined) return typeOf(schema, "  ");
  if (key === "images")
    return `Readonly<Record<string, ${name}>> | readonly (${name} & { readonly name: string })[]`;
  return itemsOf(schema) === undefined ? name : `readonly ${name}[]`;
}

function namedType(name: string, key: string, schema: Schema, object: Schema): string {
  const description = ENTRIES[key] ?? schema.description;
  return [...comment(description, ""), `export interface ${name} ${body(object, "")}`, ""].join("\n");
}

/** The arguments of `RepositorySetup.plan`, and those with the fields that only a stack's settings have. */
function githubTypes(schema: Schema): string[] {
  const ofStack = ["workflows", "setup"];
  const repository = {
    ...schema,
    description: "The settings of a GitHub repository. Parts that are left out stay as they are.",
  };
  const others = Object.keys(propertiesOf(schema)).filter((key) => !ofStack.includes(key));
  return [
    namedType("RepositorySetupArgs", "github", repository, without(schema, ofStack)),
    namedType("GithubArgs extends RepositorySetupArgs", "github", schema, without(schema, others)),
  ];
}

function without(schema: Schema, keys: readonly string[]): Schema {
  const kept = Object.entries(propertiesOf(schema)).filter(([key]) => !keys.includes(key));
  return { ...schema, properties: Object.fromEntries(kept) };
}

function typeOf(schema: Schema, indent: string): string {
  if (schema.secret === true) return "pulumi.Input<string>";
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const options = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(options))
    return [...new Set(options.filter(isRecord).map((option) => typeOf(option, indent)))].join(" | ");
  switch (schema.type) {
    case "array": {
      const item = typeOf(itemsOf(schema) ?? {}, indent);
      return `readonly ${/^\w+$/.test(item) ? item : `(${item})`}[]`;
    }
    case "object": {
      const values = schema.additionalProperties;
      if (isRecord(schema.properties)) return body(schema, indent);
      return `Readonly<Record<string, ${isRecord(values) ? typeOf(values, indent) : "unknown"}>>`;
    }
    case "integer":
    case "number":
      return "number";
    case "boolean":
    case "string":
      return schema.type;
    default:
      return "unknown";
  }
}

function body(schema: Schema, indent: string): string {
  const required: unknown[] = Array.isArray(schema.required) ? schema.required : [];
  const inner = `${indent}  `;
  const fields = Object.entries(propertiesOf(schema)).map(([key, value]) =>
    field(key, typeOf(value, inner), value, required.includes(key), inner),
  );
  return `{\n${fields.join("\n")}\n${indent}}`;
}

function field(key: string, type: string, schema: Schema, required: boolean, indent: string): string {
  return [
    ...comment(schema.description, indent),
    `${indent}readonly ${key}${required ? "" : "?"}: ${type};`,
  ].join("\n");
}

/** Puts `@default` and `@example` on lines of their own, so that editors show them as tags. */
function comment(description: unknown, indent: string): string[] {
  if (typeof description !== "string") return [];
  const lines = description.replaceAll("*/", "*\\/").split(/ (?=@(?:default|example) )/);
  return lines.length === 1
    ? [`${indent}/** ${description} */`]
    : [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`), `${indent} */`];
}

function propertiesOf({ properties }: Schema): Record<string, Schema> {
  return isRecord(properties)
    ? Object.fromEntries(
        Object.entries(properties).flatMap(([key, value]) => (isRecord(value) ? [[key, value]] : [])),
      )
    : {};
}

function itemsOf({ items }: Schema): Schema | undefined {
  return isRecord(items) ? items : undefined;
}

const FILES: Readonly<Record<string, () => string>> = {
  "components/slipway.schema.json": stackFileSchemaText,
  "components/args.ts": argsTypesText,
};

/** `npm run schema [-- --check]`, in the project's folder: writes the generated files, or reports those that are out of date. */
export function main(argv: readonly string[]): void {
  for (const [file, render] of Object.entries(FILES)) {
    const text = render();
    if (!argv.includes("--check")) {
      writeFileSync(file, text);
    } else if (readFileSync(file, "utf8") !== text) {
      process.stderr.write(`${file} does not match src/settings/schema.ts. Run: npm run schema\n`);
      process.exitCode = 1;
    }
  }
}
