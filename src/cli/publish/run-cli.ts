import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { ProblemError } from "../../plan/problem";
import { isRecord } from "../../plan/record";
import { Redactor } from "../../registry/redact";
import { type CliCommand, commandLines } from "./commands";

interface CliRun {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Removed from the output, which may contain them. */
  readonly secrets: readonly string[];
  /** Called with every line of output. @default output is shown only after a failure */
  readonly onLine?: (line: string) => void;
  readonly signal: AbortSignal;
}

const SHOWN_LINES = 20;
const GRACE_MS = 5_000;

/**
 * Runs a command to its end, without a shell and without a terminal.
 *
 * @throws ProblemError `cli-not-found`, `cli-no-buildx`, `cli-failed` with its exit code and its last lines
 */
export async function runCli(command: CliCommand, run: CliRun): Promise<void> {
  // Loaded here: it is an ES module, and slow to load.
  const { execa } = await import("execa");
  const secrets = Object.entries(command.secrets ?? {}).map(([name, secret]) => [name, secret.reveal()]);
  const password = command.password?.value.reveal();
  const redactor = new Redactor();
  for (const secret of [...run.secrets, ...secrets.map(([, value = ""]) => value), password ?? ""]) {
    redactor.hide(secret);
  }
  const child = execa(command.program, [...command.args], {
    cwd: run.cwd,
    env: { ...run.env, ...command.env, ...Object.fromEntries(secrets) },
    extendEnv: false,
    reject: false,
    buffer: false,
    all: true,
    cancelSignal: run.signal,
    forceKillAfterDelay: GRACE_MS,
    ...(password === undefined ? { stdin: "ignore" as const } : { input: password }),
  });
  const last: string[] = [];
  for await (const line of createInterface({ input: child.all, crlfDelay: Number.POSITIVE_INFINITY })) {
    const shown = redactor.redact(line).trimEnd();
    if (shown === "") continue;
    last.push(shown);
    if (last.length > SHOWN_LINES) last.shift();
    run.onLine?.(shown);
  }
  const result = await child;
  run.signal.throwIfAborted();
  if (result.exitCode === 0) return;
  if (result.code === "ENOENT" || result.code === "EACCES") {
    throw cliProblem(
      "cli-not-found",
      command.program,
      result.code === "ENOENT" ? "there is no such program" : "cannot be run",
      "Name a Docker-compatible one, without arguments: CI_DOCKER_CLI=docker (or nerdctl, or a path).",
    );
  }
  throw failed(command, result.exitCode === undefined ? "a signal" : `exit code ${result.exitCode}`, last);
}

export function cliProblem(code: string, program: string, message: string, hint: string): ProblemError {
  return new ProblemError("Nothing was built and no tag has moved:", [
    { code, path: program, message, hint },
  ]);
}

/** The errors of a docker without the plugin: it rejects buildx's flags or the command itself. */
const NO_BUILDX =
  /unknown flag: --(?:platform|name)\b|'buildx' is not a docker command|unknown command: docker buildx/;

function failed(command: CliCommand, end: string, last: readonly string[]): ProblemError {
  if (command.args[0] === "buildx" && last.some((line) => NO_BUILDX.test(line))) {
    return cliProblem(
      "cli-no-buildx",
      command.program,
      "this docker has no buildx",
      "Install it (docker's plugin docker-buildx), or name another CLI: CI_DOCKER_CLI=nerdctl (or a path).",
    );
  }
  const verb = command.args.slice(0, command.args[0] === "buildx" ? 2 : 1).join(" ");
  const output = last.map((line) => `\n      ${line}`).join("");
  return new ProblemError("The command line failed, so no tag has moved:", [
    {
      code: "cli-failed",
      path: `${command.program} ${verb}`,
      message: `ended with ${end}${output === "" ? "" : `; its last lines:${output}`}`,
      hint:
        "Fix what it reports, and run the same command again: images that are built are found, not built again. " +
        `The command was:\n      ${commandLines(command).join(" \\\n        ")}`,
    },
  ]);
}

export interface DockerFolder {
  readonly folder: string;
  readonly remove: () => Promise<void>;
}

const CONFIG = "config.json";
const DOCKER_HUB = ["docker.io", "index.docker.io", "https://index.docker.io/v1/"];

/**
 * A private copy of the user's Docker configuration, so that `login` leaves nothing on the machine or in its keychain.
 * Contexts, builders and plugins are links to the user's own.
 */
export async function privateDockerFolder(
  env: NodeJS.ProcessEnv,
  hosts: readonly string[],
): Promise<DockerFolder> {
  const own = env.DOCKER_CONFIG || path.join(env.HOME || homedir(), ".docker");
  // mkdtemp creates it with mode 0700.
  const folder = await mkdtemp(path.join(tmpdir(), "slipway-docker-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    for (const name of await readdir(own).catch(() => [])) {
      if (name !== CONFIG) await symlink(path.resolve(own, name), path.join(folder, name));
    }
    const config = withoutStore(await readConfig(path.join(own, CONFIG)), hosts);
    await writeFile(path.join(folder, CONFIG), JSON.stringify(config), { mode: 0o600 });
  } catch (error) {
    await remove();
    throw error;
  }
  return { folder, remove };
}

async function readConfig(file: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await readFile(file, "utf8").catch(() => "{}");
  try {
    return recordOf(JSON.parse(text));
  } catch {
    throw new Error(`${file} is not JSON`);
  }
}

/** A store would keep the new logins, so it is replaced by a helper for each host that it already has. */
function withoutStore(config: Readonly<Record<string, unknown>>, hosts: readonly string[]): object {
  const { credsStore, credHelpers, auths, ...rest } = config;
  const keys = hosts.flatMap((host) => (host === "docker.io" ? DOCKER_HUB : [host]));
  const stored =
    typeof credsStore === "string" && credsStore !== ""
      ? Object.keys(recordOf(auths)).map((key): [string, unknown] => [key, credsStore])
      : [];
  const others = (entries: [string, unknown][]) =>
    Object.fromEntries(entries.filter(([key]) => !keys.includes(key)));
  return {
    ...rest,
    auths: others(Object.entries(recordOf(auths))),
    credHelpers: others([...stored, ...Object.entries(recordOf(credHelpers))]),
  };
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}
