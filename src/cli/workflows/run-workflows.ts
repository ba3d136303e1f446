import path from "node:path";
import { readWorkflowStacks } from "../../inputs/workflow-stacks";
import type { WorkflowStack } from "../../plan/config";
import { writeWholeFile } from "../../report/manifest-file";
import { compareFile, type FileDifference, type WorkflowFile, workflowFiles } from "../../workflows/generate";
import type { WorkflowsOptions } from "../commands/workflows";
import { declaredCode } from "../plan/run-program";
import { foundText } from "../repository-files";

/** Writes the workflow files of a project's stacks, or prints or checks them. @returns the exit code */
export async function runWorkflows(options: WorkflowsOptions): Promise<number> {
  const projectDir = path.resolve(options.cwd);
  const stacks = await readWorkflowStacks(projectDir, (file) => declaredCode(projectDir, file));
  requireStack(options.stack, stacks);
  const files = workflowFiles(stacks).filter(
    ({ stacks: names }) => options.stack === undefined || names.includes(options.stack),
  );
  if (options.print === true) {
    print(files, options);
    return 0;
  }
  const root = repositoryRoot(projectDir, stacks);
  const compared = await Promise.all(
    files.map(async (file) => {
      const found = await foundText(root, file.path);
      return { file, difference: compareFile(file.path, file.text, found) };
    }),
  );
  if (options.check !== true) {
    for (const { file, difference } of compared) {
      if (difference.change !== "unchanged") await writeWholeFile(path.join(root, file.path), file.text);
    }
  }
  const differences = compared.map(({ difference }) => difference);
  const isRefused = options.check === true && differences.some(({ change }) => change !== "unchanged");
  report(differences, options);
  if (isRefused && options.json !== true)
    process.stderr.write("Run `npx --no slipway workflows` and commit what it writes.\n");
  return isRefused ? 1 : 0;
}

function requireStack(asked: string | undefined, stacks: readonly WorkflowStack[]): void {
  const names = stacks.map(({ stack }) => stack);
  if (names.length === 0) {
    throw new Error(
      "No stack has workflows. Set slipway:github in a stack's file, e.g. " +
        "{ workflows: { release: {}, preview: {} } }.",
    );
  }
  if (asked === undefined || names.includes(asked)) return;
  throw new Error(
    `The stack ${asked} has no workflows; ${names.join(", ")} ${names.length === 1 ? "has" : "have"} some.`,
  );
}

function print(files: readonly WorkflowFile[], { json }: WorkflowsOptions): void {
  const rows = files.map(({ path: file, stacks, text }) => ({ path: file, stacks, text }));
  process.stdout.write(
    json === true
      ? `${JSON.stringify({ files: rows }, undefined, 2)}\n`
      : rows.map(({ path: file, text }) => `# --- ${file}\n${text}`).join("\n"),
  );
}

/** Workflow files are in the repository's root. `directory` is the project's path from there. */
function repositoryRoot(projectDir: string, stacks: readonly WorkflowStack[]): string {
  const [directory = ".", ...others] = [...new Set(stacks.map(({ workflows }) => workflows.directory))];
  if (others.length > 0) {
    throw new Error(
      `github.workflows.directory is ${[directory, ...others].join(" and ")}, but a project has one folder. ` +
        "Set it in Pulumi.yaml for all stacks.",
    );
  }
  if (directory === ".") return projectDir;
  const root = path.resolve(projectDir, ...directory.split("/").map(() => ".."));
  if (path.join(root, directory) === projectDir) return root;
  throw new Error(
    `github.workflows.directory is ${directory}, but the project is in ${path.basename(projectDir)}: ` +
      "it is the project's folder, from the repository's root.",
  );
}

function report(differences: readonly FileDifference[], { check, json }: WorkflowsOptions): void {
  if (json === true) {
    process.stdout.write(`${JSON.stringify({ files: differences }, undefined, 2)}\n`);
    return;
  }
  for (const { path: file, change, line, diff } of differences) {
    const isWrong = check === true && change !== "unchanged";
    const what =
      check === true ? { created: "missing", changed: "differs", unchanged: "unchanged" }[change] : change;
    const where = isWrong && line !== undefined ? `${file}:${line}` : file;
    (isWrong ? process.stderr : process.stdout).write(`${what.padEnd(9)} ${where}\n`);
    if (isWrong) process.stderr.write(diff.map((row) => `  ${row}\n`).join(""));
  }
}
