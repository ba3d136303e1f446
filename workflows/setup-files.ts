import type { SetupConfig, SetupFile } from "../plan/setup/config";
import { workflowFiles } from "./generate";
import { secretUses } from "./secrets-used";
import type { WorkflowStack } from "./stack";

/**
 * A setup with the workflow files that the project's stacks ask for. A file that the setup names itself is its own.
 *
 * @throws ProblemError with what speaks against the files
 */
export function withWorkflowFiles(config: SetupConfig, stacks: readonly WorkflowStack[]): SetupConfig {
  const named = new Set(config.files.map(({ path }) => path));
  const made = workflowFiles(stacks).flatMap((file): SetupFile[] =>
    file.host === "github" && !named.has(file.path)
      ? [{ path: file.path, content: file.text, uses: secretUses([file.workflow]) }]
      : [],
  );
  return { ...config, files: [...config.files, ...made] };
}
