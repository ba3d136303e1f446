import { readFile } from "node:fs/promises";
import path from "node:path";
import { readConfig } from "../../config/read";
import { readSetup } from "../../config/read-setup";
import { ProblemError } from "../../plan/problem";
import { isInside, realPath } from "../../source/inside";
import { projectFiles } from "../../source/services";
import type { StackWithWorkflows } from "../../source/workflow-stacks";
import { compareFile, type FileDifference } from "../../workflows/compare";
import { workflowFiles } from "../../workflows/generate";
import { additions, type ProjectFile } from "./additions";
import { existingProgram } from "./default-answers";
import type { RepositoryFacts } from "./facts";
import { programText, releaseArgs } from "./program";
import type { Answers } from "./shape";
import { UsageError } from "./shape";
import { pulumiYaml, sharedSettings, stackSettings, stackYaml } from "./stacks";

/** A file as it would be written. */
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
 *
 * @throws UsageError for answers that the settings' rules refuse; Error for a file that leads out of the repository
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
  const workflows = isThere
    ? []
    : workflowFiles(stacks).map(({ path: file, text }) => ({ path: file, text }));
  const whole = await Promise.all(
    [...own, ...workflows].map(async ({ path: file, text }) => {
      const found = await foundText(root, file);
      return planned("own", file, isThere ? (found ?? text) : text, found);
    }),
  );
  const added = await Promise.all(
    additions(answers, facts).map(async (file) =>
      planned("person", file.path, file.text, await foundText(root, file.path)),
    ),
  );
  return [...whole, ...added].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function planned(
  kind: PlannedFile["kind"],
  file: string,
  wanted: string,
  found: string | undefined,
): PlannedFile {
  const difference = compareFile({ path: file, wanted, ...(found === undefined ? {} : { found }) });
  return { path: file, text: wanted, kind, difference };
}

/** Checks the settings of every stack. @returns the stacks with workflows */
function checkedStacks(root: string, answers: Answers): StackWithWorkflows[] {
  const readRootFile = projectFiles(root);
  const common = { env: {}, secretKeys: [], readFile: (file: string) => readRootFile(file, ".") };
  const code = releaseArgs(answers);
  return stackSettings(answers).flatMap(({ stack, settings }) => {
    const { promote, ...others } = settings;
    // Without the gate: its key is made after the files are written.
    const written = {
      ...sharedSettings(answers),
      ...others,
      ...(promote === undefined ? {} : { promote: gateless(promote) }),
    };
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

function gateless(promote: unknown): Record<string, unknown> {
  return { ...Object(promote), verify: undefined };
}

/** @throws Error for a path, or a folder of it, that leads out of the repository */
async function foundText(root: string, file: string): Promise<string | undefined> {
  const full = path.resolve(root, file);
  const realRoot = (await realPath(root)) ?? root;
  for (let folder = full; folder !== root && isInside(root, folder); folder = path.dirname(folder)) {
    const real = await realPath(folder);
    if (real === undefined) continue;
    if (!isInside(realRoot, real)) throw new Error(`${file} leads out of the repository, to ${real}.`);
    break;
  }
  if (!isInside(root, full)) throw new UsageError(`${file} is outside of the repository.`);
  return readFile(full, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw error;
  });
}
