import { type Problem, ProblemError } from "../../plan/problem";
import { isRecord } from "../../plan/record";
import { refusalOf } from "../../source/repository-reader";

/** Something that stops a release before anything was started. */
export function notDispatched(...problems: Problem[]): ProblemError {
  return new ProblemError("Nothing was dispatched:", problems);
}

/** Something that happened after GitHub had taken the request. */
export function dispatched(title: string, ...problems: Problem[]): ProblemError {
  return new ProblemError(title, problems);
}

interface RequestFailure {
  readonly status: number;
  readonly message: string;
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

/** Whether GitHub could not be reached, or answered 5xx. */
export function isOutage(error: unknown): boolean {
  const failure = requestFailure(error);
  return failure !== undefined && (!failure.answered || failure.status >= 500);
}

export function statusOf(error: unknown): number | undefined {
  return requestFailure(error)?.status;
}

export interface ErrorContext {
  /** What was asked for, as a path of a problem: `octo/app`. */
  readonly path: string;
  readonly apiUrl: string;
  readonly fallback: string;
}

/** Why GitHub refused or did not answer, for every answer that means the same whatever was asked. */
export function explain(error: unknown, { path, apiUrl, fallback }: ErrorContext): Problem {
  const failure = requestFailure(error);
  if (failure === undefined) throw error;
  const { status, message, headers } = failure;
  if (isOutage(error)) {
    const what = failure.answered ? `answered ${status}: ${message}` : `was not reached: ${message}`;
    return { code: "github-unreachable", path: apiUrl, message: `GitHub ${what}`, hint: fallback };
  }
  if (status === 401) {
    return {
      code: "github-token-refused",
      path,
      message: "GitHub does not know the token (401); it may have expired",
      hint: "Log in with `gh auth login`, or set GH_TOKEN to a token that is valid.",
    };
  }
  const refusal = refusalOf(status, message, headers);
  if (refusal?.kind === "rate-limit") {
    const until = refusal.until === undefined ? "" : ` until ${refusal.until}`;
    return {
      code: "github-rate-limit",
      path,
      message: `GitHub takes no more requests from this token${until}: ${message}`,
      hint: "Wait, or use another token, then run the same again.",
    };
  }
  if (refusal?.kind === "sso") {
    return {
      code: "github-sso",
      path,
      message: "the token is not authorised for the organisation's single sign-on",
      hint: `Authorise it: ${refusal.url}`,
    };
  }
  if (status === 403 || status === 404) {
    return {
      code: "github-forbidden",
      path,
      message: `GitHub answered ${status}: ${message}`,
      hint: "The token needs the scope repo, or, fine-grained, the permissions Actions: write and Contents: read for the repository.",
    };
  }
  return { code: "github-refused", path, message: `GitHub answered ${status}: ${message}` };
}

/** Text from elsewhere as one line that cannot steer a terminal. */
export function oneLine(text: string): string {
  return plain(text).replace(/\s+/g, " ").trim();
}

/** Text from elsewhere without escape sequences and control characters, but for line ends and tabs. */
export function plain(text: string): string {
  return text
    .replace(ESCAPE, "")
    .replace(/\r\n?/g, "\n")
    .replace(/(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/gu, "");
}

/** CSI and OSC sequences, as colours and titles of terminals are. */
const ESCAPE = new RegExp(
  `${String.fromCharCode(27)}(?:\\[[0-?]*[ -/]*[@-~]|\\][^${String.fromCharCode(7, 27)}]*(?:${String.fromCharCode(7)}|${String.fromCharCode(27)}\\\\))`,
  "g",
);
