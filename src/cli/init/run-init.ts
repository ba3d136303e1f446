import path from "node:path";
import { version } from "../../../package.json";
import { runCommand } from "../../inputs/commands";
import { reasonOf } from "../../plan/problem";
import { type MadeKeys, makeKeys } from "../keys";
import { writeAllOrNone } from "../repository-files";
import { colorsFor, say, UsageError } from "../terminal";
import { ask, askToWrite, isInterruption } from "./ask";
import { defaultAnswers, notes as notesOf } from "./default-answers";
import { readFacts, repositoryRoot } from "./facts";
import { plannedFiles } from "./planned-files";
import { releaseArgs } from "./program";
import { type Answers, type InitFlags, stackPairs } from "./shape";
import { differencesText, type InitKeys, initKeysText, nextText, reportText } from "./show";

const INTERRUPTED = { SIGINT: 130, SIGTERM: 143 } as const;

/** Sets a repository up to release with Slipway: shows what it would write, and writes it once confirmed. */
export async function runInit(flags: InitFlags, env: NodeJS.ProcessEnv): Promise<number> {
  const isAsking = flags.yes !== true && flags.print !== true;
  if (isAsking && flags.json === true) {
    throw new UsageError("--json asks nothing: add --yes to write, or --print to see what it would write.");
  }
  if (isAsking && !(process.stdin.isTTY && process.stdout.isTTY)) {
    throw new UsageError(
      "There is no terminal to ask at: --yes takes the defaults and flags, --print only shows.",
    );
  }
  const stop = new AbortController();
  let code: number = INTERRUPTED.SIGINT;
  const onSignal = (signal: "SIGINT" | "SIGTERM") => {
    code = INTERRUPTED[signal];
    stop.abort(new Error("interrupted"));
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  try {
    return await init(flags, env, isAsking, stop.signal);
  } catch (error) {
    if (!isInterruption(error) && !stop.signal.aborted) throw error;
    say("\nNothing was written.");
    return code;
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

async function init(
  flags: InitFlags,
  env: NodeJS.ProcessEnv,
  isAsking: boolean,
  signal: AbortSignal,
): Promise<number> {
  const colors = colorsFor(process.stdout.isTTY, env);
  // With --json, everything is printed at the end.
  const print = (text: string) => (flags.json === true ? undefined : process.stdout.write(text));
  const root = await repositoryRoot(path.resolve(flags.cwd));
  const facts = await readFacts(root, env);
  const answers = isAsking ? await ask(facts, flags, version, signal) : defaultAnswers(facts, flags, version);
  const notes = notesOf(facts, answers);
  for (const note of notes) print(`${colors.dim("found")} ${note}\n`);
  const files = await plannedFiles(root, answers, facts);
  const changed = files.filter(({ difference }) => difference.change !== "unchanged");
  // Lines may be added to the user's files, but no other file is replaced.
  const refused = changed
    .filter(({ kind, difference }) => kind === "own" && difference.change === "changed")
    .map((file) => file.path);
  const report = (written: boolean, keys?: InitKeys) => {
    if (flags.json === true)
      process.stdout.write(reportText(answers, { written, notes, files, refused }, keys));
  };
  print(`\n${differencesText(files, colors)}`);
  if (changed.length === 0) {
    const keys = flags.print === true ? undefined : await initKeys(root, answers, env);
    const isDone = keys === undefined || (keys.made.length === 0 && keys.missing === undefined);
    const done = notes.some((note) => note.includes("does not name"))
      ? "Nothing was written: index.ts is yours."
      : "Nothing to do: everything is as it should be.";
    print(isDone ? `\n${done}\n` : `\n${initKeysText(keys)}`);
    report(true, keys);
    return 0;
  }
  if (flags.print === true) {
    print("\nNothing was written (--print).\n");
    report(false);
    return 0;
  }
  if (refused.length > 0) {
    say(`\nerror: ${refused.join(", ")}: not written by init, so not replaced. Nothing was written.`);
    report(false);
    return 1;
  }
  if (isAsking && !(await askToWrite(changed.length, signal))) {
    say("Nothing was written.");
    return 1;
  }
  await writeAllOrNone(root, changed, signal);
  const written = changed.map((file) => `  ${file.path}\n`).join("");
  const keys = await initKeys(root, answers, env);
  print(`\nWritten:\n${written}${initKeysText(keys)}${nextText(answers, colors, keys)}`);
  report(true, keys);
  return 0;
}

const DEADLINE_MS = 60_000;

/**
 * Makes a key pair for each stage that needs one; prod promotes what stage signed, and signs nothing. It also creates the stack in Pulumi's backend, since only the engine
 * can encrypt the key. If the backend does not answer, keys are left for later: the files are useful without them.
 */
async function initKeys(root: string, answers: Answers, env: NodeJS.ProcessEnv): Promise<InitKeys> {
  const cwd = path.join(root, answers.folder);
  const made: MadeKeys[] = [];
  const { sign, withKey } = answers;
  for (const { stage: stack } of sign === "key" ? stackPairs(answers) : []) {
    if (withKey.includes(stack)) continue;
    const select = ["stack", "select", "--create", stack, "--non-interactive"];
    const { code, stderr, message, failure } = await runCommand("pulumi", select, {
      cwd,
      env,
      timeout: DEADLINE_MS,
    });
    if (failure === "not-found")
      return { made, missing: "there is no pulumi command here; the next commands make one" };
    if (code !== 0)
      return { made, missing: stderr.trim().split("\n").at(-1) || (message ?? "pulumi failed") };
    try {
      // The program cannot run before its packages are installed.
      made.push(await makeKeys({ stack, cwd, env, code: releaseArgs(answers) }));
    } catch (error) {
      return { made, missing: reasonOf(error) };
    }
  }
  return { made };
}
