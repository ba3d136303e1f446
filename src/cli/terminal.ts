import type { Command } from "commander";
import pc from "picocolors";

export type Colors = Pick<ReturnType<typeof pc.createColors>, "bold" | "dim" | "green" | "red" | "yellow">;

/** A stream has colours if it is a terminal or with FORCE_COLOR, but never with NO_COLOR. */
export function colorsFor(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): Colors {
  const isForced = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== "0" && env.FORCE_COLOR !== "";
  return pc.createColors(!env.NO_COLOR && (isTerminal ? env.TERM !== "dumb" : isForced));
}

/** `0.4 s`, `12 s`, `2 min 3 s`. */
export function timeText(ms: number): string {
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

const CLEAR_LINE = `\r${String.fromCharCode(27)}[2K`;
let isPassing = false;

/** Prints a line for the user on standard error; standard output is for the command's result. */
export function say(text: string): void {
  process.stderr.write(`${endOfPassing()}${text}\n`);
}

/** Prints a line that the next one replaces on a terminal. */
export function sayInPassing(text: string): void {
  const { isTTY, columns = 80 } = process.stderr;
  isPassing = isTTY && process.env.TERM !== "dumb" && !process.env.CI;
  if (isPassing) process.stderr.write(CLEAR_LINE + text.slice(0, columns - 1));
  else say(text);
}

/** Clears a replaceable line, before other code writes to the terminal. */
export function endPassing(): void {
  process.stderr.write(endOfPassing());
}

function endOfPassing(): string {
  const clear = isPassing ? CLEAR_LINE : "";
  isPassing = false;
  return clear;
}

/** The exit code of a command that a signal interrupts, as in a shell. */
export const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** Flags or answers that cannot be used. The exit code is 2. */
export class UsageError extends Error {}

export async function reportUsage(command: Command, run: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await run();
  } catch (error) {
    if (error instanceof UsageError) command.error(`error: ${error.message}`, { exitCode: 2 });
    throw error;
  }
}
