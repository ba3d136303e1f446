import type { Clock } from "./clock";
import { type Answer, noContent, notFound, type Route, refused, textField } from "./router";

interface StoredVariable {
  readonly name: string;
  readonly value: string;
  readonly created_at: string;
  readonly updated_at: string;
}

/** The Actions variables of a repository or of an environment. */
export class VariableStore {
  readonly #variables = new Map<string, StoredVariable>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  values(): Record<string, string> {
    const sorted = [...this.#variables.values()].sort((a, b) => a.name.localeCompare(b.name));
    return Object.fromEntries(sorted.map(({ name, value }) => [name, value]));
  }

  put(name: string, value: string): void {
    const key = name.toUpperCase();
    const now = this.#clock.tick();
    const created_at = this.#variables.get(key)?.created_at ?? now;
    this.#variables.set(key, { name: key, value, created_at, updated_at: now });
  }

  /** A page of them, as GitHub does: ten, unless asked for more, and thirty at most. */
  list(query: URLSearchParams, path: string): Answer {
    const all = [...this.#variables.values()];
    const size = Math.min(30, Number(query.get("per_page") ?? 10));
    const page = Number(query.get("page") ?? 1);
    const next = new URLSearchParams({ per_page: String(size), page: String(page + 1) });
    const variables = all.slice((page - 1) * size, page * size);
    const headers = page * size < all.length ? { link: `<${path}?${next}>; rel="next"` } : undefined;
    return { status: 200, body: { total_count: all.length, variables }, headers };
  }

  get(name: string): Answer {
    const stored = this.#variables.get(name.toUpperCase());
    return stored === undefined ? notFound : { status: 200, body: stored };
  }

  create(body: unknown): Answer {
    const name = textField(body, "name").toUpperCase();
    if (this.#variables.has(name)) return refused(409, "Already exists - Variable already exists");
    this.put(name, textField(body, "value"));
    return { status: 201, body: {} };
  }

  update(name: string, body: unknown): Answer {
    if (!this.#variables.has(name.toUpperCase())) return notFound;
    this.put(name, textField(body, "value"));
    return noContent;
  }

  delete(name: string): Answer {
    return this.#variables.delete(name.toUpperCase()) ? noContent : notFound;
  }
}

export function variableRoutes(
  base: string,
  store: (params: Readonly<Record<string, string>>) => VariableStore | undefined,
): Route[] {
  const one = `${base}/{name}`;
  const path = (params: Readonly<Record<string, string>>) =>
    base.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(params[name] ?? ""));
  return [
    {
      method: "GET",
      pattern: base,
      answer: ({ params, query }) => store(params)?.list(query, path(params)) ?? notFound,
    },
    {
      method: "POST",
      pattern: base,
      answer: ({ params, body }) => store(params)?.create(body) ?? notFound,
    },
    {
      method: "GET",
      pattern: one,
      answer: ({ params }) => store(params)?.get(params.name ?? "") ?? notFound,
    },
    {
      method: "PATCH",
      pattern: one,
      answer: ({ params, body }) => store(params)?.update(params.name ?? "", body) ?? notFound,
    },
    {
      method: "DELETE",
      pattern: one,
      answer: ({ params }) => store(params)?.delete(params.name ?? "") ?? notFound,
    },
  ];
}
