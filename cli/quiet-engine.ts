import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { Redactor } from "../registry/redact";

/** A log of this verbosity or less tells nothing of what travels between engine, program and providers. */
const SILENT = 8;

/** Whether the engine is asked to tell so much that secrets would be among it. */
export function isTelling(args: readonly string[]): boolean {
  const levels = args.flatMap((argument, at) => {
    const [, short] = /^-v=?(\d*)$/.exec(argument) ?? [];
    const [, long] = /^--verbose(?:=(\d+))?$/.exec(argument) ?? [];
    const level = short ?? long;
    if (level === undefined && argument !== "--verbose" && argument !== "-v") return [];
    return [Number(level || args[at + 1])];
  });
  // A level that cannot be read is taken for a high one.
  return levels.some((level) => !(level <= SILENT));
}

/** The value of a flag, in both ways of writing it. */
export function flagValue(args: readonly string[], flag: string): string | undefined {
  const at = args.indexOf(flag);
  if (at >= 0) return args[at + 1];
  return args.find((argument) => argument.startsWith(`${flag}=`))?.slice(flag.length + 1);
}

/**
 * Runs a program and shows what it prints, line by line, without secrets. It has no terminal then. What would go into
 * log files goes to standard error: a file could not be cleaned.
 *
 * @returns its exit code
 */
export function runRedacted(
  program: string,
  args: readonly string[],
  options: {
    readonly cwd: string;
    readonly env: NodeJS.ProcessEnv;
    readonly secrets: readonly string[];
  },
): Promise<number> {
  const redactor = new Redactor();
  for (const secret of options.secrets) redactor.hide(secret);
  const withLog = args.some((argument) => /^--logtostderr(=true)?$/.test(argument));
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args, ...(withLog ? [] : ["--logtostderr"])], {
      cwd: options.cwd,
      env: options.env,
      stdio: ["inherit", "pipe", "pipe"],
    });
    const shown = [
      pass(child.stdout, process.stdout, redactor),
      pass(child.stderr, process.stderr, redactor),
    ];
    child.on("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "ENOENT" ? new Error(`${program} was not found; is it on the PATH?`) : error);
    });
    child.on("close", (code, signal) => {
      Promise.all(shown).then(() => resolve(code ?? (signal === null ? 1 : 130)), reject);
    });
  });
}

async function pass(from: Readable, to: Writable, redactor: Redactor): Promise<void> {
  for await (const line of createInterface({ input: from, crlfDelay: Number.POSITIVE_INFINITY })) {
    to.write(`${redactor.redact(line)}\n`);
  }
}
