import { readFileSync } from "node:fs";
import Ajv, { type ValidateFunction } from "ajv";
import { field } from "./router";

const OPERATIONS = ["get", "post", "put", "patch", "delete"];

/** What GitHub accepts and answers, and its description of a request does not name. */
const UNDOCUMENTED: Readonly<Record<string, readonly string[]>> = {
  "PUT /repos/{owner}/{repo}/environments/{environment_name}": ["can_admins_bypass"],
};

/** GitHub's published description of its API, which every request to the stand-in has to fit. */
export class GitHubOpenApi {
  readonly #document: unknown;
  readonly #templates: readonly { readonly path: string; readonly segments: readonly string[] }[];
  readonly #ajv = new Ajv({ strict: false, validateFormats: false, validateSchema: false, allErrors: true });
  readonly #validators = new Map<string, ValidateFunction | undefined>();

  constructor() {
    const file = require.resolve("@octokit/openapi/generated/api.github.com.json");
    this.#document = JSON.parse(readFileSync(file, "utf8"));
    const components = field(this.#document, "components");
    this.#ajv.addSchema({ $id: "github", components: withGlobalReferences(components) });
    this.#templates = Object.keys(field(this.#document, "paths") ?? {}).map((path) => ({
      path,
      segments: path.split("/"),
    }));
  }

  /** What is wrong with a request; nothing where it fits. @param body parsed JSON, undefined without one */
  problems(method: string, path: string, body: unknown): string[] {
    const template = this.#template(path, method);
    if (template === undefined) return [`${method} ${path} is no operation of GitHub's API`];
    const key = `${method} ${template}`;
    if (!this.#validators.has(key)) this.#validators.set(key, this.#validator(template, method));
    const validate = this.#validators.get(key);
    if (validate === undefined) return [];
    const isRequired = field(this.#requestBody(template, method), "required") === true;
    if (body === undefined) return isRequired ? [`${key} needs a body`] : [];
    if (validate(without(body, UNDOCUMENTED[key] ?? []))) return [];
    return (validate.errors ?? []).map((error) => `${key}: body${error.instancePath} ${error.message}`);
  }

  /** The path's template; literal segments beat parameters. The last parameter of some takes slashes. */
  #template(path: string, method: string): string | undefined {
    const found = path.split("/");
    const fitting = this.#templates.filter(({ path: template, segments }) => {
      const operation = field(field(field(this.#document, "paths"), template), method.toLowerCase());
      if (operation === undefined || !OPERATIONS.includes(method.toLowerCase())) return false;
      const takesSlashes = /\{(path|ref|basehead)\}$/.test(template);
      if (takesSlashes ? found.length < segments.length : found.length !== segments.length) return false;
      return segments.every((segment, index) => segment.startsWith("{") || segment === found[index]);
    });
    const literals = (segments: readonly string[]) =>
      segments.filter((segment) => !segment.startsWith("{")).length;
    return fitting.sort((a, b) => literals(b.segments) - literals(a.segments))[0]?.path;
  }

  #requestBody(template: string, method: string): unknown {
    return field(field(field(field(this.#document, "paths"), template), method.toLowerCase()), "requestBody");
  }

  #validator(template: string, method: string): ValidateFunction | undefined {
    const content = field(this.#requestBody(template, method), "content");
    const schema = field(field(content, "application/json"), "schema");
    if (typeof schema !== "object" || schema === null) return undefined;
    return this.#ajv.compile(Object(withGlobalReferences(schema)));
  }
}

function without(body: unknown, names: readonly string[]): unknown {
  if (typeof body !== "object" || body === null || names.length === 0) return body;
  return Object.fromEntries(Object.entries(body).filter(([name]) => !names.includes(name)));
}

/** `#/components/…` as seen from a schema of its own; `nullable` without a type says nothing that ajv understands. */
function withGlobalReferences(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withGlobalReferences);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .filter(([key]) => key !== "nullable" || "type" in value)
    .filter(([key]) => key !== "example" && key !== "examples")
    .map(([key, inner]) => [
      key,
      key === "$ref" && typeof inner === "string" && inner.startsWith("#/")
        ? `github${inner}`
        : withGlobalReferences(inner),
    ]);
  return Object.fromEntries(entries);
}
