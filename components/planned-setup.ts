import * as pulumi from "@pulumi/pulumi";
import { readRepository } from "../src/github/read-repository";
import { programHost } from "../src/inputs/program-host";
import { projectFiles } from "../src/inputs/project-files";
import { readWorkflowStacks } from "../src/inputs/workflow-stacks";
import { ProblemError } from "../src/plan/problem";
import { isRecord } from "../src/plan/record";
import { assembleSetupPlan, ownershipIn, type SetupPlan } from "../src/plan/setup/plan";
import { setupRefusalText, setupText } from "../src/report/plan-text";
import { readPulumiSetup } from "../src/settings/pulumi-config";
import { plainSetupSecrets } from "../src/settings/read-setup";
import { withWorkflows } from "../src/workflows/setup-files";
import type { ReleaseArgs, RepositorySetupArgs } from "./args";
import { quietDebug } from "./quiet-debug";
import { resolveArgs } from "./resolve-args";
import { planError, runError } from "./run-error";
import { resourceOutputs } from "./stack-manifest";

/**
 * Reads arguments, the stack's settings and the repository, and plans its setup. It registers and writes nothing.
 *
 * @throws pulumi.RunError with every problem
 */
export async function setupOfProgram(args: RepositorySetupArgs, release: ReleaseArgs): Promise<SetupPlan> {
  quietDebug();
  try {
    const code = { github: await resolveArgs("RepositorySetup.plan", args, ["github"]) };
    const host = programHost();
    if (host !== undefined) return await host.planSetup(code);
    const projectDir = process.cwd();
    const written = readPulumiSetup(process.env, projectFiles(projectDir), code);
    const plain = await plainSetupSecrets({ projectDir, stack: pulumi.getStack() });
    if (plain.length > 0) throw new ProblemError("The setup's configuration has problems:", plain);
    const released = await resolveArgs("RepositorySetup.plan", release);
    const stacks = await readWorkflowStacks(projectDir, async () => released);
    const config = withWorkflows(written, stacks);
    const live = await readRepository(config, process.env);
    const previous = await previousOwnership(config.repository);
    const plan = assembleSetupPlan({ config, live, ...(previous === undefined ? {} : { previous }) });
    await pulumi.log.info(setupText(plan));
    if (plan.problems.length > 0) throw runError(setupRefusalText(plan));
    return plan;
  } catch (error) {
    throw planError(error);
  }
}

/** What this stack's last run made in the repository. The setup's outputs may be all of the program's, or one of them. */
async function previousOwnership(repository: string): Promise<ReturnType<typeof ownershipIn>> {
  const setups = (await resourceOutputs())
    .flatMap((outputs) => [outputs, ...Object.values(outputs)])
    .filter(isRecord);
  return ownershipIn(
    setups.find((setup) => setup.repository === repository && "ownership" in setup)?.ownership,
  );
}
