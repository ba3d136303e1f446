import { stripVTControlCharacters } from "node:util";
import type { Octokit } from "octokit";
import { ProblemError } from "../plan/problem";
import { isRecord } from "../plan/record";
import type { Secret } from "../plan/secret";
import type { SetupConfig } from "../plan/setup/config";
import { proxyAwareFetch } from "../registry/connections";

type ClientOptions = NonNullable<ConstructorParameters<typeof Octokit>[0]>;

/** GitHub's client. It logs nothing, and uses the proxy if one is set. */
export async function githubClient(options: ClientOptions): Promise<Octokit> {
  // Loaded here: it is an ES module, and takes half a second.
  const { Octokit } = await import("octokit");
  const ignore = () => {};
  return new Octokit({
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    request: { fetch: proxyAwareFetch() },
    ...options,
  });
}

/** A client that tries again twice, and does not wait for a rate limit. @param baseUrl as it is configured */
export function tokenClient(token: Secret, baseUrl: string | undefined): Promise<Octokit> {
  return githubClient({
    auth: token.reveal(),
    baseUrl: githubApiUrl(baseUrl),
    retry: { retries: 2 },
    throttle: { enabled: false },
  });
}

/** A permission of a fine-grained token, in the words of GitHub's page. */
type Need =
  | "Metadata"
  | "Secrets"
  | "Variables"
  | "Environments"
  | "Administration"
  | "Contents"
  | "Issues"
  | "Pull requests";

export interface RepositoryReader {
  readonly octokit: Octokit;
  readonly repository: { readonly owner: string; readonly repo: string };
  /**
   * A request's answer; undefined for 404.
   *
   * @throws ProblemError `github-permission`, `github-sso`, `github-rate-limit`, …
   */
  readonly ask: <T>(need: Need, request: Promise<T>) => Promise<T | undefined>;
}

/** A reader with the setup's token. @throws ProblemError `github-token-missing` */
export async function repositoryReader(config: SetupConfig): Promise<RepositoryReader> {
  const { token } = config;
  if (token === undefined) {
    throw failure(
      "github-token-missing",
      "github.token",
      "there is no token to set the repository up with",
      `Set GH_TOKEN, or: pulumi config set --secret --path 'slipway:github.token'; ${PERMISSIONS_PAGE}`,
    );
  }
  const octokit = await tokenClient(token, config.baseUrl);
  const [owner = "", repo = ""] = config.repository.split("/");
  return {
    octokit,
    repository: { owner, repo },
    ask: async (need, request) => {
      try {
        return await unlessStatus([404], request);
      } catch (error) {
        const failed = requestFailure(error);
        throw failed === undefined ? error : readFailure(failed, config, need);
      }
    },
  };
}

const PERMISSIONS_PAGE = "docs/github.md says which permissions it needs";

function readFailure(failed: RequestFailure, config: SetupConfig, need: Need): ProblemError {
  const part = `${need.toLowerCase()} of ${config.repository}`;
  return accessFailure(failed, {
    tokenFrom: config.tokenFrom ?? "",
    baseUrl: config.baseUrl,
    mayNot: `read ${part}`,
    cannot: `${part} cannot be read`,
    permission: `A fine-grained token needs "${need}"; ${PERMISSIONS_PAGE}`,
    page: PERMISSIONS_PAGE,
    otherServer: "GITHUB_BASE_URL",
  });
}

/** The use of a token, for the errors about it. */
export interface TokenUse {
  readonly tokenFrom: string;
  readonly baseUrl: string | undefined;
  /** After `the token may not`. */
  readonly mayNot: string;
  /** Before the reason of any other failure. */
  readonly cannot: string;
  /** The hint for a token that lacks a permission. */
  readonly permission: string;
  /** The page that lists the permissions. */
  readonly page: string;
  /** The setting for another server. */
  readonly otherServer: string;
}

