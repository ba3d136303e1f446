import path from "node:path";
import { version } from "../../package.json";
import { colorsFor } from "../dispatch/colors";
import { ask, askToWrite, isInterruption } from "./ask";
import { defaultAnswers } from "./default-answers";
import { readFacts, repositoryRoot } from "./facts";
import { type InitFlags, UsageError } from "./flags";
import { type PlannedFile, plannedFiles } from "./planned-files";
import { differencesText, nextText } from "./show";
import { writeAllOrNone } from "./write-files";

export interface InitIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether somebody can be asked. */
  readonly isTerminal: boolean;
  /** Whether the output is read by a person at a terminal. */
  readonly isScreen: boolean;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

const INTERRUPTED = 130;

/**
 * Sets a repository up to release with Slipway: shows what it would write, and writes it after a yes.
 *
 * @returns the exit code
 * @throws UsageError for flags and answers that make no sense; Error outside of a git repository
 */
export async function runInit(flags: InitFlags, io: InitIo): Promise<number> {
  const isAsking = flags.yes !== true && flags.print !== true;
  if (isAsking && !io.isTerminal) {
    throw new UsageError(
      "There is no terminal to ask at: --yes takes the defaults and flags, --print only shows.",
    );
  }
  const stop = new AbortController();
  const onSignal = () => stop.abort(new Error("interrupted"));
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  try {
    return await init(flags, io, isAsking, stop.signal);
  } catch (error) {
    if (!isInterruption(error) && !stop.signal.aborted) throw error;
    io.err("\nNothing was written.\n");
    return INTERRUPTED;
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

async function init(flags: InitFlags, io: InitIo, isAsking: boolean, signal: AbortSignal): Promise<number> {
  const colors = colorsFor(io.isScreen, io.env);
  const root = await repositoryRoot(path.resolve(flags.cwd));
  const facts = await readFacts(root);
  const defaults = defaultAnswers(facts, flags, version);
  for (const note of defaults.notes) io.out(`${colors.dim("found")} ${note}\n`);
  const answers = isAsking ? await ask(defaults.answers, flags) : defaults.answers;
  const files = await plannedFiles(root, answers, facts);
  const changed = files.filter(({ difference }) => difference.change !== "unchanged");
  io.out(`\n${differencesText(files, colors)}`);
  if (changed.length === 0) {
    io.out(`\nNothing to do: everything is as it should be.\n${nextText(answers, colors)}`);
    return 0;
  }
  const refused = flags.force === true ? [] : changed.filter(isOverwritten);
  if (flags.print === true) {
    io.out("\nNothing was written (--print).\n");
    return 0;
  }
  if (refused.length > 0) {
    io.err(
      `\nerror: ${refused.map((file) => file.path).join(", ")}: there already, and different. ` +
        "Nothing was written; --force overwrites.\n",
    );
    return 1;
  }
  if (isAsking && !(await askToWrite(changed.length))) {
    io.err("Nothing was written.\n");
    return 1;
  }
  await writeAllOrNone(root, changed, signal);
  io.out(`\nWritten: ${changed.map((file) => file.path).join(", ")}\n${nextText(answers, colors)}`);
  return 0;
}

/** Lines that are added to a person's file take nothing away. */
function isOverwritten({ kind, difference }: PlannedFile): boolean {
  return kind === "own" && difference.change === "changed";
}
