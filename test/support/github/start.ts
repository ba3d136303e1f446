import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createEmulator, type Emulator } from "emulate";
import { Clock } from "./clock";
import { EnvironmentStore, environmentRoutes } from "./environments";
import { GitHubOpenApi } from "./openapi";
import { PermissionStore, permissionRoutes } from "./permissions";
import { type Answer, field, matchPath, type Route, route } from "./router";
import { RulesetStore, rulesetRoutes } from "./rulesets";
import { SealingKey } from "./sealed-box";
import { SecretStore, secretRoutes } from "./secrets";
import { VariableStore, variableRoutes } from "./variables";

export interface LoggedRequest {
  readonly method: string;
  /** Below the API's root, without the query. */
  readonly path: string;
  readonly query: string;
  /** As it came. */
  readonly text: string;
  /** Parsed, where it is JSON. */
  readonly body: unknown;
  readonly status: number;
  /** Where it does not fit GitHub's OpenAPI. */
  readonly problems: readonly string[];
}

export interface StandInToken {
  readonly login: string;
  /** Of a classic token; undefined is a fine-grained one, which tells none. */
  readonly scopes?: readonly string[];
  /** What the token's owner may do in every repository. @default admin */
  readonly role?: "admin" | "write" | "read";
  /** Requests that a fine-grained token may not make: 403. @default none */
  readonly refused?: RegExp;
}

export interface GitHubOptions {
  readonly owner: string;
  readonly repository: string;
  /** false: a repository without a commit. @default true */
  readonly withReadme?: boolean;
  readonly tokens: Readonly<Record<string, StandInToken>>;
  /** Before everything else, for what another module answers. */
  readonly routes?: readonly Route[];
}

/** What GitHub would answer instead, for faults. */
type Interceptor = (request: { method: string; path: string }) => Answer | undefined;

/**
 * A stand-in for GitHub's API at `<url>/api/v3`, as an Enterprise server has it. `emulate` keeps repositories, contents,
 * refs, labels and pull requests; what it lacks is answered here. Every request is checked against GitHub's OpenAPI and
 * logged.
 */
export class GitHub {
  /** What a client takes as base URL. */
  readonly url: string;
  readonly requests: LoggedRequest[] = [];
  readonly secrets: SecretStore;
  readonly variables: VariableStore;
  readonly environments: EnvironmentStore;
  readonly rulesets: RulesetStore;
  readonly permissions = new PermissionStore();
  readonly key: SealingKey;
  /** For faults: its answer comes instead. */
  intercept: Interceptor = () => undefined;
  readonly #options: GitHubOptions;
  readonly #openApi: GitHubOpenApi;
  readonly #routes: readonly Route[];
  readonly #server: ReturnType<typeof createServer>;
  #emulator: Emulator | undefined;
  /** Where emulate listens; its own `url` is the one that it tells clients. */
  #behind = "";

