import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Octokit } from "octokit";
import {
  contentText,
  githubClient,
  isOutage,
  refusalOf,
  requestFailure,
  unlessStatus,
} from "../../github/client";
import { runCommand } from "../../inputs/commands";
import { laneGitTag, laneVersion } from "../../plan/lanes";
import { type Problem, ProblemError } from "../../plan/problem";
import { Secret } from "../../plan/secret";
import { proxyAwareFetch } from "../../registry/connections";
import type { DispatchFlags, DispatchSettings, Project, Repository, Server } from "./settings";
import type { Screen } from "./view";

export interface DispatchedRun {
  readonly id: number;
  readonly url: string;
}

/** A signal ends the command and not the run, so it prints how to go on with the run. */
export interface Interruption {
  /** Sets what an interruption prints. */
  readonly leaves: (...lines: readonly string[]) => void;
  readonly end: () => void;
}

export interface Session {
  readonly octokit: Octokit;
  readonly repository: Repository;
  readonly settings: DispatchSettings;
  readonly project: Project;
  /** The project's folder in its repository; undefined outside of a git checkout. */
  readonly place: string | undefined;
  /** Identifies the run if the workflow has an input for it. */
  readonly dispatchId: string;
  /** `octo/app` */
  readonly repositoryName: string;
  /** How to release without CI, for errors. */
  readonly fallback: string;
  readonly pace: Pace;
  readonly runsPage: string;
  readonly say: (line: string) => void;
  readonly flags: DispatchFlags;
  readonly screen: Screen;
  readonly interruption: Interruption;
}

/** The git tag of the requested version. In a lane it is the lane's own tag, whichever way the version was written. */
export function versionTag({ settings, project }: Session): string | undefined {
  const { version } = settings;
  const { lane } = project;
  const known = version === undefined || lane === undefined ? undefined : laneVersion(lane, version);
  return lane === undefined || known === undefined ? version : laneGitTag(lane, known);
}

export class Pace {
  /** @param secondMs the length of a second, less than 1000 in tests */
  constructor(readonly secondMs: number) {}

  sleep(seconds: number): Promise<void> {
    return delay(seconds * this.secondMs);
  }

  /** @returns a function that returns whether the seconds have passed */
  timer(seconds: number): () => boolean {
    const end = performance.now() + seconds * this.secondMs;
    return () => performance.now() >= end;
  }
}

/** Seconds before the next request: 2 at first, then a quarter more each time, 10 at most. @param looks so far, from 0 */
export function pollSeconds(looks: number): number {
  return Math.min(10, 2 * 1.25 ** looks);
}

const DEADLINE_MS = 60_000;
/** The longest wait for a rate limit. GitHub's hourly limit would take up to an hour. */
const LONGEST_LIMIT_SECONDS = 300;
const LIMIT_RETRIES = 2;

/** A client that retries after faults, waits for rate limits, and gives up on a connection without an answer. */
export function connect(
  { apiUrl }: Server,
  token: Secret,
  pace: Pace,
  say: (line: string) => void,
): Promise<Octokit> {
  const wait = (kind: string) => (seconds: number, _options: unknown, _octokit: unknown, retries: number) => {
    if (seconds > LONGEST_LIMIT_SECONDS || retries >= LIMIT_RETRIES) return false;
    say(`GitHub's ${kind} is reached: waiting ${seconds} s`);
    return true;
  };
  const fetch = proxyAwareFetch();
  const fetchWithDeadline: typeof fetch = (input, init) =>
    fetch(input, { ...init, signal: init?.signal ?? AbortSignal.timeout(DEADLINE_MS) });
  return githubClient({
    auth: token.reveal(),
    baseUrl: apiUrl,
    userAgent: "slipway",
    retry: { retryAfterBaseValue: pace.secondMs },
    throttle: {
      // Octokit shares one limiter among all clients of a process with the same id.
      id: randomUUID(),
      onRateLimit: wait("rate limit"),
      onSecondaryRateLimit: wait("secondary rate limit"),
      retryAfterBaseValue: pace.secondMs,
    },
    request: { fetch: fetchWithDeadline },
  });
}

