import * as pulumi from "@pulumi/pulumi";
import { plainSetupSecrets } from "../config/plain-secrets";
import { readPulumiSetup } from "../config/pulumi-config";
import { ProblemError } from "../plan/problem";
import { assembleSetupPlan, ownershipIn, type SetupOwnership } from "../plan/setup/plan";
import { setupRefusalText, setupText } from "../report/setup-text";
import { readRepository } from "../source/read-repository";
import { secretSealer } from "../source/sealing-keys";
import { projectFiles } from "../source/services";
import { readWorkflowStacks } from "../source/workflow-stacks";
import { withWorkflows } from "../workflows/setup-files";
import { githubProvider } from "./github-provider";
import { quietDebug } from "./quiet-debug";
import { RepositorySetup } from "./repository-setup";
import { runError } from "./run-error";
import { stackOutput } from "./stack-outputs";

/** The outputs of a stack that sets a repository up. */
export interface SetupOutputs {
  /** `owner/name`. */
  readonly repository: string;
  /** Whose everything is; the next run of the stack reads it. */
  readonly ownership: SetupOwnership;
  /** When this is there, everything is. */
  readonly secrets: pulumi.Output<string[]>;
}

/** A setup stack's program: configuration, what the repository has, plan, resources. @throws pulumi.RunError */
export async function setup(): Promise<SetupOutputs> {
  quietDebug();
  try {
    const written = readPulumiSetup(process.env, projectFiles(process.cwd()));
    const plain = await plainSetupSecrets({ projectDir: process.cwd(), stack: pulumi.getStack() });
    if (plain.length > 0) throw new ProblemError("The setup's configuration has problems:", plain);
    const config = withWorkflows(written, await readWorkflowStacks(process.cwd()));
    const live = await readRepository(config, process.env);
    const previous = ownershipIn(await stackOutput("ownership"));
    const plan = assembleSetupPlan({ config, live, ...(previous === undefined ? {} : { previous }) });
    await pulumi.log.info(setupText(plan));
    if (plan.problems.length > 0) throw runError(setupRefusalText(plan));
    const made = new RepositorySetup(
      "repository",
      { plan, seal: secretSealer(config) },
      { providers: [githubProvider(plan)] },
    );
    return { repository: config.repository, ownership: plan.ownership, secrets: made.secrets };
  } catch (error) {
    if (error instanceof ProblemError) throw runError(error.message);
    throw error;
  }
}
