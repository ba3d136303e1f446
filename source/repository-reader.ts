import { ProblemError, reasonOf } from "../plan/problem";
import { isRecord } from "../plan/record";
import type { SetupConfig } from "../plan/setup/config";
import { outwardFetch } from "../registry/outward";

/** An answer's body and headers; undefined for 404. */
export interface Found {
  readonly data: unknown;
  readonly headers: Readonly<Record<string, unknown>>;
}

/**
 * Reads one address of the repository.
 *
 * @throws ProblemError `github-permission`, `github-sso`, `github-rate-limit`, …
 */
export type Read = (path: string, need: Need) => Promise<Found | undefined>;

/** What a token needs for a part, in the words of GitHub's page for fine-grained tokens. */
export type Need =
  | "Metadata"
  | "Secrets"
  | "Variables"
  | "Environments"
  | "Administration"
  | "Contents"
  | "Issues"
  | "Pull requests";

/** A reader with the setup's token. @throws ProblemError `github-token-missing` */
export async function repositoryReader(config: SetupConfig): Promise<Read> {
  const { token, tokenFrom = "" } = config;
  const page = "docs/github.md says which permissions it needs";
  if (token === undefined) {
    throw failure(
      "github-token-missing",
      "github.token",
      "there is no token to set the repository up with",
      `Set GH_TOKEN, or: pulumi config set --secret --path 'slipway:github.token'; ${page}`,
    );
  }
  // Half a second of loading, which only a setup pays.
  const { Octokit } = await import("octokit");
  const octokit = new Octokit({
    auth: token.reveal(),
    baseUrl: githubApiUrl(config.baseUrl),
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    retry: { retries: 2 },
    throttle: { enabled: false },
    request: { fetch: outwardFetch() },
  });
  return async (path, need) => {
    const [owner = "", repo = ""] = config.repository.split("/");
    const url = path.startsWith("//") ? path.slice(1) : `/repos/${owner}/${repo}${path}`;
    try {
      const { data, headers } = await octokit.request(`GET ${url}`);
      return { data, headers };
    } catch (error) {
      const status = field(error, "status");
      if (status === 404) return undefined;
      if (status === 401) {
        throw failure(
          "github-token-refused",
          tokenFrom,
          "GitHub does not know this token (401)",
          `It has expired or was revoked. Make a new one; ${page}`,
        );
      }
      const reason = reasonOf(error);
      const refusal = refusalOf(Number(status), reason, headersOf(error));
      if (refusal?.kind === "sso") {
        const message = "the token is not authorised for the organisation's single sign-on (403)";
        throw failure("github-sso", tokenFrom, message, `Authorise it: ${refusal.url}`);
      }
      if (refusal?.kind === "rate-limit") {
        const until = refusal.until === undefined ? "" : ` until ${refusal.until}`;
        throw failure(
          "github-rate-limit",
          tokenFrom,
          `GitHub takes no more requests from it${until}`,
          "Wait, or use another token, then run the same again",
        );
      }
      if (status === 403) {
        throw failure(
          "github-permission",
          tokenFrom,
          `the token may not read ${need.toLowerCase()} of ${config.repository} (403)`,
          `A fine-grained token needs "${need}"; ${page}`,
        );
      }
      throw failure(
        "github-unreachable",
        githubApiUrl(config.baseUrl),
        `GET ${url}: ${reason}`,
        "Look at the network and at the proxy (HTTPS_PROXY, NO_PROXY); GITHUB_BASE_URL names another server",
      );
    }
  };
}

function headersOf(error: unknown): Readonly<Record<string, unknown>> {
  const headers = field(field(error, "response"), "headers");
  return isRecord(headers) ? headers : {};
}

const PAGE = 100;

/** Every entry of a list, however long. @param key where a page has its entries; undefined: it is the list */
export async function pages(
  read: Read,
  path: string,
  key: string | undefined,
  need: Need,
): Promise<unknown[]> {
  const all: unknown[] = [];
  for (let page = 1; ; page++) {
    const found = await read(`${path}?per_page=${PAGE}&page=${page}`, need);
    const entries = list(key === undefined ? found?.data : field(found?.data, key));
    all.push(...entries);
    const total = field(found?.data, "total_count");
    // A list that reports its length may have shorter pages than it was asked for: of variables, 30 at most.
    const isDone = typeof total === "number" ? all.length >= total : entries.length < PAGE;
    if (isDone || entries.length === 0) return all;
  }
}

export function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

export function text(value: unknown, name: string): string[] {
  const found = field(value, name);
  return typeof found === "string" ? [found] : [];
}

export function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

export function texts(value: unknown): string[] {
  return list(value).filter((one) => typeof one === "string");
}

export function failure(code: string, path: string, message: string, hint?: string): ProblemError {
  return new ProblemError("The repository cannot be set up:", [{ code, path, message, hint }]);
}

/**
 * Where GitHub's REST API is, from what a person gives as base URL: github.com, GitHub Enterprise Cloud and Server, by
 * the same rules as the GitHub provider. An unknown host is a server, with its API below `/api/v3`.
 */
export function githubApiUrl(baseUrl: string | undefined): string {
  if (baseUrl === undefined) return "https://api.github.com";
  const url = new URL(baseUrl);
  if (url.hostname === "github.com" || url.hostname === "api.github.com") return "https://api.github.com";
  if (/^api\.[a-zA-Z0-9-]+\.ghe\.com$/.test(url.hostname)) return url.origin;
  if (url.hostname.endsWith(".ghe.com")) return `https://api.${url.hostname}`;
  const path = url.pathname.replace(/\/+$/, "").replace(/\/api\/v3$/, "");
  return `${url.origin}${path}/api/v3`;
}

/** Why GitHub refuses (403, 429), as far as its answer says; otherwise a permission is missing. */
export type Refusal =
  | { readonly kind: "rate-limit" /** ISO 8601 */; readonly until?: string }
  /** The token is not authorised for an organisation with single sign-on. */
  | { readonly kind: "sso"; readonly url: string };

/** @param headers with names in small letters */
export function refusalOf(
  status: number,
  message: string,
  headers: Readonly<Record<string, unknown>>,
): Refusal | undefined {
  if (status !== 403 && status !== 429) return undefined;
  if (status === 429 || headers["x-ratelimit-remaining"] === "0" || /rate limit/i.test(message)) {
    const reset = Number(headers["x-ratelimit-reset"]);
    return reset > 0
      ? { kind: "rate-limit", until: new Date(reset * 1000).toISOString() }
      : { kind: "rate-limit" };
  }
  const url = /\burl=(https:\/\/\S+)/.exec(String(headers["x-github-sso"] ?? ""))?.[1];
  return url === undefined ? undefined : { kind: "sso", url };
}
