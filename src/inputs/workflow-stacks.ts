import type { WorkflowStack } from "../plan/config";
import { ProblemError } from "../plan/problem";
import { isRecord } from "../plan/record";
import type { Code } from "../release/program-host";
import { readConfig } from "../settings/read";
import { isSetupStack, listStackFiles, readStackFile, type StackFile } from "../settings/stack-file";
import { readCheckoutNeeds } from "./checkout";
import { projectFiles } from "./project-files";

/**
 * The stacks of a project whose settings have `github.workflows`, sorted by name. The environment is ignored, so that
 * the same files give the same workflows on every machine.
 *
 * @throws ProblemError with every problem of every such stack
 */
export async function readWorkflowStacks(
  projectDir: string,
  codeOf: (file: StackFile) => Promise<Code> = async () => ({}),
): Promise<WorkflowStack[]> {
  const files = await listStackFiles(projectDir);
  const checkout = await readCheckoutNeeds(projectDir);
  const found: WorkflowStack[] = [];
  const problems: ProblemError[] = [];
  for (const { stack, file } of files) {
    try {
      const read = await readStackFile({ projectDir, stack });
      if (isSetupStack(read.written)) continue;
      const code = await codeOf(read);
      if (!asksForWorkflows(read.written) && !asksForWorkflows(code)) continue;
      const config = readConfig({ ...read, code, env: {}, readFile: projectFiles(projectDir) });
      const workflows = config.github?.workflows;
      if (workflows !== undefined) found.push({ stack, config, workflows, configFile: file, checkout });
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      problems.push(error);
    }
  }
  const [first, ...more] = problems;
  if (first === undefined) return found;
  if (more.length === 0) throw first;
  throw new ProblemError(
    "The stacks' configurations have problems:",
    problems.flatMap((error) => error.problems),
  );
}

function asksForWorkflows({ github }: Readonly<Record<string, unknown>>): boolean {
  return isRecord(github) && github.workflows !== undefined;
}