export function accessFailure(
  failed: RequestFailure,
  { tokenFrom, baseUrl, mayNot, cannot, permission, page, otherServer }: TokenUse,
): ProblemError {
  if (failed.status === 401) {
    return failure(
      "github-token-refused",
      tokenFrom,
      "GitHub does not know this token (401)",
      `It has expired or was revoked. Make a new one; ${page}`,
    );
  }
  const refusal = refusalOf(failed);
  if (refusal?.kind === "sso") {
    const message = "the token is not authorised for the organisation's single sign-on (403)";
    return failure("github-sso", tokenFrom, message, `Authorise it: ${refusal.url}`);
  }
  if (refusal?.kind === "rate-limit") {
    const until = refusal.until === undefined ? "" : ` until ${refusal.until}`;
    const message = `GitHub takes no more requests from it${until}`;
    const hint = "Wait, or use another token, then run the same command again";
    return failure("github-rate-limit", tokenFrom, message, hint);
  }
  if (failed.status === 403)
    return failure("github-permission", tokenFrom, `the token may not ${mayNot} (403)`, permission);
  return failure(
    "github-unreachable",
    githubApiUrl(baseUrl),
    `${cannot}: ${failed.message}`,
    `Look at the network and at the proxy (HTTPS_PROXY, NO_PROXY); ${otherServer} names another server`,
  );
}

export function failure(code: string, path: string, message: string, hint?: string): ProblemError {
  return new ProblemError("The repository cannot be set up:", [{ code, path, message, hint }]);
}

/** The text of a file that GitHub's API returns; undefined for a folder, a link or a submodule. */
export function contentText(data: unknown): string | undefined {
  if (!isRecord(data) || data.type !== "file" || typeof data.content !== "string") return undefined;
  return Buffer.from(data.content, "base64").toString("utf8");
}

/**
 * The address of GitHub's REST API for a configured base URL of github.com, GitHub Enterprise Cloud or Server, by the
 * same rules as the GitHub provider. An unknown host is a Server, whose API is below `/api/v3`.
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

export interface RequestFailure {
  readonly status: number;
  readonly message: string;
  /** Names are lower case. */
  readonly headers: Readonly<Record<string, unknown>>;
  readonly answered: boolean;
}

/** The facts of a failed request of Octokit; undefined for any other error. */
export function requestFailure(error: unknown): RequestFailure | undefined {
  if (!(error instanceof Error) || !("status" in error) || typeof error.status !== "number") return undefined;
  const response = "response" in error ? error.response : undefined;
  const headers = isRecord(response) ? response.headers : undefined;
  return {
    status: error.status,
    message: oneLine(reason(error)),
    headers: isRecord(headers) ? headers : {},
    answered: response !== undefined,
  };
}

/** Octokit appends a link to its documentation, and fetch hides the reason in its cause. */
function reason(error: Error): string {
  const message = error.message.replace(/ - https:\/\/docs\.github\.com\S*$/, "");
  const cause = error.cause instanceof Error ? error.cause : undefined;
  const inner = cause?.cause instanceof Error ? cause.cause : cause;
  return inner === undefined || inner.message === message ? message : `${message}: ${inner.message}`;
}

export function isOutage(error: unknown): boolean {
  const failed = requestFailure(error);
  return failed !== undefined && (!failed.answered || failed.status >= 500);
}

export function statusOf(error: unknown): number | undefined {
  return requestFailure(error)?.status;
}

/** GitHub's answer; undefined if its status is one of these. */
export async function unlessStatus<T>(
  statuses: readonly number[],
  request: Promise<T>,
): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (statuses.includes(statusOf(error) ?? 0)) return undefined;
    throw error;
  }
}

/** Why GitHub refused a request (403, 429). If its answer does not say, a permission is missing. */
type Refusal =
  | { readonly kind: "rate-limit" /** ISO 8601 */; readonly until?: string }
  /** The token is not authorised for an organisation with single sign-on. */
  | { readonly kind: "sso"; readonly url: string };

export function refusalOf({ status, message, headers }: RequestFailure): Refusal | undefined {
  if (status !== 403 && status !== 429) return undefined;
  if (status === 429 || headers["x-ratelimit-remaining"] === "0" || /rate limit/i.test(message)) {
    const reset = Number(headers["x-ratelimit-reset"]);
    return { kind: "rate-limit", until: reset > 0 ? new Date(reset * 1000).toISOString() : undefined };
  }
  const url = /\burl=(https:\/\/\S+)/.exec(String(headers["x-github-sso"] ?? ""))?.[1];
  return url === undefined ? undefined : { kind: "sso", url };
}

/** Untrusted text as one line, without escape sequences for the terminal. */
export function oneLine(text: string): string {
  return plain(text).replace(/\s+/g, " ").trim();
}

/** Untrusted text without escape sequences and control characters, except line ends and tabs. */
export function plain(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/\r\n?/g, "\n")
    .replace(/(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/gu, "");
}
