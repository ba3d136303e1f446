import { createInterface } from "node:readline";
import { ProblemError } from "../../plan/problem";
import { commandLines } from "./command-text";
import type { CliCommand } from "./commands";

export interface CliRun {
  /** The folder that arguments are relative to. */
  readonly cwd: string;
  /** All that the command sees, beside its own. */
  readonly env: NodeJS.ProcessEnv;
  /** Never shown, though the command may print them. */
  readonly secrets: readonly string[];
  /** Every line that it prints. @default shown only where it fails */
  readonly onLine?: (line: string) => void;
  /** Ends the command. */
  readonly signal: AbortSignal;
}

/** A failure shows this much of the end of what was printed. */
const SHOWN_LINES = 20;
/** How long a command may take to end before it is killed. */
const GRACE_MS = 5_000;

/**
 * Runs a command to its end, without a shell and without a terminal.
 *
 * @throws ProblemError `cli-not-found`, `cli-no-buildx`, `cli-failed` with its exit code and its last lines
 * @throws the signal's reason, where that ended it
 */
export async function runCli(command: CliCommand, run: CliRun): Promise<void> {
  // Loaded here: it is an ES module, and slow to load.
  const { execa } = await import("execa");
  const secretEnv = Object.entries(command.secrets).map(([name, secret]) => [name, secret.reveal()]);
  const child = execa(command.program, [...command.args], {
    cwd: run.cwd,
    env: { ...run.env, ...command.env, ...Object.fromEntries(secretEnv) },
    extendEnv: false,
    reject: false,
    buffer: false,
    all: true,
    cancelSignal: run.signal,
    forceKillAfterDelay: GRACE_MS,
    ...(command.password === undefined
      ? { stdin: "ignore" as const }
      : { input: command.password.value.reveal() }),
  });
  const hidden = [
    ...run.secrets,
    ...Object.values(command.secrets).map((secret) => secret.reveal()),
    ...(command.password === undefined ? [] : [command.password.value.reveal()]),
  ].filter((secret) => secret !== "");
  const last: string[] = [];
  const read = readLines(child.all, (line) => {
    const shown = hidden.reduce((text, secret) => text.replaceAll(secret, "[secret]"), line).trimEnd();
    if (shown === "") return;
    last.push(shown);
    if (last.length > SHOWN_LINES) last.shift();
    run.onLine?.(shown);
  });
  const result = await child;
  await read;
  run.signal.throwIfAborted();
  if (result.exitCode === 0) return;
  if (result.code === "ENOENT" || result.code === "EACCES") throw notFound(command.program, result.code);
  throw failed(command, result.exitCode === undefined ? "a signal" : `exit code ${result.exitCode}`, last);
}

async function readLines(output: NodeJS.ReadableStream, onLine: (line: string) => void): Promise<void> {
  for await (const line of createInterface({ input: output, crlfDelay: Number.POSITIVE_INFINITY })) {
    onLine(line);
  }
}

function notFound(program: string, code: string): ProblemError {
  return new ProblemError("Nothing was built and no tag has moved:", [
    {
      code: "cli-not-found",
      path: program,
      message: code === "ENOENT" ? "there is no such program" : "cannot be run",
      hint: "Name a Docker-compatible one, without arguments: CI_DOCKER_CLI=docker (or nerdctl, or a path).",
    },
  ]);
}

/** How a docker without the plugin answers: it takes the build's flags for its own, or knows no such word. */
const NO_BUILDX =
  /unknown flag: --platform\b|'buildx' is not a docker command|unknown command: docker buildx/;

function failed(command: CliCommand, end: string, last: readonly string[]): ProblemError {
  if (command.args[0] === "buildx" && last.some((line) => NO_BUILDX.test(line))) return noBuildx(command);
  const verb = command.args.slice(0, command.args[0] === "buildx" ? 2 : 1).join(" ");
  const said = last.map((line) => `\n      ${line}`).join("");
  return new ProblemError("The command line failed, so no tag has moved:", [
    {
      code: "cli-failed",
      path: `${command.program} ${verb}`,
      message: `ended with ${end}${said === "" ? "" : `; it said last:${said}`}`,
      hint:
        "Fix what it found, and run the same again: images that are built are found, not built again. " +
        `The command was:\n      ${commandLines(command).join(" \\\n        ")}`,
    },
  ]);
}

function noBuildx({ program }: CliCommand): ProblemError {
  return new ProblemError("Nothing was built and no tag has moved:", [
    {
      code: "cli-no-buildx",
      path: program,
      message: "this docker has no buildx",
      hint: "Install it (docker's plugin docker-buildx), or name another CLI: CI_DOCKER_CLI=nerdctl (or a path).",
    },
  ]);
}
