import * as github from "@pulumi/github";
import * as pulumi from "@pulumi/pulumi";
import { readRepository } from "../src/github/read-repository";
import { type SealSecret, secretSealer } from "../src/github/seal-secret";
import { projectFiles } from "../src/inputs/project-files";
import { readWorkflowStacks } from "../src/inputs/workflow-stacks";
import { ProblemError } from "../src/plan/problem";
import { isRecord } from "../src/plan/record";
import { itemKeys, tagRef } from "../src/plan/setup/items";
import { assembleSetupPlan, ownershipIn, type SetupOwnership, type SetupPlan } from "../src/plan/setup/plan";
import { programHost } from "../src/release/program-host";
import { setupRefusalText, setupText } from "../src/report/plan-text";
import { readPulumiSetup } from "../src/settings/pulumi-config";
import { plainSetupSecrets } from "../src/settings/read-setup";
import { withWorkflows } from "../src/workflows/setup-files";
import type { ReleaseArgs, RepositorySetupArgs } from "./args";
import { planError, quietDebug, resourceOutputs, runError } from "./engine";
import { itemOptions, RepositoryEnvironment, RepositoryFiles } from "./repository-parts";
import { resolveArgs } from "./settings";

/** The outputs of a setup's stack. Its next run reads `ownership`. */
export interface RepositorySetupOutputs {
  /** `owner/name`. */
  readonly repository: string;
  /** What the stack made, and may delete; and what was there before, which it never deletes. */
  readonly ownership: SetupOwnership;
  /** Names of the Actions secrets, of the repository and of its environments (`prod/TOKEN`). */
  readonly secrets: pulumi.Output<string[]>;
}

/**
 * What a release needs in a GitHub repository: secrets, variables, environments, tag rules, permissions of Actions,
 * labels, files. A part that is not configured is left alone. What was there before is updated, and never deleted.
 *
 * @example
 * const plan = await RepositorySetup.plan({ repository: "octo/app", environments: { prod: {} }, tagRules: true });
 * const setup = new RepositorySetup("repository", plan);
 */
export class RepositorySetup extends pulumi.ComponentResource {
  /** Names of the Actions secrets, of the repository and of its environments (`prod/TOKEN`). */
  public readonly secrets: pulumi.Output<string[]>;
  /** Path of each file -> the commit that wrote it last. */
  public readonly commits: pulumi.Output<Record<string, string>>;
  /** Return these from the program: the next run reads `ownership`. */
  public readonly outputs: RepositorySetupOutputs;

  /**
   * Reads what the repository has, and plans its setup: an ordinary awaited call, before any resource exists. The
   * stack's settings (`slipway:github`) win over these arguments. Secrets may be outputs.
   *
   * @param release what the project's other stacks release, from which the workflow files and the refs that may deploy
   *   are derived. @default what their settings say
   * @throws pulumi.RunError with every problem at once; nothing was registered or written
   */
  static async plan(args: RepositorySetupArgs = {}, release: ReleaseArgs = {}): Promise<SetupPlan> {
    quietDebug();
    try {
      return await planSetup(args, release);
    } catch (error) {
      throw planError(error);
    }
  }

  /** @param seal seals secrets for GitHub. @default with the repository's own public keys */
  constructor(
    name: string,
    plan: SetupPlan,
    opts?: pulumi.ComponentResourceOptions,
    seal: SealSecret = secretSealer(plan.config),
  ) {
    if (plan instanceof Promise)
      throw new Error(`RepositorySetup "${name}": await RepositorySetup.plan(…) first`);
    super("slipway:index:RepositorySetup", name, {}, withGithubProvider(name, plan, opts));
    const { config, repository } = plan;
    const secrets = Object.entries(config.secrets).map(([secret, value]) => {
      const sealed = pulumi.output(seal({ name: secret }, value));
      new github.ActionsSecret(
        `${name}-secret-${secret}`,
        { repository, secretName: secret, keyId: sealed.keyId, valueEncrypted: sealed.box },
        itemOptions(plan, itemKeys.secret(secret), this),
      );
      return secret;
    });
    for (const [variable, value] of Object.entries(config.variables)) {
      new github.ActionsVariable(
        `${name}-variable-${variable}`,
        { repository, variableName: variable, value },
        itemOptions(plan, itemKeys.variable(variable), this),
      );
    }
    const environments = Object.keys(config.environments).map(
      (environment) =>
        new RepositoryEnvironment(`${name}-${environment}`, { plan, environment, seal }, { parent: this }),
    );
    this.tagRules(name, plan);
    this.permissions(name, plan);
    for (const label of config.labels) {
      new github.IssueLabel(
        `${name}-label-${label.name}`,
        { repository, ...label, color: label.color.toLowerCase() },
        itemOptions(plan, itemKeys.label(label.name), this),
      );
    }
    const files = new RepositoryFiles(`${name}-files`, plan, { parent: this });
    this.commits = files.commits;
    this.secrets = pulumi.output([...secrets, ...environments.flatMap((one) => one.secretNames)]);
    this.outputs = { repository: config.repository, ownership: plan.ownership, secrets: this.secrets };
    this.registerOutputs({ ...this.outputs, commits: this.commits });
  }

