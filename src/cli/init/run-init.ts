import path from "node:path";
import { version } from "../../../package.json";
import { runCommand } from "../../inputs/commands";
import { reasonOf } from "../../plan/problem";
import { type MadeKeys, makeKeys } from "../keys";
import { writeAllOrNone } from "../repository-files";
import { type Colors, colorsFor, SIGNAL_EXIT_CODES, say, UsageError } from "../terminal";
import { ask, askToWrite, isInterruption } from "./ask";
import { defaultAnswers, notes as notesOf } from "./default-answers";
import { readFacts, repositoryRoot } from "./facts";
import { type PlannedFile, plannedFiles } from "./planned-files";
import { releaseArgs } from "./program";
import { type Answers, type InitFlags, stackPairs } from "./shape";

/** Sets a repository up to release with Slipway: shows what it would write, and writes it after a confirmation. */
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
  let code: number = SIGNAL_EXIT_CODES.SIGINT;
  const onSignal = (signal: "SIGINT" | "SIGTERM") => {
    code = SIGNAL_EXIT_CODES[signal];
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
  print(`\n${files.flatMap((file) => differenceLines(file, colors)).join("\n")}\n`);
  if (changed.length === 0) {
    const keys = flags.print === true ? undefined : await initKeys(root, answers, env);
    const isDone = keys === undefined || (keys.made.length === 0 && keys.missing === undefined);
    const done = notes.some((note) => note.includes("does not name"))
      ? "Nothing was written: index.ts is yours."
      : "Nothing to do: every file is up to date.";
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
    say(
      `\nerror: ${refused.join(", ")}: init did not write it and does not replace it. Nothing was written.`,
    );
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
 * Makes a key pair for each stage without one. Creates the stack in Pulumi's backend for that, because only the engine can
 * encrypt the key. If the backend does not answer, keys are left for later: the files are useful without them.
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
      return { made, missing: "pulumi is not installed; the next commands install it and make the key" };
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

/** New files are shown whole, changed ones by their differences, unchanged ones by name. */
function differenceLines({ path, text, difference }: PlannedFile, colors: Colors): string[] {
  const { bold, dim, green, red } = colors;
  if (difference.change === "unchanged") return [dim(`unchanged ${path}`)];
  if (difference.change === "created") {
    const lines = text.replace(/\n$/, "").split("\n");
    return [bold(`new       ${path}`), ...lines.map((line) => green(`+${line}`))];
  }
  const painted = difference.diff.map((line) => {
    if (line.startsWith("+")) return green(line);
    return line.startsWith("-") ? red(line) : dim(line);
  });
  return [bold(`changed   ${path}`), ...painted];
}

interface InitKeys {
  readonly made: readonly MadeKeys[];
  /** Why some stacks still have no key. Absent if all have one. */
  readonly missing?: string;
}

/** What `--json` prints. `written` is true if every file is up to date now. */
function reportText(
  answers: Answers,
  report: {
    readonly written: boolean;
    readonly notes: readonly string[];
    readonly files: readonly PlannedFile[];
    readonly refused: readonly string[];
  },
  keys?: InitKeys,
): string {
  const { written, notes, files, refused } = report;
  const json = {
    written,
    notes,
    refused,
    folder: answers.folder,
    stacks: stackPairs(answers).flatMap(({ stage, prod }) => [stage, prod]),
    files: files.map(({ path, kind, text, difference }) => ({ path, kind, change: difference.change, text })),
    keys: keys?.made ?? [],
    next: written ? nextCommands(answers, keys) : [],
  };
  return `${JSON.stringify(json, undefined, 2)}\n`;
}

function initKeysText({ made, missing }: InitKeys): string {
  return [
    ...made.map(
      ({ stack, publicKeyFile = "" }) =>
        `Key pair of ${stack}: ${publicKeyFile} is public, the private key encrypted in its settings.\n`,
    ),
    ...(missing === undefined ? [] : [`No key pair yet, so nothing can be released:\n  ${missing}\n`]),
  ].join("");
}

/** `--no` keeps npx from asking the public registry if the package is not installed. */
function nextCommands(answers: Answers, keys?: InitKeys): string[] {
  const made = keys?.made.map(({ stack }) => stack) ?? [];
  const unsigned =
    keys?.missing === undefined ? [] : stackPairs(answers).filter(({ stage }) => !made.includes(stage));
  return [
    answers.folder === "." ? "npm install" : `cd ${answers.folder} && npm install`,
    ...unsigned.map(({ stage }) => `npx --no slipway keys --stack ${stage}`),
    'git add --all && git commit --message "Release with Slipway"',
    ...stackPairs(answers).map(({ stage }) => `npx --no slipway plan --stack ${stage}`),
  ];
}

function nextText(answers: Answers, colors: Colors, keys: InitKeys): string {
  return [
    "",
    "Next:",
    ...nextCommands(answers, keys).map((command) => `  ${colors.bold(command)}`),
    "",
    "When the plan is right, release it on stage, and then promote it to prod:",
    ...stackPairs(answers).flatMap(({ stage, prod }) => [
      `  ${colors.bold(`npx --no slipway up --stack ${stage}`)}`,
      `  ${colors.bold(`npx --no slipway up --stack ${prod}`)}`,
    ]),
    "",
    "These commands get Pulumi and a builder if they are missing. Stacks that release",
    "to localhost keep their state on this machine. For any other, choose a backend",
    "and create each stack once:",
    `  ${colors.bold("npx --no slipway env -- pulumi login")}`,
    `  ${colors.bold("npx --no slipway env -- pulumi stack init <stack>")}`,
    ...(answers.hosts.length === 0
      ? []
      : [
          "The workflows do the same in CI. There, prod reads what stage released from the",
          "backend in the secret PULUMI_BACKEND_URL.",
        ]),
    ...(answers.sign === "key" && answers.hosts.length > 0
      ? ["They read the signing key with the stack's passphrase, the secret", "PULUMI_CONFIG_PASSPHRASE."]
      : []),
    ...(answers.setup
      ? [
          "To set the repository up on GitHub (environments, tag rules, permissions), with",
          "a token in GH_TOKEN:",
          `  ${colors.bold("npx --no slipway up --stack setup")}`,
        ]
      : []),
    "",
  ].join("\n");
}
