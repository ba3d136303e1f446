/** What the settings say about GitHub, `slipway:github`. */
export interface GithubConfig {
  /** Which workflow files `slipway workflows` writes for this stack. Absent: none. */
  readonly workflows?: WorkflowsConfig;
}

/** Whose workflows are written: `.github/workflows` or `.gitea/workflows`. */
export type WorkflowHost = "github" | "gitea";

/** The workflows of one stack, with every default. */
export interface WorkflowsConfig {
  readonly hosts: readonly WorkflowHost[];
  /** The project's folder in the repository. Default `.`. */
  readonly directory: string;
  /** The runner's label. Default `ubuntu-24.04`. */
  readonly runner: string;
  /**
   * Each platform is built on a runner of its own, and merged by digest: on GitHub's, or by labels for platforms.
   * Default false: one job builds all of them.
   */
  readonly runners: boolean | Readonly<Record<string, string>>;
  /** Node's version on the runner. Default `24`. */
  readonly node: string;
  /** The command that installs the project's packages, as words. Default `npm ci --ignore-scripts`. */
  readonly install: readonly string[];
  /** The environment whose secrets and reviewers a release has. Default: the stack's name. */
  readonly environment?: string;
  /** Further secrets that a release sees as variables of the same name. */
  readonly secrets: readonly string[];
  /** Minutes after which a job that builds is given up. Default 60. */
  readonly timeout: number;
  /** Runs of one version that may wait: the newest, or a hundred. Default single. */
  readonly queue: "single" | "max";
  /** GitHub's own build provenance of what was released. Default false. */
  readonly attest: boolean;
  readonly release?: ReleaseWorkflowConfig;
  readonly deploy?: DeployWorkflowConfig;
  readonly promote?: PromoteWorkflowConfig;
  readonly preview?: PreviewWorkflowConfig;
  readonly drift?: DriftWorkflowConfig;
}

/** A workflow that releases a version. */
export interface ReleaseWorkflowConfig {
  readonly file: string;
  readonly name?: string;
  /** What starts it besides a person. Default: git tags for a lane, else a published release. */
  readonly on?: readonly ("release" | "tags")[];
  /** Patterns of git tags that are versions. Default: the lane's trigger, else `v*`. */
  readonly tags?: readonly string[];
}

/** A workflow that releases every commit of some branches. */
export interface DeployWorkflowConfig {
  readonly file?: string;
  readonly name?: string;
  readonly branches: readonly string[];
}

/** A workflow that promotes behind an environment's reviewers. */
export interface PromoteWorkflowConfig {
  readonly file?: string;
  readonly name?: string;
  /** Also a last job of the workflow that deploys the stack it promotes from. Default true. */
  readonly follow: boolean;
}

/** The plan on pull requests. Stacks with the same file share it, a job each. */
export interface PreviewWorkflowConfig {
  readonly file: string;
}

/** The question whether anything differs from what was released. Stacks with the same file share it. */
export interface DriftWorkflowConfig {
  readonly file: string;
  readonly cron: string;
  /** The environment with the secrets of this check; one without reviewers. Default `drift`. */
  readonly environment: string;
}
