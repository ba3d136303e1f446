import type { Command } from "commander";
import pc from "picocolors";

export type Colors = Pick<ReturnType<typeof pc.createColors>, "bold" | "dim" | "green" | "red" | "yellow">;

/** Colours of a stream: none where it is no terminal, unless FORCE_COLOR; never with NO_COLOR. */
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

/** One line for the user; standard output is for what the command prints. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Flags or answers that cannot be used; exit code 2. */
export class UsageError extends Error {}

export async function reportUsage(command: Command, run: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await run();
  } catch (error) {
    if (error instanceof UsageError) command.error(`error: ${error.message}`, { exitCode: 2 });
    throw error;
  }
}
