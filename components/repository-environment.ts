import * as github from "@pulumi/github";
import * as pulumi from "@pulumi/pulumi";
import type { SealSecret } from "../src/github/seal-secret";
import { itemKeys } from "../src/plan/setup/items";
import type { SetupPlan } from "../src/plan/setup/plan";
import { type Declared, declare } from "./declare-setup";

export interface RepositoryEnvironmentArgs {
  readonly plan: SetupPlan;
  /** Its name, a key of the plan's environments. */
  readonly environment: string;
  /** Seals a secret with the environment's key. */
  readonly seal: SealSecret;
}

/** One deployment environment with its reviewers, timer, tags and branches that may deploy, secrets and variables. */
export class RepositoryEnvironment extends pulumi.ComponentResource {
  /** `prod/TOKEN`, one for each secret. */
  public readonly secretNames: readonly string[];

  constructor(name: string, args: RepositoryEnvironmentArgs, opts?: pulumi.ComponentResourceOptions) {
    super("slipway:index:RepositoryEnvironment", name, {}, opts);
    const { plan, environment, seal } = args;
    const { repository } = plan;
    const wanted = plan.config.environments[environment];
    if (wanted === undefined) throw new Error(`RepositoryEnvironment: the plan has no "${environment}"`);
    const context: Declared = { plan, name, parent: this };
    const reviewers = plan.reviewers[environment] ?? [];
    const ids = (kind: "user" | "team") => reviewers.filter((one) => one.kind === kind).map(({ id }) => id);
    const restricted = wanted.tags.length + wanted.branches.length > 0;
    const made = new github.RepositoryEnvironment(
      name,
      {
        repository,
        environment,
        canAdminsBypass: wanted.adminsBypass,
        preventSelfReview: wanted.preventSelfReview,
        ...(wanted.waitTimer === 0 ? {} : { waitTimer: wanted.waitTimer }),
        ...(reviewers.length === 0 ? {} : { reviewers: [{ users: ids("user"), teams: ids("team") }] }),
        ...(restricted
          ? { deploymentBranchPolicy: { protectedBranches: false, customBranchPolicies: true } }
          : {}),
      },
      declare(context, itemKeys.environment(environment)),
    );
    for (const pattern of wanted.tags) {
      new github.RepositoryEnvironmentDeploymentPolicy(
        `${name}-tag-${pattern}`,
        { repository, environment, tagPattern: pattern },
        declare(context, itemKeys.policy(environment, "tag", pattern), [made]),
      );
    }
    for (const pattern of wanted.branches) {
      new github.RepositoryEnvironmentDeploymentPolicy(
        `${name}-branch-${pattern}`,
        { repository, environment, branchPattern: pattern },
        declare(context, itemKeys.policy(environment, "branch", pattern), [made]),
      );
    }
    for (const [secret, value] of Object.entries(wanted.secrets)) {
      // GitHub has the environment's key once the environment exists.
      const sealed = made.id.apply(() => seal({ environment, name: secret }, value));
      new github.ActionsEnvironmentSecret(
        `${name}-secret-${secret}`,
        { repository, environment, secretName: secret, keyId: sealed.keyId, valueEncrypted: sealed.box },
        declare(context, itemKeys.environmentSecret(environment, secret), [made]),
      );
    }
    for (const [variable, value] of Object.entries(wanted.variables)) {
      new github.ActionsEnvironmentVariable(
        `${name}-variable-${variable}`,
        { repository, environment, variableName: variable, value },
        declare(context, itemKeys.environmentVariable(environment, variable), [made]),
      );
    }
    this.secretNames = Object.keys(wanted.secrets).map((secret) => `${environment}/${secret}`);
    this.registerOutputs({ secretNames: this.secretNames });
  }
}