  /** A matching git tag can be created, but not moved or deleted. */
  private tagRules(name: string, plan: SetupPlan): void {
    const { tagRules } = plan.config;
    if (tagRules === undefined) return;
    new github.RepositoryRuleset(
      `${name}-tag-rules`,
      {
        repository: plan.repository,
        name: tagRules.name,
        target: "tag",
        enforcement: "active",
        conditions: { refName: { includes: tagRules.patterns.map(tagRef), excludes: [] } },
        rules: { update: true, deletion: true },
      },
      itemOptions(plan, itemKeys.tagRules(), this),
    );
  }

  /** A destroyed stack keeps these, since GitHub's defaults are lax. */
  private permissions(name: string, plan: SetupPlan): void {
    const { permissions } = plan.config;
    if (permissions === undefined) return;
    const { repository } = plan;
    new github.ActionsRepositoryPermissions(
      `${name}-actions-permissions`,
      {
        repository,
        enabled: true,
        allowedActions: permissions.allowed,
        shaPinningRequired: permissions.shaPinning,
        allowedActionsConfig:
          permissions.allowed === "selected"
            ? {
                githubOwnedAllowed: true,
                verifiedAllowed: false,
                patternsAlloweds: [...permissions.patterns],
              }
            : undefined,
      },
      itemOptions(plan, itemKeys.permissions(), this),
    );
    new github.WorkflowRepositoryPermissions(
      `${name}-workflow-permissions`,
      {
        repository,
        defaultWorkflowPermissions: permissions.workflowToken,
        canApprovePullRequestReviews: false,
      },
      itemOptions(plan, itemKeys.permissions(), this),
    );
  }
}

/** @throws ProblemError or pulumi.RunError with every problem */
async function planSetup(args: RepositorySetupArgs, release: ReleaseArgs): Promise<SetupPlan> {
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
  const plan = assembleSetupPlan({ config, live, previous });
  await pulumi.log.info(setupText(plan));
  if (plan.problems.length > 0) throw runError(setupRefusalText(plan));
  return plan;
}

/** What this stack's last run made in the repository. A program may return the setup's outputs as its own, or as one. */
async function previousOwnership(repository: string): Promise<SetupOwnership | undefined> {
  const setups = (await resourceOutputs())
    .flatMap((outputs) => [outputs, ...Object.values(outputs)])
    .filter(isRecord);
  return ownershipIn(
    setups.find((setup) => setup.repository === repository && "ownership" in setup)?.ownership,
  );
}

/** Adds a GitHub provider to a setup's options, unless they name one. */
function withGithubProvider(
  name: string,
  plan: SetupPlan,
  opts: pulumi.ComponentResourceOptions = {},
): pulumi.ComponentResourceOptions {
  const { providers = [], provider } = opts;
  const given = Array.isArray(providers) ? providers : Object.values(providers);
  const all = provider === undefined ? given : [...given, provider];
  if (all.some((one) => github.Provider.isInstance(one))) return opts;
  return { ...opts, providers: [...all, githubProvider(`${name}-github`, plan, opts.parent)] };
}

/** The provider itself reads only GITHUB_TOKEN. GH_TOKEN wins, as it does when the repository is read. */
const TOKEN_VARIABLES = { GH_TOKEN: "GITHUB_TOKEN" };

/**
 * A token from the environment is not an input: the provider's process reads the environment itself. So the token is in
 * no state and no log, and a rotated one works at once, also for `destroy`. A token from the stack's secret
 * configuration can only be an input.
 */
function githubProvider(
  name: string,
  { config, owner }: SetupPlan,
  parent: pulumi.Resource | undefined,
): github.Provider {
  const { baseUrl, token, tokenFrom, writeDelayMs } = config;
  const isOfStack = tokenFrom === undefined || tokenFrom.includes(":");
  return new github.Provider(
    name,
    {
      owner,
      baseUrl,
      writeDelayMs,
      token: isOfStack && token !== undefined ? pulumi.secret(token.reveal()) : undefined,
    },
    {
      parent,
      aliases: [{ name: "github", parent: pulumi.rootStackResource }],
      envVarMappings: TOKEN_VARIABLES,
      // The SDK would read the token from the environment and make it a plain input.
      transformations: isOfStack
        ? []
        : [({ props, opts }) => ({ props: { ...props, token: undefined }, opts })],
    },
  );
}
