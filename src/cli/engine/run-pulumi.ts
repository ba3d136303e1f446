import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { Redactor } from "../../registry/redact";
import { EngineView } from "./view";

interface Running {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Runs a program in the person's own terminal, arguments as an array and no shell; its exit code. */
export function runInForeground(program: string, args: readonly string[], options: Running): Promise<number> {
  const { cwd, env } = options;
  return endOf(spawn(program, [...args], { cwd, env, stdio: "inherit", detached: hasOwnGroup() }), program);
}

/** Runs the engine with its errors as they come, except that the stack is locked, which is said in our words. */
async function runPulumi(
  pulumi: string,
  args: readonly string[],
  { cwd, env }: Running,
  output: { readonly line: (line: string) => void } | "inherit",
): Promise<number> {
  const { lockedStackText } = await import("#toolchain/lock");
  const stdio = ["inherit", output === "inherit" ? output : "pipe", "pipe"] as const;
  const child = spawn(pulumi, [...args], { cwd, env, stdio: [...stdio], detached: hasOwnGroup() });
  let locked: string | undefined;
  child.stderr?.on("data", (chunk: Buffer) => {
    // The engine writes the whole message at once.
    const text = lockedStackText(chunk.toString(), flagValue(args, "--stack") ?? "");
    if (text === undefined) process.stderr.write(chunk);
    else locked = text;
  });
  const lines =
    output === "inherit" || child.stdout === null ? undefined : eachLine(child.stdout, output.line);
  const [code] = await Promise.all([endOf(child, pulumi), lines]);
  if (locked !== undefined) process.stderr.write(`error: ${locked}\n`);
  return code;
}

/**
 * Whether a program gets a group of its own. On a terminal Ctrl-C goes to every process of the group, so passing it on
 * would make it two, which the engine takes for "at once". Elsewhere the program hears of it from here only.
 */
function hasOwnGroup(): boolean {
  return !process.stdin.isTTY && process.platform !== "win32";
}

/**
 * Waits for a program's end. Signals do not end this process meanwhile: they are passed on, and the program ends what
 * it has begun, with a user there to read its output.
 *
 * @returns its exit code; 128 and the signal's number where a signal killed it, or made it fail
 */
function endOf(child: ChildProcess, program: string): Promise<number> {
  let interruptedBy: NodeJS.Signals | undefined;
  const forward = (signal: NodeJS.Signals): void => {
    interruptedBy ??= signal;
    if (signal === "SIGINT" && process.stdin.isTTY) return;
    child.kill(signal === "SIGHUP" ? "SIGTERM" : signal);
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, forward);
  return new Promise<number>((resolve, reject) => {
    child.on("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "ENOENT" ? new Error(`${program} was not found; is it on the PATH?`) : error);
    });
    child.on("close", (code, signal) => {
      const by = code === 0 ? undefined : (signal ?? interruptedBy);
      resolve(by === undefined ? (code ?? 1) : 128 + constants.signals[by]);
    });
  }).finally(() => {
    for (const signal of signals) process.off(signal, forward);
  });
}

/** Flags that ask the engine for a display of its own, or to run elsewhere; `-jy` is two flags. */
const OWN_DISPLAY =
  /^(?:-[A-Za-z]*[dhj][A-Za-z]*|--(?:color|debug|diff|event-log|help|json|output|preview-only|remote|show-|suppress-outputs=false).*)$/;

/**
 * Runs the engine so that its output is short and the reason of a failure is last. On a terminal the display is the
 * engine's own, which asks, and has a line for each resource; elsewhere it is a log, made from the engine's events.
 * Where the arguments ask for another display they get it.
 */
export async function runEngineQuietly(
  pulumi: string,
  args: readonly string[],
  options: Running,
): Promise<number> {
  if (args.some((argument) => OWN_DISPLAY.test(argument))) return runInForeground(pulumi, args, options);
  if (isInteractive(args, options.env)) return runWithReason(pulumi, args, options);
  const view = new EngineView((line) => process.stdout.write(`${line}\n`));
  const env = { ...options.env, PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "true" };
  const line = (text: string): void => view.read(text);
  const flags = withFlags(args, "--json", "--color=never");
  const code = await runPulumi(pulumi, flags, { ...options, env }, { line });
  view.end();
  if (code !== 0) process.stderr.write(view.failure("full"));
  return code;
}

