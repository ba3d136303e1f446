import type { MadeKeys } from "../keys";
import type { Colors } from "../terminal";
import type { PlannedFile } from "./planned-files";
import { type Answers, stackPairs } from "./shape";

/** The differences to what is there, with the whole text of new files and the names of unchanged ones. */
export function differencesText(files: readonly PlannedFile[], colors: Colors): string {
  return files
    .map((file) =>
      differenceText(file, colors)
        .map((line) => `${line}\n`)
        .join(""),
    )
    .join("");
}

function differenceText({ path, text, difference }: PlannedFile, colors: Colors): string[] {
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

export interface InitKeys {
  readonly made: readonly MadeKeys[];
  /** Why some stacks still have no key; absent if all have one. */
  readonly missing?: string;
}

/** What `--json` prints. `written`: whether the files are as they should be now, written or there already. */
export function reportText(
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

export function initKeysText({ made, missing }: InitKeys): string {
  return [
    ...made.map(
      ({ stack, publicKeyFile = "" }) =>
        `Key pair of ${stack}: ${publicKeyFile} is public, the private key encrypted in its settings.\n`,
    ),
    ...(missing === undefined ? [] : [`No key pair yet, so nothing can be released:\n  ${missing}\n`]),
  ].join("");
}

/** The next commands. `--no` keeps npx from asking the public registry if the package is not installed. */
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

export function nextText(answers: Answers, colors: Colors, keys: InitKeys): string {
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
