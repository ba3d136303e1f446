import * as github from "@pulumi/github";
import * as pulumi from "@pulumi/pulumi";
import { type SealSecret, secretSealer } from "../src/github/seal-secret";
import { itemKeys, tagRef } from "../src/plan/setup/items";
import type { SetupOwnership, SetupPlan } from "../src/plan/setup/plan";
import type { ReleaseArgs, RepositorySetupArgs } from "./args";
import { type Declared, declare } from "./declare-setup";
import { withGithubProvider } from "./github-provider";
import { setupOfProgram } from "./planned-setup";
import { RepositoryEnvironment } from "./repository-environment";
import { RepositoryFiles } from "./repository-files";

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
  static plan(args: RepositorySetupArgs = {}, release: ReleaseArgs = {}): Promise<SetupPlan> {
    return setupOfProgram(args, release);
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
    const context: Declared = { plan, name, parent: this };
    const secrets = Object.entries(config.secrets).map(([secret, value]) => {
      const sealed = pulumi.output(seal({ name: secret }, value));
      new github.ActionsSecret(
        `${name}-secret-${secret}`,
        { repository, secretName: secret, keyId: sealed.keyId, valueEncrypted: sealed.box },
        declare(context, itemKeys.secret(secret)),
      );
      return secret;
    });
    for (const [variable, value] of Object.entries(config.variables)) {
      new github.ActionsVariable(
        `${name}-variable-${variable}`,
        { repository, variableName: variable, value },
        declare(context, itemKeys.variable(variable)),
      );
    }
    const environments = Object.keys(config.environments).map(
      (environment) =>
        new RepositoryEnvironment(`${name}-${environment}`, { plan, environment, seal }, { parent: this }),
    );
    if (config.tagRules !== undefined) this.tagRules(context, config.tagRules);
    if (config.permissions !== undefined) this.permissions(context, config.permissions);
    for (const label of config.labels) {
      new github.IssueLabel(
        `${name}-label-${label.name}`,
        { repository, ...label, color: label.color.toLowerCase() },
        declare(context, itemKeys.label(label.name)),
      );
    }
    const files = new RepositoryFiles(`${name}-files`, { plan }, { parent: this });
    this.commits = files.commits;
    this.secrets = pulumi.output([...secrets, ...environments.flatMap((one) => one.secretNames)]);
    this.outputs = { repository: config.repository, ownership: plan.ownership, secrets: this.secrets };
    this.registerOutputs({ ...this.outputs, commits: this.commits });
  }

  /** A matching git tag can be created, but not moved or deleted. */
  private tagRules(context: Declared, rules: NonNullable<SetupPlan["config"]["tagRules"]>): void {
    new github.RepositoryRuleset(
      `${context.name}-tag-rules`,
      {
        repository: context.plan.repository,
        name: rules.name,
        target: "tag",
        enforcement: "active",
        conditions: { refName: { includes: rules.patterns.map(tagRef), excludes: [] } },
        rules: { update: true, deletion: true },
      },
      declare(context, itemKeys.tagRules()),
    );
  }

  /** A destroyed stack keeps these, since GitHub's defaults are lax. */
  private permissions(context: Declared, permissions: NonNullable<SetupPlan["config"]["permissions"]>): void {
    const { repository } = context.plan;
    new github.ActionsRepositoryPermissions(
      `${context.name}-actions-permissions`,
      {
        repository,
        enabled: true,
        allowedActions: permissions.allowed,
        shaPinningRequired: permissions.shaPinning,
        ...(permissions.allowed === "selected"
          ? {
              allowedActionsConfig: {
                githubOwnedAllowed: true,
                verifiedAllowed: false,
                patternsAlloweds: [...permissions.patterns],
              },
            }
          : {}),
      },
      declare(context, itemKeys.permissions()),
    );
    new github.WorkflowRepositoryPermissions(
      `${context.name}-workflow-permissions`,
      {
        repository,
        defaultWorkflowPermissions: permissions.workflowToken,
        canApprovePullRequestReviews: false,
      },
      declare(context, itemKeys.permissions()),
    );
  }
}
