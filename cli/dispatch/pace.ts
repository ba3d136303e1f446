import { setTimeout as delay } from "node:timers/promises";

/** How time goes by. */
export interface Pace {
  readonly sleep: (seconds: number) => Promise<void>;
  /** A function that returns whether so many seconds have passed since. */
  readonly timer: (seconds: number) => () => boolean;
  /** Milliseconds that a second lasts: 1000, less in tests. */
  readonly secondMs: number;
}

/** SLIPWAY_DISPATCH_SECOND_MS shortens every wait alike, so that tests need not wait. */
export function paceFrom(env: Readonly<Record<string, string | undefined>>): Pace {
  const wanted = Number(env.SLIPWAY_DISPATCH_SECOND_MS);
  const secondMs = Number.isFinite(wanted) && wanted > 0 ? Math.min(wanted, 1000) : 1000;
  return {
    secondMs,
    sleep: (seconds) => delay(seconds * secondMs),
    timer: (seconds) => {
      const end = performance.now() + seconds * secondMs;
      return () => performance.now() >= end;
    },
  };
}

const FIRST_SECONDS = 2;
const LONGEST_SECONDS = 10;

/** Seconds before the next look: 2 at first, then a quarter more each time, 10 at most. @param looks so far, from 0 */
export function pollSeconds(looks: number): number {
  return Math.min(LONGEST_SECONDS, FIRST_SECONDS * 1.25 ** looks);
}
