import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { EngineView } from "./view";

export interface Running {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Runs a program on the user's terminal, without a shell. @returns its exit code, as `endOf` */
export function runOnTerminal(program: string, args: readonly string[], options: Running): Promise<number> {
  return endOf(start(program, args, options, ["inherit", "inherit", "inherit"]), program);
}

type Stdio = "inherit" | "pipe";

export function start(
  program: string,
  args: readonly string[],
  { cwd, env }: Running,
  stdio: readonly [Stdio, Stdio, Stdio],
): ChildProcess {
  // On a terminal, Ctrl-C reaches every process of the group; passing it on as well would make it two, which pulumi
  // takes for "stop at once". Elsewhere the program has its own group and gets signals only from here.
  const detached = !process.stdin.isTTY && process.platform !== "win32";
  return spawn(program, [...args], { cwd, env, stdio: [...stdio], detached });
}

/**
 * Waits for a program's end. Meanwhile signals do not end this process: they are passed on, so that the program can
 * finish what it has begun while the user still sees its output.
 *
 * @returns its exit code; 128 and the signal's number if a signal killed it or made it fail
 */
export function endOf(child: ChildProcess, program: string): Promise<number> {
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

export async function eachLine(from: Readable | null, read: (line: string) => void): Promise<void> {
  if (from === null) return;
  for await (const line of createInterface({ input: from, crlfDelay: Number.POSITIVE_INFINITY })) read(line);
}

/** Flags that ask pulumi for another display or a run elsewhere; `-jy` is two flags. */
const OWN_DISPLAY =
  /^(?:-[A-Za-z]*[dhj][A-Za-z]*|--(?:color|debug|diff|event-log|help|json|output|preview-only|remote|show-|suppress-outputs=false).*)$/;

/**
 * Runs pulumi with short output that ends with the reason of a failure. On a terminal, pulumi shows its own display,
 * which asks for confirmation and has a line for each resource; elsewhere the output is a log made from its events.
 * Arguments that ask for another display get that display.
 */
export async function runQuietly(pulumi: string, args: readonly string[], options: Running): Promise<number> {
  if (args.some((argument) => OWN_DISPLAY.test(argument))) return runOnTerminal(pulumi, args, options);
  if (isInteractive(args, options.env)) return runWithReason(pulumi, args, options);
  const view = new EngineView((line) => process.stdout.write(`${line}\n`));
  const env = { ...options.env, PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "true" };
  const flags = withFlags(args, "--json", "--color=never");
  const code = await runWithLock(pulumi, flags, { ...options, env }, (line) => view.read(line));
  view.end();
  if (code !== 0) process.stderr.write(view.failure("full"));
  return code;
}

/** By pulumi's own rules for when it shows a display that it updates. */
function isInteractive(args: readonly string[], env: NodeJS.ProcessEnv): boolean {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return false;
  return !env.CI && env.TERM !== "dumb" && !args.includes("--non-interactive");
}

/** On the terminal, with the reason of a failure after pulumi's display. */
async function runWithReason(pulumi: string, args: readonly string[], options: Running): Promise<number> {
  const folder = await mkdtemp(path.join(tmpdir(), "slipway-events-"));
  try {
    const events = path.join(folder, "events.json");
    // Pulumi has this flag only with this variable, as the SDK's Automation API sets it.
    const env = { ...options.env, PULUMI_DEBUG_COMMANDS: "true" };
    const code = await runWithLock(pulumi, withFlags(args, "--event-log", events), { ...options, env });
    if (code === 0) return code;
    const view = new EngineView(() => {});
    // Without events, pulumi failed before it started the engine, and has printed why.
    const text = await readFile(events, "utf8").catch(() => "");
    for (const line of text.split("\n")) view.read(line);
    process.stderr.write(view.failure("titles"));
    return code;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param onLine gets standard output line by line. @default it goes to the terminal */
async function runWithLock(
  pulumi: string,
  args: readonly string[],
  options: Running,
  onLine?: (line: string) => void,
): Promise<number> {
  const { lockedStackText } = await import("#toolchain/lock");
  const stdout = onLine === undefined ? "inherit" : "pipe";
  const child = start(pulumi, args, options, ["inherit", stdout, "pipe"]);
  let locked: string | undefined;
  child.stderr?.on("data", (chunk: Buffer) => {
    // Pulumi writes the whole message about a locked stack at once; ours replaces it.
    const text = lockedStackText(chunk.toString(), flagValue(args, "--stack") ?? "");
    if (text === undefined) process.stderr.write(chunk);
    else locked = text;
  });
  const [code] = await Promise.all([
    endOf(child, pulumi),
    onLine === undefined ? undefined : eachLine(child.stdout, onLine),
  ]);
  if (locked !== undefined) process.stderr.write(`error: ${locked}\n`);
  return code;
}

/** Adds flags before `--`. */
export function withFlags(args: readonly string[], ...flags: readonly string[]): string[] {
  const at = args.indexOf("--");
  const end = at < 0 ? args.length : at;
  return [...args.slice(0, end), ...flags, ...args.slice(end)];
}

export function flagValue(args: readonly string[], flag: string): string | undefined {
  const at = args.indexOf(flag);
  if (at >= 0) return args[at + 1];
  return args.find((argument) => argument.startsWith(`${flag}=`))?.slice(flag.length + 1);
}
