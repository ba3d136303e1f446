import * as github from "@pulumi/github";
import * as pulumi from "@pulumi/pulumi";
import type { SealSecret } from "../src/github/seal-secret";
import { itemKeys } from "../src/plan/setup/items";
import type { SetupPlan } from "../src/plan/setup/plan";

/**
 * Options of the resource of one item of the plan: whether it is imported, and whether it is kept on deletion.
 *
 * @param key the item's key in the plan
 */
export function itemOptions(
  plan: SetupPlan,
  key: string,
  parent: pulumi.Resource,
  dependsOn: readonly pulumi.Resource[] = [],
): pulumi.CustomResourceOptions {
  const item = plan.items[key];
  if (item === undefined) throw new Error(`RepositorySetup: the plan has no "${key}"`);
  return {
    parent,
    retainOnDelete: !item.deletable,
    dependsOn: [...dependsOn],
    import: item.importId,
  };
}

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
    const desired = plan.config.environments[environment];
    if (desired === undefined) throw new Error(`RepositoryEnvironment: the plan has no "${environment}"`);
    const reviewers = plan.reviewers[environment] ?? [];
    const ids = (kind: "user" | "team") => reviewers.filter((one) => one.kind === kind).map(({ id }) => id);
    const restricted = desired.tags.length + desired.branches.length > 0;
    const made = new github.RepositoryEnvironment(
      name,
      {
        repository,
        environment,
        canAdminsBypass: desired.adminsBypass,
        preventSelfReview: desired.preventSelfReview,
        waitTimer: desired.waitTimer === 0 ? undefined : desired.waitTimer,
        reviewers: reviewers.length === 0 ? undefined : [{ users: ids("user"), teams: ids("team") }],
        deploymentBranchPolicy: restricted
          ? { protectedBranches: false, customBranchPolicies: true }
          : undefined,
      },
      itemOptions(plan, itemKeys.environment(environment), this),
    );
    const below = (key: string) => itemOptions(plan, key, this, [made]);
    for (const pattern of desired.tags) {
      new github.RepositoryEnvironmentDeploymentPolicy(
        `${name}-tag-${pattern}`,
        { repository, environment, tagPattern: pattern },
        below(itemKeys.policy(environment, "tag", pattern)),
      );
    }
    for (const pattern of desired.branches) {
      new github.RepositoryEnvironmentDeploymentPolicy(
        `${name}-branch-${pattern}`,
        { repository, environment, branchPattern: pattern },
        below(itemKeys.policy(environment, "branch", pattern)),
      );
    }
    for (const [secret, value] of Object.entries(desired.secrets)) {
      // GitHub has the environment's key once the environment exists.
      const sealed = made.id.apply(() => seal({ environment, name: secret }, value));
      new github.ActionsEnvironmentSecret(
        `${name}-secret-${secret}`,
        { repository, environment, secretName: secret, keyId: sealed.keyId, valueEncrypted: sealed.box },
        below(itemKeys.environmentSecret(environment, secret)),
      );
    }
    for (const [variable, value] of Object.entries(desired.variables)) {
      new github.ActionsEnvironmentVariable(
        `${name}-variable-${variable}`,
        { repository, environment, variableName: variable, value },
        below(itemKeys.environmentVariable(environment, variable)),
      );
    }
    this.secretNames = Object.keys(desired.secrets).map((secret) => `${environment}/${secret}`);
    this.registerOutputs({ secretNames: this.secretNames });
  }
}

/**
 * Files of a repository, each a commit, one after another: GitHub refuses a commit that another one overtook. With a pull
 * request, nothing is declared once the default branch has all files.
 */
export class RepositoryFiles extends pulumi.ComponentResource {
  /** Path -> the commit that wrote it last. */
  public readonly commits: pulumi.Output<Record<string, string>>;

  constructor(name: string, plan: SetupPlan, opts?: pulumi.ComponentResourceOptions) {
    super("slipway:index:RepositoryFiles", name, {}, opts);
    const { config, repository, branch, defaultBranch } = plan;
    const commits: Record<string, pulumi.Output<string>> = {};
    if (branch !== undefined && config.files.length > 0) {
      let last: pulumi.Resource[] = [];
      if (branch !== defaultBranch && plan.items[itemKeys.branch(branch)]?.action !== "adopt") {
        last = [this.branch(name, plan, branch)];
      }
      for (const { path, content } of config.files) {
        const options = itemOptions(plan, itemKeys.file(path), this, last);
        const isAdopted = plan.ownership.adopted.includes(itemKeys.file(path));
        const file = new github.RepositoryFile(
          `${name}-${path}`,
          {
            repository,
            file: path,
            branch,
            content,
            commitMessage: `Set up ${path}`,
            overwriteOnCreate: isAdopted ? true : undefined,
          },
          // A pull request's branch belongs to the repository's owner, who deletes it.
          config.pullRequest ? { ...options, retainOnDelete: true } : options,
        );
        last = [file];
        commits[path] = file.commitSha;
      }
      if (config.pullRequest) this.pullRequest(name, plan, branch, last);
    }
    this.commits = pulumi.output(commits);
    this.registerOutputs({ commits: this.commits });
  }

  private branch(name: string, plan: SetupPlan, branch: string): pulumi.Resource {
    const { repository, defaultBranch } = plan;
    return new github.Branch(
      `${name}-branch`,
      { repository, branch, sourceBranch: defaultBranch },
      { ...itemOptions(plan, itemKeys.branch(branch), this), retainOnDelete: true },
    );
  }

  private pullRequest(
    name: string,
    plan: SetupPlan,
    branch: string,
    files: readonly pulumi.Resource[],
  ): void {
    const { repository, defaultBranch, owner, config } = plan;
    new github.RepositoryPullRequest(
      `${name}-pull-request`,
      {
        owner,
        baseRepository: repository,
        baseRef: defaultBranch,
        headRef: branch,
        title: "Set the release up",
        body: [
          "Written by `pulumi up` of the setup stack:",
          "",
          ...config.files.map(({ path }) => `- \`${path}\``),
        ].join("\n"),
      },
      {
        ...itemOptions(plan, itemKeys.pullRequest(), this, files),
        retainOnDelete: true,
        // The setting is about forks; within one repository, GitHub's answers differ.
        ignoreChanges: ["maintainerCanModify"],
      },
    );
  }
}
