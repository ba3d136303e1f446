import { setTimeout as delay } from "node:timers/promises";
import { RegistryError } from "./errors";

/** Time and chance, so that tests need neither. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  random(): number;
}

export const systemClock: Clock = {
  now: Date.now,
  sleep: (ms, signal) => delay(ms, undefined, { signal }),
  random: Math.random,
};

/** The longest wait that a registry can ask for; a longer one is an error at once. */
const LONGEST_WAIT_MS = 60_000;

const FIRST_WAIT_MS = 400;
const LONGEST_BACKOFF_MS = 10_000;

export interface RetryPolicy {
  readonly attempts: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/**
 * How long to wait after a failed attempt: what the registry asked for, else a doubling backoff minus a random part, so
 * that clients which failed together do not come back together.
 */
export function waitAfter(error: RegistryError, attempt: number, random: () => number): number {
  if (error.retryAfterMs !== undefined) return error.retryAfterMs;
  const full = Math.min(FIRST_WAIT_MS * 2 ** (attempt - 1), LONGEST_BACKOFF_MS);
  return Math.round(full / 2 + (full / 2) * random());
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

/**
 * Runs `run` until it succeeds, fails for good or attempts are used up. Only what may be repeated is run by it.
 *
 * @throws RegistryError the last failure, no longer transient, so that an outer loop does not multiply attempts.
 */
export async function withRetries<T>(policy: RetryPolicy, run: (attempt: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run(attempt);
    } catch (error) {
      if (!(error instanceof RegistryError) || !error.transient) throw error;
      if (attempt >= policy.attempts) throw error.final(attempt === 1 ? "1 attempt" : `${attempt} attempts`);
      const waitMs = waitAfter(error, attempt, policy.clock.random);
      if (waitMs > LONGEST_WAIT_MS) {
        const asked = Math.ceil(waitMs / 1000);
        throw error.final(
          `it asks to wait ${asked} s, and Slipway waits at most ${LONGEST_WAIT_MS / 1000} s`,
        );
      }
      await sleepUnlessCancelled(policy, waitMs, error);
    }
  }
}

async function sleepUnlessCancelled(policy: RetryPolicy, ms: number, error: RegistryError): Promise<void> {
  try {
    await policy.clock.sleep(ms, policy.signal);
  } catch (interrupted) {
    if (policy.signal?.aborted) throw error.final("stopped while waiting to try again");
    throw interrupted;
  }
}
