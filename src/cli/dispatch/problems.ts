import { isOutage, refusalOf, requestFailure } from "../../github/client";
import { type Problem, ProblemError } from "../../plan/problem";

export function notDispatched(...problems: Problem[]): ProblemError {
  return new ProblemError("Nothing was dispatched:", problems);
}

export function dispatched(title: string, ...problems: Problem[]): ProblemError {
  return new ProblemError(title, problems);
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
  const { status, message } = failure;
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
  const refusal = refusalOf(failure);
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
