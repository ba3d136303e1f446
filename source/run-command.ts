import type { Options } from "execa";

interface TextOptions extends Pick<Options, "cwd" | "env" | "timeout"> {
  /** What the program reads from its standard input. @default nothing */
  readonly input?: string;
}

/** What a program answered; `code` is absent where it did not run or did not end. */
export interface Answer {
  readonly code?: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly failure?: "not-found" | "timed-out" | "other";
  /** One line about the failure. */
  readonly message?: string;
}

/** Runs a program with an array of arguments and no shell. Any end is an answer; nothing throws. */
export async function runCommand(
  program: string,
  args: readonly string[],
  { input, ...options }: TextOptions,
): Promise<Answer> {
  // Loaded here: it is an ES module, and slow to load.
  const { execa } = await import("execa");
  const result = await execa(program, [...args], {
    ...options,
    reject: false,
    ...(input === undefined ? { stdin: "ignore" } : { input }),
    stripFinalNewline: false,
  });
  const texts = { stdout: textOf(result.stdout), stderr: textOf(result.stderr) };
  if (result.exitCode !== undefined) return { ...texts, code: result.exitCode };
  const failure = result.timedOut ? "timed-out" : result.code === "ENOENT" ? "not-found" : "other";
  return { ...texts, failure, message: result.shortMessage ?? "it failed" };
}

function textOf(output: unknown): string {
  return typeof output === "string" ? output : "";
}
