import * as github from "@pulumi/github";
import * as pulumi from "@pulumi/pulumi";
import type { SetupPlan } from "../plan/setup/plan";
import { slots, tagRef } from "../plan/setup/slots";
import type { SealSecret } from "../source/sealing-keys";
import { type Declared, declare } from "./declare-setup";
import { RepositoryEnvironment } from "./repository-environment";
import { RepositoryFiles } from "./repository-files";

export interface RepositorySetupArgs {
  /** What the plan says: every part of it, with whose it is. Secrets are in its configuration, hidden. */
  readonly plan: SetupPlan;
  /** Seals a secret for GitHub: its value reaches neither the engine nor the GitHub provider. */
  readonly seal: SealSecret;
}

/**
 * A GitHub repository with everything that a release needs there: secrets, variables, environments, tag rules,
 * permissions of Actions, labels, files. A part that the plan does not have is left alone; what was there before is
 * kept in step and never deleted.
 *
 * @example new RepositorySetup("repository", { plan, seal }, { providers: [githubProvider] })
 */
export class RepositorySetup extends pulumi.ComponentResource {
  /** Names of the Actions secrets, of the repository and of its environments (`prod/TOKEN`). */
  public readonly secrets: pulumi.Output<string[]>;
  /** Path of each file -> the commit that wrote it last. */
  public readonly commits: pulumi.Output<Record<string, string>>;

  constructor(name: string, { plan, seal }: RepositorySetupArgs, opts?: pulumi.ComponentResourceOptions) {
    super("slipway:index:RepositorySetup", name, {}, opts);
    const { config, repository } = plan;
    const context: Declared = { plan, name, parent: this };
    const secrets = Object.entries(config.secrets).map(([secret, value]) => {
      const sealed = pulumi.output(seal({ name: secret }, value));
      new github.ActionsSecret(
        `${name}-secret-${secret}`,
        { repository, secretName: secret, keyId: sealed.keyId, valueEncrypted: sealed.box },
        declare(context, slots.secret(secret)),
      );
      return secret;
    });
    for (const [variable, value] of Object.entries(config.variables)) {
      new github.ActionsVariable(
        `${name}-variable-${variable}`,
        { repository, variableName: variable, value },
        declare(context, slots.variable(variable)),
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
        declare(context, slots.label(label.name)),
      );
    }
    const files = new RepositoryFiles(`${name}-files`, { plan }, { parent: this });
    this.commits = files.commits;
    this.secrets = pulumi.output([...secrets, ...environments.flatMap((one) => one.secretNames)]);
    this.registerOutputs({ secrets: this.secrets, commits: this.commits });
  }

  /** Nobody moves or deletes such a git tag; making it stays possible. */
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
      declare(context, slots.tagRules()),
    );
  }

  /** Deleting these means GitHub's lax defaults, so a destroyed stack leaves them as they are. */
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
      declare(context, slots.permissions()),
    );
    new github.WorkflowRepositoryPermissions(
      `${context.name}-workflow-permissions`,
      {
        repository,
        defaultWorkflowPermissions: permissions.workflowToken,
        canApprovePullRequestReviews: false,
      },
      declare(context, slots.permissions()),
    );
  }
}
