import type { Options } from "execa";
import { ProblemError } from "../plan/problem";
import { isSecretVariable } from "../settings/environment";

interface TextOptions extends Pick<Options, "cwd" | "env" | "timeout"> {
  /** What the program reads from its standard input. @default nothing */
  readonly input?: string;
}

/** A program's output; `code` is absent if it did not run or did not end. */
export interface Answer {
  readonly code?: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly failure?: "not-found" | "timed-out" | "other";
  readonly message?: string;
}

/** Runs a program without a shell. A failure is an answer too; this never throws. */
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

const DEADLINE_MS = 60_000;

/**
 * Runs git in a folder, without a shell, prompts, locks, hooks, network or translated texts. A repository's
 * configuration can run programs, so git's environment has no secrets. Any exit code is an answer.
 *
 * @throws ProblemError `source-git-missing` if git or the folder is missing, `source-git-failed` after 60 seconds
 */
export async function git(
  dir: string,
  args: readonly string[],
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const answer = await runCommand("git", ["--no-pager", "-c", "core.fsmonitor=false", ...args], {
    cwd: dir,
    timeout: DEADLINE_MS,
    env: {
      // Proxies' addresses may contain a password, and nothing here uses a network.
      ...Object.fromEntries(
        Object.keys(process.env)
          .filter((name) => isSecretVariable(name) || /_proxy$/i.test(name))
          .map((name) => [name, undefined]),
      ),
      // A hook sets these, and they may point to another repository.
      GIT_DIR: undefined,
      GIT_WORK_TREE: undefined,
      GIT_INDEX_FILE: undefined,
      GIT_OPTIONAL_LOCKS: "0",
      GIT_TERMINAL_PROMPT: "0",
      GIT_NO_LAZY_FETCH: "1",
      LC_ALL: "C",
    },
  });
  const { code, stdout, stderr } = answer;
  if (code !== undefined) return { code, stdout, stderr };
  if (answer.failure === "not-found") {
    throw gitProblem(
      "source-git-missing",
      `git or the folder ${JSON.stringify(dir)} was not found`,
      "Install git (https://git-scm.com/downloads), or check the folder's name",
    );
  }
  const why =
    answer.failure === "timed-out"
      ? `did not answer within ${DEADLINE_MS / 1000} seconds`
      : `did not run: ${answer.message}`;
  throw gitProblem("source-git-failed", `git ${args[0]} ${why}`);
}

/** Git's standard output. @throws ProblemError `source-git-failed` for any exit code but 0 */
export async function gitText(dir: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await git(dir, args);
  if (code === 0) return stdout;
  throw gitProblem("source-git-failed", `git ${args[0]} failed with code ${code}: ${stderr.trim()}`);
}

/** The root of a folder's repository. @throws ProblemError `source-git-failed` outside of one */
export async function gitRoot(dir: string): Promise<string> {
  return (await gitText(dir, ["rev-parse", "--show-toplevel"])).replace(/\r?\n$/, "");
}

export function gitProblem(code: string, message: string, hint?: string): ProblemError {
  return new ProblemError("The source cannot be read:", [{ code, path: "git", message, hint }]);
}