const GH_DEADLINE_MS = 20_000;

/**
 * The token for a GitHub server: `GH_TOKEN`, `GITHUB_TOKEN`, then `gh auth token`. For an Enterprise server
 * `GH_ENTERPRISE_TOKEN` goes first, as in `gh`.
 *
 * @throws ProblemError `github-token`
 */
export async function findToken(host: string, env: NodeJS.ProcessEnv, fallback: string): Promise<Secret> {
  const given = environmentToken(host, env);
  if (given !== undefined) return given.token;
  const gh = await runCommand("gh", ["auth", "token", "--hostname", host], { env, timeout: GH_DEADLINE_MS });
  const printed = gh.stdout.trim();
  if (gh.code === 0 && printed !== "") return checkedToken(printed, "gh auth token");
  const why = gh.failure === "not-found" ? "gh is not installed" : `gh is not logged in to ${host}`;
  throw notDispatched({
    code: "github-token",
    path: host,
    message: `there is no token for GitHub: neither GH_TOKEN nor GITHUB_TOKEN is set, and ${why}`,
    hint: `Log in with \`gh auth login\`, or set GH_TOKEN. ${fallback}`,
  });
}

/** The environment's token for a GitHub server, and the variable that it is from. @throws ProblemError `github-token` */
export function environmentToken(
  host: string,
  env: NodeJS.ProcessEnv,
): { readonly token: Secret; readonly from: string } | undefined {
  const isEnterprise = host !== "github.com" && !host.endsWith(".ghe.com");
  const names = ["GH_TOKEN", "GITHUB_TOKEN"];
  if (isEnterprise) names.unshift("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN");
  for (const name of names) {
    const value = env[name]?.trim();
    if (value) return { token: checkedToken(value, name), from: name };
  }
  return undefined;
}

/** A line end would make the header invalid, and fetch's error would show the token. */
function checkedToken(value: string, from: string): Secret {
  if (/^[\x21-\x7e]+$/.test(value)) return new Secret(value);
  throw notDispatched({
    code: "github-token",
    path: from,
    message: "is not a token: it contains spaces, line ends or characters outside ASCII",
  });
}

/** The commit of a branch, a tag or a commit; `tags/…` and `heads/…` are unambiguous. Undefined if there is none. */
export async function commitOf({ octokit, repository }: Session, ref: string): Promise<string | undefined> {
  // 409 is an empty repository, 422 an unknown commit.
  const answer = await unlessStatus(
    [404, 409, 422],
    octokit.rest.repos.getCommit({ ...repository, ref: ref.replace(/^refs\//, ""), per_page: 1 }),
  );
  return answer?.data.sha;
}

/** A text file at a reference; undefined if there is none. @param path from the repository's root */
export async function readFileAt(
  { octokit, repository }: Session,
  path: string,
  ref: string,
): Promise<string | undefined> {
  const answer = await unlessStatus([404], octokit.rest.repos.getContent({ ...repository, path, ref }));
  return contentText(answer?.data);
}

export function notDispatched(...problems: Problem[]): ProblemError {
  return new ProblemError("Nothing was dispatched:", problems);
}

/** Explains a failed request. @throws the error itself if it is not from a request */
export function explain(
  error: unknown,
  { repositoryName: path, settings, fallback }: Pick<Session, "repositoryName" | "settings" | "fallback">,
): Problem {
  const failure = requestFailure(error);
  if (failure === undefined) throw error;
  const { status, message } = failure;
  if (isOutage(error)) {
    const what = failure.answered ? `answered ${status}: ${message}` : `was not reached: ${message}`;
    return {
      code: "github-unreachable",
      path: settings.server.apiUrl,
      message: `GitHub ${what}`,
      hint: fallback,
    };
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
      hint: "Wait, or use another token, then run the same command again.",
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
