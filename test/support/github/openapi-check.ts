import { readFileSync } from "node:fs";
import Ajv, { type ValidateFunction } from "ajv";

type Json = Readonly<Record<string, unknown>>;

/** GitHub's published description of its API, which requests and answers have to fit. */
export class OpenApiCheck {
  readonly #paths: Json;
  readonly #ajv = new Ajv({ strict: false, validateFormats: false, validateSchema: false });
  readonly #validators = new Map<string, ValidateFunction>();

  constructor() {
    const file = require.resolve("@octokit/openapi/generated/api.github.com.json");
    const document = record(JSON.parse(readFileSync(file, "utf8")));
    this.#paths = record(document.paths);
    this.#ajv.addSchema({ $id: "github", components: forAjv(document.components) });
  }

  /** What is wrong with a request; empty where it fits. @param body parsed; undefined for none */
  request(method: string, path: string, query: URLSearchParams, body: unknown): string[] {
    const found = this.#operation(method, path);
    if (found === undefined) return [`${method} ${path} is no operation of GitHub's API`];
    const { operation, key } = found;
    const unknown = [...query.keys()].filter((name) => !queryNames(operation, this).includes(name));
    const { required, content } = record(operation.requestBody);
    const schema = record(record(content)["application/json"]).schema;
    return [
      ...unknown.map((name) => `${key} has no query parameter ${name}`),
      ...(body === undefined
        ? required === true
          ? [`${key} needs a body`]
          : []
        : schema === undefined
          ? [`${key} takes no body`]
          : this.#problems(`${key} body`, closed(schema), body)),
    ];
  }

  /** What is wrong with an answer in JSON. */
  answer(method: string, path: string, status: number, body: unknown): string[] {
    const found = this.#operation(method, path);
    if (found === undefined || status >= 300) return [];
    const response = record(record(found.operation.responses)[status]);
    const schema = record(record(response.content)["application/json"]).schema;
    if (schema === undefined) return [];
    return this.#problems(`${found.key} ${status}`, schema, body);
  }

  /** What a `$ref` of the document stands for. */
  resolve(value: unknown): Json {
    const { $ref } = record(value);
    if (typeof $ref !== "string") return record(value);
    const parameters = record(record(this.#components()).parameters);
    return record(parameters[$ref.split("/").at(-1) ?? ""]);
  }

  #components(): unknown {
    return record(this.#ajv.getSchema("github")?.schema).components;
  }

  #operation(method: string, path: string): { operation: Json; key: string } | undefined {
    const segments = path.split("/");
    const templates = Object.keys(this.#paths).filter((template) => {
      const wanted = template.split("/");
      const rest = /\{(?:path|ref)\}$/.test(template);
      if (rest ? segments.length < wanted.length : segments.length !== wanted.length) return false;
      return (
        record(this.#paths[template])[method.toLowerCase()] !== undefined &&
        wanted.every((part, index) => part.startsWith("{") || part === segments[index])
      );
    });
    const parameters = (template: string) => template.split("{").length;
    const [best] = templates.sort((a, b) => parameters(a) - parameters(b));
    if (best === undefined) return undefined;
    return { operation: record(record(this.#paths[best])[method.toLowerCase()]), key: `${method} ${best}` };
  }

  #problems(key: string, schema: unknown, value: unknown): string[] {
    const validate = this.#validators.get(key) ?? this.#ajv.compile(record(forAjv(schema)));
    this.#validators.set(key, validate);
    if (validate(value)) return [];
    return (validate.errors ?? []).map(({ instancePath, message }) => `${key}${instancePath} ${message}`);
  }
}

function queryNames(operation: Json, check: OpenApiCheck): string[] {
  const parameters = Array.isArray(operation.parameters) ? operation.parameters : [];
  return parameters
    .map((parameter) => check.resolve(parameter))
    .flatMap(({ in: place, name }) => (place === "query" && typeof name === "string" ? [name] : []));
}

/** GitHub answers 422 for a key that it does not know, which the description leaves open. */
function closed(schema: unknown): unknown {
  const { properties } = record(schema);
  return properties === undefined ? schema : { ...record(schema), additionalProperties: false };
}

/** OpenAPI 3.0 as JSON Schema: references that work from anywhere, and `null` where a value may be it. */
function forAjv(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(forAjv);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .filter(([key]) => key !== "example" && key !== "examples" && key !== "nullable")
    .map(([key, inner]) => [
      key,
      key === "$ref" && typeof inner === "string" && inner.startsWith("#/")
        ? `github${inner}`
        : forAjv(inner),
    ]);
  const schema = Object.fromEntries(entries);
  return "nullable" in value && value.nullable === true ? { anyOf: [schema, { type: "null" }] } : schema;
}

function record(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}
