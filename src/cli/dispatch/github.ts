import { setTimeout as delay } from "node:timers/promises";
import type { Octokit } from "octokit";
import { contentText, githubClient, unlessStatus } from "../../github/client";
import { runCommand } from "../../inputs/commands";
import { laneGitTag, laneVersion } from "../../plan/lanes";
import { Secret } from "../../plan/secret";
import { outwardFetch } from "../../registry/outward";
import { type ErrorContext, notDispatched } from "./problems";
import type { Project } from "./project";
import type { DispatchFlags, DispatchSettings, Repository, Server } from "./settings";
import type { Interruption, Screen } from "./view";

export interface DispatchedRun {
  readonly id: number;
  readonly url: string;
}

export interface Session {
  readonly octokit: Octokit;
  readonly repository: Repository;
  readonly settings: DispatchSettings;
  readonly project: Project;
  /** The project's folder in its repository; undefined where that is not known. */
  readonly place: string | undefined;
  /** Identifies the run, where the workflow takes it as an input. */
  readonly dispatchId: string;
  readonly errors: ErrorContext;
  readonly pace: Pace;
  readonly runsPage: string;
  readonly say: (line: string) => void;
  readonly flags: DispatchFlags;
  readonly screen: Screen;
  readonly interruption: Interruption;
}

/** The git tag of the version that is asked for: in a lane its own, however the version was written. */
export function versionTag({ settings, project }: Session): string | undefined {
  const { version } = settings;
  const { lane } = project;
  const known = version === undefined || lane === undefined ? undefined : laneVersion(lane, version);
  return lane === undefined || known === undefined ? version : laneGitTag(lane, known);
}

export class Pace {
  /** @param secondMs how long a second is: less than 1000 in tests */
  constructor(readonly secondMs: number) {}

  sleep(seconds: number): Promise<void> {
    return delay(seconds * this.secondMs);
  }

  /** @returns a function that returns whether so many seconds have passed since */
  timer(seconds: number): () => boolean {
    const end = performance.now() + seconds * this.secondMs;
    return () => performance.now() >= end;
  }
}

/** Seconds before the next look: 2 at first, then a quarter more each time, 10 at most. @param looks so far, from 0 */
export function pollSeconds(looks: number): number {
  return Math.min(10, 2 * 1.25 ** looks);
}

const DEADLINE_MS = 60_000;
/** The longest wait for a rate limit; GitHub's hourly one may take an hour. */
const LONGEST_LIMIT_SECONDS = 300;
const LIMIT_RETRIES = 2;

/** A client that tries again after faults, waits where GitHub asks it to, and gives up on a silent connection. */
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
  const fetch = outwardFetch();
  const fetchWithDeadline: typeof fetch = (input, init) =>
    fetch(input, { ...init, signal: init?.signal ?? AbortSignal.timeout(DEADLINE_MS) });
  return githubClient({
    auth: token.reveal(),
    baseUrl: apiUrl,
    userAgent: "slipway",
    retry: { retryAfterBaseValue: pace.secondMs },
    throttle: {
      onRateLimit: wait("rate limit"),
      onSecondaryRateLimit: wait("secondary rate limit"),
      retryAfterBaseValue: pace.secondMs,
    },
    request: { fetch: fetchWithDeadline },
  });
}

const GH_DEADLINE_MS = 20_000;

/**
 * The token for a GitHub server: `GH_TOKEN`, `GITHUB_TOKEN` (for an Enterprise server `GH_ENTERPRISE_TOKEN` first, as
 * `gh` has it), then what `gh auth token` says.
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

/** The environment's token for a GitHub server, and the variable that holds it. @throws ProblemError `github-token` */
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

/** A header takes no line end, and the error about it would show the token. */
function checkedToken(value: string, from: string): Secret {
  if (/^[\x21-\x7e]+$/.test(value)) return new Secret(value);
  throw notDispatched({
    code: "github-token",
    path: from,
    message: "is not a token: it has spaces, line ends or letters outside ASCII",
  });
}

/** The commit of a branch, tag (`tags/v1.2.3`, `heads/main` say which) or commit; undefined where there is none. */
export async function commitOf({ octokit, repository }: Session, ref: string): Promise<string | undefined> {
  // 409: a repository without a commit. 422: no such commit.
  const answer = await unlessStatus(
    [404, 409, 422],
    octokit.rest.repos.getCommit({ ...repository, ref: ref.replace(/^refs\//, ""), per_page: 1 }),
  );
  return answer?.data.sha;
}

/** A text file of a repository at a reference; undefined where there is none. @param path from the repository's root */
export async function readFileAt(
  { octokit, repository }: Session,
  path: string,
  ref: string,
): Promise<string | undefined> {
  const answer = await unlessStatus([404], octokit.rest.repos.getContent({ ...repository, path, ref }));
  return contentText(answer?.data);
}
