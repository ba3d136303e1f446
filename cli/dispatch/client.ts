import type { Octokit } from "octokit";
import type { Secret } from "../../plan/secret";
import { outwardFetch } from "../../registry/outward";
import type { Pace } from "./pace";
import type { Server } from "./server";

export type { Octokit } from "octokit";

export interface ClientOptions {
  readonly server: Server;
  readonly token: Secret;
  readonly pace: Pace;
  /** One line for the person who waits. */
  readonly say: (line: string) => void;
}

const DEADLINE_MS = 60_000;
/** The longest wait for a rate limit; GitHub's hourly one may take an hour. */
const LONGEST_LIMIT_SECONDS = 300;
const LIMIT_RETRIES = 2;

/** A client that tries again after faults, waits where GitHub asks it to, and gives up on a silent connection. */
export async function connect({ server, token, pace, say }: ClientOptions): Promise<Octokit> {
  // Loaded here: it is an ES module, and slow to load.
  const { Octokit } = await import("octokit");
  const wait = (kind: string) => (seconds: number, _options: unknown, _octokit: unknown, retries: number) => {
    if (seconds > LONGEST_LIMIT_SECONDS || retries >= LIMIT_RETRIES) return false;
    say(`GitHub's ${kind} is reached: waiting ${seconds} s`);
    return true;
  };
  return new Octokit({
    auth: token.reveal(),
    baseUrl: server.apiUrl,
    userAgent: "slipway",
    log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
    retry: { retryAfterBaseValue: pace.secondMs },
    throttle: {
      onRateLimit: wait("rate limit"),
      onSecondaryRateLimit: wait("secondary rate limit"),
      retryAfterBaseValue: pace.secondMs,
    },
    request: { fetch: fetchWithDeadline(outwardFetch()) },
  });
}

function fetchWithDeadline(fetch: ReturnType<typeof outwardFetch>): typeof fetch {
  return (input, init) => fetch(input, { ...init, signal: init?.signal ?? AbortSignal.timeout(DEADLINE_MS) });
}

function nothing(): void {}
