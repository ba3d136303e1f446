import * as github from "@pulumi/github";
import * as pulumi from "@pulumi/pulumi";
import { itemKeys } from "../src/plan/setup/items";
import type { SetupPlan } from "../src/plan/setup/plan";
import { type Declared, declare } from "./declare-setup";

export interface RepositoryFilesArgs {
  readonly plan: SetupPlan;
}

/**
 * Files of a repository, each a commit, one after another: GitHub refuses a commit that another one overtook. By a pull
 * request nothing is declared any more once the default branch has all of it.
 */
export class RepositoryFiles extends pulumi.ComponentResource {
  /** Path -> the commit that wrote it last. */
  public readonly commits: pulumi.Output<Record<string, string>>;

  constructor(name: string, { plan }: RepositoryFilesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("slipway:index:RepositoryFiles", name, {}, opts);
    const { config, repository, branch, defaultBranch } = plan;
    const context: Declared = { plan, name, parent: this };
    const commits: [path: string, commit: pulumi.Output<string>][] = [];
    if (branch !== undefined && config.files.length > 0) {
      let last: pulumi.Resource[] = [];
      if (branch !== defaultBranch && plan.items[itemKeys.branch(branch)]?.action !== "adopt") {
        last = [this.branch(context, branch)];
      }
      for (const { path, content } of config.files) {
        const options = declare(context, itemKeys.file(path), last);
        const isAdopted = plan.ownership.adopted.includes(itemKeys.file(path));
        const file = new github.RepositoryFile(
          `${name}-${path}`,
          {
            repository,
            file: path,
            branch,
            content,
            commitMessage: `Set up ${path}`,
            ...(isAdopted ? { overwriteOnCreate: true } : {}),
          },
          // A pull request's branch belongs to the repository's owner, who deletes it.
          { ...options, ...(config.pullRequest ? { retainOnDelete: true } : {}) },
        );
        last = [file];
        commits.push([path, file.commitSha]);
      }
      if (config.pullRequest) this.pullRequest(context, branch, last);
    }
    this.commits = pulumi.output(Object.fromEntries(commits));
    this.registerOutputs({ commits: this.commits });
  }

  private branch(context: Declared, branch: string): pulumi.Resource {
    const { repository, defaultBranch } = context.plan;
    return new github.Branch(
      `${context.name}-branch`,
      { repository, branch, sourceBranch: defaultBranch },
      { ...declare(context, itemKeys.branch(branch)), retainOnDelete: true },
    );
  }

  private pullRequest(context: Declared, branch: string, files: readonly pulumi.Resource[]): void {
    const { repository, defaultBranch, owner, config } = context.plan;
    new github.RepositoryPullRequest(
      `${context.name}-pull-request`,
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
      // GitHub answers what it likes: the setting is about forks.
      {
        ...declare(context, itemKeys.pullRequest(), files),
        retainOnDelete: true,
        ignoreChanges: ["maintainerCanModify"],
      },
    );
  }
}
