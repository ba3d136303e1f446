import type { SetupConfig, SetupFile } from "../plan/setup/config";
import { readWorkflowStacks } from "../source/workflow-stacks";
import { workflowFiles } from "../workflows/generate";
import { secretUses } from "../workflows/secrets-used";

/**
 * A setup with the workflow files that the project's stacks ask for. A file that the setup names itself is its own.
 *
 * @throws ProblemError with every problem of the stacks' settings
 */
export async function withWorkflowFiles(config: SetupConfig, projectDir: string): Promise<SetupConfig> {
  if (!config.workflowFiles) return config;
  const named = new Set(config.files.map(({ path }) => path));
  const made = workflowFiles(await readWorkflowStacks(projectDir)).flatMap((file): SetupFile[] =>
    file.host === "github" && !named.has(file.path)
      ? [{ path: file.path, content: file.text, uses: secretUses([file.workflow]) }]
      : [],
  );
  return { ...config, files: [...config.files, ...made] };
}
