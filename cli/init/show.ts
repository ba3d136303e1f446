import type { Colors } from "../dispatch/colors";
import type { PlannedFile } from "./planned-files";
import { type Answers, hasSetup, stackNames } from "./shape";

/** What would be written, as differences: whole for a new file. Unchanged files are named alone. */
export function differencesText(files: readonly PlannedFile[], colors: Colors): string {
  return files.map((file) => differenceText(file, colors)).join("");
}

function differenceText({ path, text, difference }: PlannedFile, colors: Colors): string {
  switch (difference.change) {
    case "unchanged":
      return colors.dim(`unchanged ${path}\n`);
    case "created":
      return `${colors.bold(`new       ${path}`)}\n${lines(text, (line) => colors.green(`+${line}`))}`;
    case "changed":
      return `${colors.bold(`changed   ${path}`)}\n${lines(difference.diff.join("\n"), (line) => painted(line, colors))}`;
  }
}

function lines(text: string, paint: (line: string) => string): string {
  return text
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => `${paint(line)}\n`)
    .join("");
}

function painted(line: string, colors: Colors): string {
  if (line.startsWith("+")) return colors.green(line);
  return line.startsWith("-") ? colors.red(line) : colors.dim(line);
}

/** The next three commands, and what comes after them. */
function nextCommands(answers: Answers): string[] {
  const [first = answers.stack, ...others] = stackNames(answers);
  return [
    answers.folder === "." ? "npm install" : `cd ${answers.folder} && npm install`,
    'git add --all && git commit --message "Release with Slipway"',
    `npm run image:plan${others.length === 0 ? "" : `:${first}`}`,
  ];
}

export function nextText(answers: Answers, colors: Colors): string {
  const [first = "", ...others] = stackNames(answers);
  const release = `npm run image:release${others.length === 0 ? "" : `:${first}`}`;
  return [
    "",
    "Next:",
    ...nextCommands(answers).map((command) => `  ${colors.bold(command)}`),
    "",
    `When the plan is right, ${release} carries it out; it needs the Pulumi CLI, a backend (pulumi login --local will do)`,
    `and a builder (Docker with buildx).${answers.hosts.length === 0 ? "" : " The workflows do the same in CI."}`,
    ...(hasSetup(answers)
      ? [
          "npm run image:setup sets the repository up on GitHub: environments, tag rules, permissions. It takes GH_TOKEN.",
        ]
      : []),
    "",
  ].join("\n");
}
