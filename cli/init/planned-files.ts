import path from "node:path";
import { readConfig } from "../../config/read";
import { readSetup } from "../../config/read-setup";
import { ProblemError } from "../../plan/problem";
import { isInside, projectFiles } from "../../source/project-files";
import type { StackWithWorkflows } from "../../source/workflow-stacks";
import { compareFile, type FileDifference, workflowFiles } from "../../workflows/generate";
import { foundText, type ProjectFile } from "../repository-files";
import { UsageError } from "../terminal";
import { additions } from "./additions";
import { existingProgram } from "./default-answers";
import type { RepositoryFacts } from "./facts";
import { programText, releaseArgs } from "./program";
import type { Answers } from "./shape";
import { pulumiYaml, sharedSettings, stackSettings, stackYaml } from "./stacks";

export interface PlannedFile extends ProjectFile {
  readonly difference: FileDifference;
  /** `own`: Slipway's as a whole. `person`: lines are added to what is there. */
  readonly kind: "own" | "person";
}

const TSCONFIG = {
  compilerOptions: {
    target: "es2022",
    module: "node16",
    moduleResolution: "node16",
    strict: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: true,
    noEmit: true,
    types: ["node"],
  },
  files: ["index.ts"],
};

/**
 * Every file for the answers, compared with what is there. Existing files of the project belong to the user and stay as
 * they are. The settings are checked as `slipway plan` does.
 */
export async function plannedFiles(
  root: string,
  answers: Answers,
  facts: RepositoryFacts,
): Promise<PlannedFile[]> {
  const stacks = checkedStacks(root, answers);
  const isThere = existingProgram(facts, answers.folder) !== undefined;
  const own: ProjectFile[] = [
    { path: "Pulumi.yaml", text: pulumiYaml(answers) },
    ...stackSettings(answers).map((stack) => ({
      path: `Pulumi.${stack.stack}.yaml`,
      text: stackYaml(stack),
    })),
    { path: "index.ts", text: programText(answers) },
    { path: "tsconfig.json", text: `${JSON.stringify(TSCONFIG, undefined, 2)}\n` },
  ].map((file) => ({ ...file, path: path.posix.join(answers.folder, file.path) }));
  // In an existing project, `slipway workflows` writes them.
  const workflows = isThere ? [] : workflowFiles(stacks);
  const planned = async (
    kind: PlannedFile["kind"],
    { path: file, text }: ProjectFile,
  ): Promise<PlannedFile> => {
    if (!isInside(root, path.resolve(root, file)))
      throw new UsageError(`${file} is outside of the repository.`);
    const found = await foundText(root, file);
    const wanted = kind === "own" && isThere ? (found ?? text) : text;
    return { path: file, text: wanted, kind, difference: compareFile({ path: file, wanted, found }) };
  };
  const files = await Promise.all([
    ...[...own, ...workflows].map((file) => planned("own", file)),
    ...additions(answers, facts).map((file) => planned("person", file)),
  ]);
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Checks the settings of every stack. @returns the stacks with workflows */
function checkedStacks(root: string, answers: Answers): StackWithWorkflows[] {
  const readRootFile = projectFiles(root);
  const common = { env: {}, secretKeys: [], readFile: (file: string) => readRootFile(file, ".") };
  const code = releaseArgs(answers);
  return stackSettings(answers).flatMap(({ stack, settings }) => {
    const { promote, ...others } = settings;
    // Without the gate: its key is made after the files are written.
    const gateless = promote === undefined ? {} : { promote: { ...Object(promote), verify: undefined } };
    const written = { ...sharedSettings(answers), ...others, ...gateless };
    try {
      if (stack === "setup") {
        readSetup({ ...common, written });
        return [];
      }
      const config = readConfig({ ...common, written, code });
      const workflows = config.github?.workflows;
      return workflows === undefined
        ? []
        : [{ stack, config, workflows, configFile: `Pulumi.${stack}.yaml` }];
    } catch (error) {
      if (error instanceof ProblemError) throw new UsageError(`${stack}: ${error.message}`);
      throw error;
    }
  });
}
