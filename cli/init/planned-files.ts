import { readFile } from "node:fs/promises";
import path from "node:path";
import { readConfig } from "../../config/read";
import { isSetupStack, readSetup } from "../../config/read-setup";
import { sameSettings, withEngineKeys } from "../../config/same-settings";
import { markEncrypted } from "../../config/stack-file";
import { ProblemError } from "../../plan/problem";
import { isRecord } from "../../plan/record";
import { isInside, realPath } from "../../source/inside";
import { projectFiles } from "../../source/services";
import type { StackWithWorkflows } from "../../source/workflow-stacks";
import { compareFile, type FileDifference } from "../../workflows/compare";
import { workflowFiles } from "../../workflows/generate";
import { additions } from "./additions";
import type { RepositoryFacts } from "./facts";
import { UsageError } from "./flags";
import { type ProjectFile, renderProject } from "./render-project";
import { projectSettings } from "./settings";
import type { Answers } from "./shape";

/** A file as it would be written. */
export interface PlannedFile extends ProjectFile {
  readonly difference: FileDifference;
  /** `own`: Slipway's as a whole. `person`: lines are added to what is there. */
  readonly kind: "own" | "person";
}

/**
 * Every file that the answers come to, compared with what is there; the settings are checked as `slipway plan` does.
 *
 * @throws UsageError for answers that the settings' rules refuse; Error for a file that leads out of the repository
 */
export async function plannedFiles(
  root: string,
  answers: Answers,
  facts: RepositoryFacts,
): Promise<PlannedFile[]> {
  const stacks = checkedStacks(root, answers);
  const workflows = stacks.length === 0 ? [] : workflowFiles(stacks);
  const own = [...renderProject(answers), ...workflows.map(({ path: file, text }) => ({ path: file, text }))];
  const added = additions(answers, facts);
  const all = [
    ...own.map((file) => ({ ...file, kind: "own" as const })),
    ...added.map((file) => ({ ...file, kind: "person" as const })),
  ];
  const planned = await Promise.all(
    all.map(async ({ kind, path: file, text }) => {
      const found = await foundText(root, file);
      const wanted =
        found === undefined || !isStackFile(file)
          ? text
          : sameSettings(text, found)
            ? found
            : withEngineKeys(text, found);
      const difference = compareFile({ path: file, wanted, ...(found === undefined ? {} : { found }) });
      return { path: file, text: difference.change === "unchanged" ? text : wanted, kind, difference };
    }),
  );
  return planned.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** `pulumi stack init` writes a salt and its own spelling into one, and neither is a difference. */
function isStackFile(file: string): boolean {
  return /^Pulumi\.[^/]+\.yaml$/.test(path.basename(file));
}

/** The stacks with workflows; every stack's settings are read by their own rules. */
function checkedStacks(root: string, answers: Answers): StackWithWorkflows[] {
  const { shared, stacks } = projectSettings(answers);
  return stacks.flatMap(({ stack, settings }) => {
    const parsed: unknown = JSON.parse(JSON.stringify({ ...shared, ...settings }));
    try {
      const readRootFile = projectFiles(root);
      const marked = markEncrypted(parsed);
      const written = isRecord(marked) ? marked : {};
      const readFile = (file: string) => readRootFile(file, ".");
      const input = { written, env: {}, secretKeys: [], readFile };
      if (isSetupStack(written)) {
        readSetup(input);
        return [];
      }
      const config = readConfig(input);
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
