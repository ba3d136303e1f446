import path from "node:path";
import { readRepository } from "../../github/read-repository";
import { runCommand } from "../../inputs/commands";
import { projectFiles } from "../../inputs/project-files";
import { readWorkflowStacks } from "../../inputs/workflow-stacks";
import { ProblemError } from "../../plan/problem";
import { isRecord } from "../../plan/record";
import { assembleSetupPlan, ownershipIn, type SetupOwnership, type SetupPlan } from "../../plan/setup/plan";
import type { Environment } from "../../settings/environment";
import { plainSetupSecrets, readSetup } from "../../settings/read-setup";
import type { StackFile } from "../../settings/stack-file";
import { withWorkflows } from "../../workflows/setup-files";
import { declaredCode } from "./run-program";

export interface PlannedSetup {
  readonly plan: SetupPlan;
  /** Why it is not known what the stack created. Then everything that exists counts as adopted. */
  readonly unknownOwnership?: string;
}

/**
 * The plan of a stack that sets the repository up, as its program makes it. Secrets stay encrypted, since a plan only has
 * their names. The token comes from the environment.
 */
export async function planSetup(input: {
  readonly file: StackFile;
  readonly projectDir: string;
  readonly env: Environment;
}): Promise<PlannedSetup> {
  const { file, env } = input;
  const projectDir = path.resolve(input.projectDir);
  const plain = await plainSetupSecrets({ projectDir, stack: file.stack });
  if (plain.length > 0) throw new ProblemError("The setup's configuration has problems:", plain);
  const codeOf = (stack: StackFile) => declaredCode(projectDir, stack);
  const code = await codeOf(file);
  const { token, ...written } = readSetup({ ...file, code, env, readFile: projectFiles(projectDir) });
  const config = withWorkflows(written, await readWorkflowStacks(projectDir, codeOf));
  // A token in the stack's file cannot be decrypted here.
  const isUsable = token !== undefined && config.tokenFrom !== "slipway:github.token";
  const full = isUsable ? { ...config, token } : config;
  const [live, ownership] = await Promise.all([
    readRepository(full, env),
    readOwnership(projectDir, file.stack, env),
  ]);
  const { previous, unknownOwnership } = ownership;
  return { plan: assembleSetupPlan({ config: full, live, previous }), unknownOwnership };
}

/** What the stack created, by its outputs. A stack that has never run owns nothing. */
async function readOwnership(
  cwd: string,
  stack: string,
  env: Environment,
): Promise<Pick<PlannedSetup, "unknownOwnership"> & { readonly previous?: SetupOwnership }> {
  const args = ["stack", "output", "--json", "--non-interactive", "--stack", stack];
  const answer = await runCommand("pulumi", args, { cwd, env });
  if (answer.code === 0) {
    const outputs: unknown = JSON.parse(answer.stdout || "{}");
    return { previous: ownershipIn(isRecord(outputs) ? outputs.ownership : undefined) };
  }
  if (/no stack named/.test(answer.stderr)) return {};
  if (answer.failure === "not-found") return { unknownOwnership: "pulumi was not found" };
  return { unknownOwnership: answer.stderr.trim().split("\n")[0] ?? "pulumi failed" };
}

/** The output of `slipway plan --json` for a setup: names and actions, no values. */
export function setupPlanJson({ plan, unknownOwnership }: PlannedSetup): string {
  const { config, items, branch, defaultBranch, reviewers, problems } = plan;
  const report = {
    kind: "setup",
    repository: config.repository,
    defaultBranch,
    // null: the pull request with the files is merged.
    filesOn: branch ?? null,
    ownershipKnown: unknownOwnership === undefined,
    items: Object.values(items).map(({ key, action, deletable, note }) => ({ key, action, deletable, note })),
    reviewers,
    problems,
  };
  return `${JSON.stringify(report, undefined, 2)}\n`;
}
