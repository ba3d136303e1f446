/** What a signal ends here is the waiting: a run that was started goes on. */
export interface Interruption {
  /** What would be said now. */
  readonly leaves: (...lines: readonly string[]) => void;
  /** Signals do what they did before. */
  readonly end: () => void;
}

const CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Catches Ctrl-C and SIGTERM: says what is left behind, and exits as a shell would for the signal.
 *
 * @param tidy puts the terminal back in order first
 */
export function onInterruption(tidy: () => void): Interruption {
  let told: readonly string[] = ["Nothing was dispatched."];
  const stop = (signal: "SIGINT" | "SIGTERM") => {
    tidy();
    // After the ^C that the terminal has written.
    process.stderr.write(`\n${told.join("\n")}\n`);
    process.exit(CODES[signal]);
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);
  return {
    leaves: (...lines) => {
      told = lines;
    },
    end: () => {
      process.off("SIGINT", stop).off("SIGTERM", stop);
    },
  };
}
