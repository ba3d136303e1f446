/** A request as a route sees it. */
export interface StandInRequest {
  readonly method: string;
  /** Of the route's pattern, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Parsed JSON; undefined without a body. */
  readonly body: unknown;
}

export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Route {
  readonly method: string;
  /** As in GitHub's documentation. @example /repos/{owner}/{repo}/actions/variables/{name} */
  readonly pattern: string;
  readonly answer: (request: StandInRequest) => Answer | Promise<Answer>;
}

export const notFound: Answer = { status: 404, body: { message: "Not Found", status: "404" } };
export const noContent: Answer = { status: 204 };

export function refused(status: 409 | 422, message: string): Answer {
  return { status, body: { message, status: String(status) } };
}

/** The routes' answer; undefined where none of them is meant. */
export function route(
  routes: readonly Route[],
  request: Omit<StandInRequest, "params"> & { readonly path: string },
): Answer | Promise<Answer> | undefined {
  for (const { method, pattern, answer } of routes) {
    const params = method === request.method ? matchPath(pattern, request.path) : undefined;
    if (params !== undefined) return answer({ ...request, params });
  }
  return undefined;
}

/** The pattern's parameters in a path; undefined where it does not match. */
export function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split("/");
  const found = path.split("/");
  if (wanted.length !== found.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, segment] of wanted.entries()) {
    const value = found[index] ?? "";
    const name = /^\{(\w+)\}$/.exec(segment)?.[1];
    if (name === undefined ? segment !== value : value === "") return undefined;
    if (name !== undefined) params[name] = decodeURIComponent(value);
  }
  return params;
}

export function field(body: unknown, name: string): unknown {
  return typeof body === "object" && body !== null ? Reflect.get(body, name) : undefined;
}

export function textField(body: unknown, name: string): string {
  const value = field(body, name);
  return typeof value === "string" ? value : "";
}