  static async start(options: GitHubOptions): Promise<GitHub> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address() as AddressInfo;
    const github = new GitHub(
      options,
      server,
      `http://127.0.0.1:${address.port}`,
      await SealingKey.create("key-1"),
    );
    await github.#listen();
    return github;
  }

  private constructor(
    options: GitHubOptions,
    server: ReturnType<typeof createServer>,
    url: string,
    key: SealingKey,
  ) {
    this.#options = options;
    this.#server = server;
    this.#openApi = new GitHubOpenApi();
    this.url = url;
    this.key = key;
    const clock = new Clock();
    this.secrets = new SecretStore(key, clock);
    this.variables = new VariableStore(clock);
    this.environments = new EnvironmentStore(key, clock);
    this.rulesets = new RulesetStore(clock);
    const base = "/repos/{owner}/{repo}";
    const here = <T>(store: T) => {
      return ({ owner, repo }: Readonly<Record<string, string>>) =>
        owner === options.owner && repo === options.repository ? store : undefined;
    };
    this.#routes = [
      ...(options.routes ?? []),
      ...secretRoutes(`${base}/actions/secrets`, here(this.secrets)),
      ...variableRoutes(`${base}/actions/variables`, here(this.variables)),
      ...environmentRoutes(base, here(this.environments)),
      ...rulesetRoutes(base, here(this.rulesets)),
      ...permissionRoutes(base, here(this.permissions)),
    ];
  }

  /** Requests that change something, in their order. */
  writes(): LoggedRequest[] {
    return this.requests.filter(({ method }) => method !== "GET" && method !== "HEAD");
  }

  /** Forgets the log; what is kept stays. */
  forget(): void {
    this.requests.length = 0;
  }

  /** As somebody else does, past the log. @returns the answer's parsed body; undefined for 404 */
  async asSomebody(method: string, path: string, body?: object): Promise<unknown> {
    const answer = await fetch(`${this.#behind}${path}`, {
      method,
      headers: { authorization: `Bearer ${Object.keys(this.#options.tokens)[0]}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (answer.status === 404) return undefined;
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }

  /** A file's content on a branch; undefined where there is none. */
  async file(path: string, branch = "main"): Promise<string | undefined> {
    const found = await this.asSomebody("GET", this.#contents(path, `?ref=${encodeURIComponent(branch)}`));
    const content = field(found, "content");
    return typeof content === "string" ? Buffer.from(content, "base64").toString("utf8") : undefined;
  }

  /** A commit by somebody else. */
  async writeFile(path: string, content: string, branch = "main"): Promise<void> {
    const found = await this.asSomebody("GET", this.#contents(path, `?ref=${encodeURIComponent(branch)}`));
    const sha = field(found, "sha");
    await this.asSomebody("PUT", this.#contents(path), {
      message: `Change ${path}`,
      content: Buffer.from(content).toString("base64"),
      branch,
      ...(typeof sha === "string" ? { sha } : {}),
    });
  }

  async close(): Promise<void> {
    await this.#emulator?.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #contents(path: string, query = ""): string {
    const { owner, repository } = this.#options;
    return `/repos/${owner}/${repository}/contents/${path}${query}`;
  }

  async #listen(): Promise<void> {
    const { owner, repository, tokens, withReadme = true } = this.#options;
    const logins = [...new Set([owner, ...Object.values(tokens).map(({ login }) => login)])];
    const port = await freePort();
    this.#behind = `http://127.0.0.1:${port}`;
    this.#emulator = await createEmulator({
      service: "github",
      port,
      baseUrl: `${this.url}/api/v3`,
      seed: {
        tokens: Object.fromEntries(
          Object.entries(tokens).map(([token, { login }]) => [
            token,
            { login, scopes: ["repo", "workflow"] },
          ]),
        ),
        github: {
          users: logins.map((login) => ({ login })),
          repos: [{ owner, name: repository, private: false, auto_init: withReadme }],
        },
      },
    });
    this.#server.on("request", (request, response) => {
      this.#serve(request, response).catch((error) => {
        response.writeHead(500).end(String(error));
      });
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString("utf8");
    const url = new URL(request.url ?? "/", this.url);
    const method = request.method ?? "GET";
    const path = this.#repositoryById(url.pathname.replace(/^\/api\/v3(?=\/)/, ""));
    const body = parsed(text);
    const token = /^(?:Bearer|token) (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
    const answer = await this.#answer({ method, path, query: url.searchParams, body, text, token });
    this.requests.push({
      method,
      path,
      query: url.search,
      text,
      body,
      status: answer.status,
      problems: this.#openApi.problems(method, path, body),
    });
    const scopes = this.#options.tokens[token ?? ""]?.scopes;
    response.writeHead(answer.status, {
      "content-type": "application/json; charset=utf-8",
      ...(scopes === undefined ? {} : { "x-oauth-scopes": scopes.join(", ") }),
      ...answer.headers,
    });
    response.end(answer.body === undefined ? "" : JSON.stringify(answer.body));
  }

  /** `/repositories/{id}/…` is another name of `/repos/{owner}/{repo}/…`; clients use it for environments. */
  #repositoryById(path: string): string {
    const { owner, repository } = this.#options;
    return path.replace(/^\/repositories\/\d+(?=\/)/, `/repos/${owner}/${repository}`);
  }

  async #answer(request: {
    method: string;
    path: string;
    query: URLSearchParams;
    body: unknown;
    text: string;
    token: string | undefined;
  }): Promise<Answer> {
    const { method, path, query, body, text, token } = request;
    const fault = this.intercept({ method, path });
    if (fault !== undefined) return fault;
    const known = this.#options.tokens[token ?? ""];
    if (known === undefined) return { status: 401, body: { message: "Bad credentials", status: "401" } };
    if (known.refused?.test(`${method} ${path}`)) {
      const message = "Resource not accessible by personal access token";
      return { status: 403, body: { message, status: "403" } };
    }
    const own = await route(this.#routes, { method, path, query, body });
    if (own !== undefined) return own;
    const forwarded = await fetch(`${this.#behind}${path}?${query}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(text === "" ? {} : { body: text }),
    });
    const answered = parsed(await forwarded.text());
    const isRepository = method === "GET" && matchPath("/repos/{owner}/{repo}", path) !== undefined;
    if (!isRepository || !forwarded.ok) return { status: forwarded.status, body: answered };
    const { role = "admin" } = known;
    const permissions = { admin: role === "admin", push: role !== "read", pull: true };
    return { status: 200, body: { ...Object(answered), permissions } };
  }
}

function parsed(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
