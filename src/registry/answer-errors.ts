import { isRecord, parseJson } from "../plan/record";
import { hostOf, type RegistryError, type RegistryErrorCode, requestError } from "./errors";
import type { Answer } from "./http";
import { oneLine, safePath } from "./redact";

export interface Caller {
  /** `user`: credentials were sent. */
  readonly identity: "anonymous" | "user";
  /** Where the credentials were found. */
  readonly from?: string;
  /** Who answered. Only the token service sees the credentials themselves. */
  readonly role: "registry" | "token-service";
  readonly now: number;
}

/** `DENIED: permission_denied: write_package` from the specification's error body, else the body's text. */
function explanation(text: string): string {
  const json = parseJson(Buffer.from(text));
  if (isRecord(json) && Array.isArray(json.errors)) {
    const parts = json.errors.map((entry: { code?: unknown; message?: unknown } | null) =>
      [entry?.code, entry?.message].filter((part) => typeof part === "string" && part !== "").join(": "),
    );
    return oneLine(parts.filter(Boolean).join("; "));
  }
  const { error_description, details, message, error } = isRecord(json) ? json : {};
  const said = [error_description, details, message, error].find((value) => typeof value === "string");
  if (said !== undefined) return oneLine(said);
  return /<html|<!doctype/i.test(text) ? "an HTML page" : oneLine(text);
}

/** GHCR limits rates with 403. An answer to HEAD has no text, but no other 403 has `Retry-After`. */
function isRateLimit(answer: Answer): boolean {
  if (answer.status === 429) return true;
  if (answer.status !== 403) return false;
  if (answer.context.method === "HEAD") return answer.header("retry-after") !== undefined;
  return /secondary rate limit|rate limit exceeded/i.test(answer.errorText);
}

/** ECR and Artifact Registry refuse to move a tag with 400, Harbor with 412. */
const IMMUTABLE = /immutab|cannot be overwritten/i;

function isImmutable({ status, errorText, context: { method, url } }: Answer): boolean {
  const isTag = method === "PUT" && /\/manifests\/(?!sha256:)/.test(url.pathname);
  return isTag && status >= 400 && status < 500 && IMMUTABLE.test(errorText);
}

/** A push to a registry that does not create repositories by itself. */
function lacksRepository({ status, errorText, context: { method } }: Answer): boolean {
  return status === 404 && method !== "GET" && method !== "HEAD" && /NAME_UNKNOWN/.test(errorText);
}

/** Registries that delete by digest only reject a tag as an invalid digest. */
function isUndeletableTag({ status, errorText, context: { method } }: Answer): boolean {
  return method === "DELETE" && status === 400 && /"(?:DIGEST|MANIFEST)_INVALID"/.test(errorText);
}

function codeFor(answer: Answer, caller: Caller): RegistryErrorCode {
  const { status, errorText } = answer;
  if (isRateLimit(answer)) return "registry-rate-limited";
  if (isImmutable(answer)) return "registry-tag-immutable";
  if (status === 401) {
    const known = caller.identity === "user" && caller.role === "registry";
    const insufficient = /insufficient_scope/.test(answer.header("www-authenticate") ?? "");
    return known && insufficient ? "registry-forbidden" : "registry-unauthorized";
  }
  if (status === 403) return "registry-forbidden";
  if (status === 404) return "registry-not-found";
  if (status === 405 || status === 501) return "registry-unsupported";
  if (status === 400 && /"UNSUPPORTED"/.test(errorText)) return "registry-unsupported";
  if (isUndeletableTag(answer)) return "registry-unsupported";
  if (status >= 500 || status === 408) return "registry-server-error";
  if (status >= 400) return "registry-refused";
  return "registry-bad-answer";
}

export function answerError(answer: Answer, caller: Caller, redact: (text: string) => string): RegistryError {
  const { registry, repository, method, url } = answer.context;
  const code = codeFor(answer, caller);
  const why = redact(explanation(answer.errorText));
  const retryAfterMs = parseRetryAfter(answer.header("retry-after"), caller.now);
  const transient = code === "registry-rate-limited" || code === "registry-server-error";
  const request = `${method} ${safePath(url)}`;
  return requestError(answer.context, {
    code,
    status: answer.status,
    summary: `${hostOf(answer.context)} answered ${answer.status} to ${request}${why === "" ? "" : `: ${why}`}`,
    hint: lacksRepository(answer)
      ? missingRepositoryHint(registry, repository ?? "")
      : hintFor(code, caller, registry, repository === undefined ? registry : `${registry}/${repository}`),
    transient,
    retryAfterMs: transient ? retryAfterMs : undefined,
  });
}

function hintFor(
  code: RegistryErrorCode,
  caller: Caller,
  registry: string,
  where: string,
): string | undefined {
  const source = caller.from === undefined ? "" : ` from ${caller.from}`;
  switch (code) {
    case "registry-unauthorized":
      return caller.identity === "anonymous"
        ? `No credentials for ${registry} were found: set its username and password, or run \`docker login ${registry}\`.`
        : `The credentials for ${registry}${source} are wrong, expired or revoked. ${permissionHint(registry, where)}`;
    case "registry-forbidden":
      return caller.identity === "anonymous"
        ? `${where} needs credentials: set a username and password, or run \`docker login ${registry}\`.`
        : `The credentials${source} are valid, but do not allow this on ${where}. ${permissionHint(registry, where)}`;
    case "registry-rate-limited":
      return "The registry limits the rate of requests: wait, sign in if this was anonymous, or run fewer releases at once; then run the same command again.";
    case "registry-server-error":
      return `${registry} failed: check its status page, then run the same command again, which continues where this run stopped.`;
    case "registry-tag-immutable":
      return (
        `${where} has immutable tags, so latest, 1 and 1.2 cannot move there. Set floatingTags: false for ${registry} in ` +
        "slipway:registries, so that it gets version tags only; or turn immutability off in the registry."
      );
    case "registry-unsupported":
      return `${registry} does not offer this call.`;
    default:
      return undefined;
  }
}

function missingRepositoryHint(registry: string, repository: string): string {
  const [, region] = /^\d+\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/.exec(registry) ?? [];
  if (region !== undefined)
    return `Create the repository first: aws ecr create-repository --region ${region} --repository-name ${repository}`;
  return `${registry} does not create repositories by itself: create ${repository} there first, then run the same command again.`;
}

/** How to give credentials more rights. @param where `host/path` */
export function permissionHint(registry: string, where: string): string {
  switch (registry) {
    case "ghcr.io":
      return (
        "In a workflow the job needs `permissions: packages: write`, and an existing package must name the repository: " +
        "package settings → Manage Actions access → add it with the role Write. " +
        "A personal access token (classic) needs the scope `write:packages`, and `read:packages` for private ones; " +
        "GHCR_USERNAME and GHCR_TOKEN hold it, and take precedence over GITHUB_ACTOR and GITHUB_TOKEN."
      );
    case "docker.io":
      return (
        `An access token needs the scope Read & Write, and its owner must be allowed to push to ${where} ` +
        "(Docker Hub → Account settings → Personal access tokens). The username is the account's name, not its e-mail address."
      );
    default:
      return `Ask for pull and push rights on ${where}.`;
  }
}

/**
 * `Retry-After` (seconds, or an HTTP date) in milliseconds.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