/** Whether the engine shows a display that it updates, by its own rules. */
function isInteractive(args: readonly string[], env: NodeJS.ProcessEnv): boolean {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return false;
  return !env.CI && env.TERM !== "dumb" && !args.includes("--non-interactive");
}

/** In the foreground, with the reason of a failure after all that the engine prints. */
async function runWithReason(pulumi: string, args: readonly string[], options: Running): Promise<number> {
  const folder = await mkdtemp(path.join(tmpdir(), "slipway-events-"));
  try {
    const events = path.join(folder, "events.json");
    // The engine knows this flag with this variable only, as the SDK's automation API uses it.
    const env = { ...options.env, PULUMI_DEBUG_COMMANDS: "true" };
    const flags = withFlags(args, "--event-log", events);
    const code = await runPulumi(pulumi, flags, { ...options, env }, "inherit");
    if (code === 0) return code;
    const view = new EngineView(() => {});
    // Without a file the engine did not get as far, and has printed why.
    const text = await readFile(events, "utf8").catch(() => "");
    for (const line of text.split("\n")) view.read(line);
    process.stderr.write(view.failure("titles"));
    return code;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A log of this verbosity or less (8) contains nothing that engine, program and providers exchange. */
const SILENT = /^[0-8]$/;
/** The engine takes each of its flags from a variable too. */
const VERBOSE_VARIABLE = "PULUMI_OPTION_VERBOSE";
const LOG_FLAG = "--logtostderr";

/**
 * Whether the engine is asked for logs that would contain secrets. What only looks like it counts too: a
 * level that is not plainly a low one, and a `v` in letters behind one dash, which may be flags written together.
 */
export function isTelling(args: readonly string[], env: NodeJS.ProcessEnv = {}): boolean {
  const levels = args.flatMap((argument, at) => {
    const written = /^(?:-[A-Za-z]*?v|--verbose(?=$|=))(.*)$/.exec(argument)?.[1];
    if (written === undefined) return [];
    return [written === "" ? args[at + 1] : written.replace(/^=/, "")];
  });
  // The engine takes an empty variable for none.
  const named = env[VERBOSE_VARIABLE] || "0";
  return [...levels, named].some((level) => level === undefined || !SILENT.test(level));
}

/** The arguments with the log on standard error; of several flags the last one counts. */
export function withLogShown(args: readonly string[]): string[] {
  return withFlags(args, LOG_FLAG);
}

/** Flags end before `--`. */
function withFlags(args: readonly string[], ...flags: readonly string[]): string[] {
  const at = args.indexOf("--");
  const end = at < 0 ? args.length : at;
  return [...args.slice(0, end), ...flags, ...args.slice(end)];
}

export function flagValue(args: readonly string[], flag: string): string | undefined {
  const at = args.indexOf(flag);
  if (at >= 0) return args[at + 1];
  return args.find((argument) => argument.startsWith(`${flag}=`))?.slice(flag.length + 1);
}

/**
 * Runs a program and shows what it prints, line by line, without secrets. It has no terminal then. What would go into
 * log files goes to standard error: a file could not be cleaned.
 */
export async function runRedacted(
  program: string,
  args: readonly string[],
  options: Running & { readonly secrets: readonly string[] },
): Promise<number> {
  const redactor = new Redactor({ remembered: Number.POSITIVE_INFINITY });
  for (const secret of options.secrets) redactor.hide(secret);
  const child = spawn(program, withLogShown(args), {
    cwd: options.cwd,
    env: options.env,
    stdio: ["inherit", "pipe", "pipe"],
    detached: hasOwnGroup(),
  });
  const [code] = await Promise.all([
    endOf(child, program),
    eachLine(child.stdout, (line) => process.stdout.write(`${redactor.redact(line)}\n`)),
    eachLine(child.stderr, (line) => process.stderr.write(`${redactor.redact(line)}\n`)),
  ]);
  return code;
}

async function eachLine(from: Readable, read: (line: string) => void): Promise<void> {
  for await (const line of createInterface({ input: from, crlfDelay: Number.POSITIVE_INFINITY })) read(line);
}
