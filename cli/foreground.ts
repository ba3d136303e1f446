import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";

export interface Running {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Runs a program in the person's own terminal, arguments as an array and no shell; its exit code. */
export function runInForeground(program: string, args: readonly string[], options: Running): Promise<number> {
  const { cwd, env } = options;
  return endOf(spawn(program, [...args], { cwd, env, stdio: "inherit", detached: hasOwnGroup() }), program);
}

/**
 * Whether a program gets a group of its own. On a terminal Ctrl-C goes to every process of the group, so passing it on
 * would make it two, which the engine takes for "at once". Elsewhere the program hears of it from here only.
 */
export function hasOwnGroup(): boolean {
  return !process.stdin.isTTY && process.platform !== "win32";
}

/**
 * Waits for a program's end. Signals do not end this process meanwhile: they are passed on, and the program ends what
 * it has begun, with a user there to read its output.
 *
 * @returns its exit code; 128 and the signal's number where a signal killed it
 */
export function endOf(child: ChildProcess, program: string): Promise<number> {
  const forward = (signal: NodeJS.Signals): void => {
    if (signal === "SIGINT" && process.stdin.isTTY) return;
    child.kill(signal);
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.on(signal, forward);
  return new Promise<number>((resolve, reject) => {
    child.on("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "ENOENT" ? new Error(`${program} was not found; is it on the PATH?`) : error);
    });
    child.on("close", (code, signal) => {
      resolve(code ?? (signal === null ? 1 : 128 + constants.signals[signal]));
    });
  }).finally(() => {
    for (const signal of signals) process.off(signal, forward);
  });
}
