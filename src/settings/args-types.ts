import { z } from "zod";
import { isRecord } from "../plan/record";
import { writtenConfigSchema } from "./schema";

/** What one entry of a list is; the setting's own description is about the list. */
const ENTRIES: Readonly<Record<string, string>> = {
  registries: "A registry, with its credentials. `ghcr()`, `dockerHub()` and `registry()` make one.",
  images: "An image: what it is built from, for which platforms, and its tags.",
  lanes: "An independent family of tags.",
  checks: "A command that has to succeed before anything is built.",
  variants: "The image with other build arguments, under tags with a suffix.",
};

/** Settings whose type has a name of its own; the types of all others are written inline. */
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

type Schema = Readonly<Record<string, unknown>>;

/** `components/args.ts`: the arguments of a program as TypeScript, with a description of each field for editors. */
export function argsTypesText(): string {
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
    " * What a release is made of. Every field may be in the stack's settings (`slipway:*`) as well, which win over the code;",
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

/** What a program gives `RepositorySetup.plan`, and what only a stack's settings have beside it. */
function githubTypes(schema: Schema): string[] {
  const ofStack = ["workflows", "setup"];
  const repository = {
    ...schema,
    description: "What a GitHub repository is to have; a part that is left out is left alone.",
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
