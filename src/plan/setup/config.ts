import type { Secret } from "../secret";

/** What a repository should have. A part that is empty or absent is not touched. */
export interface SetupConfig {
  readonly repository: string;
  readonly baseUrl?: string;
  /** Without one, the setup is refused before anything is read. */
  readonly token?: Secret;
  readonly tokenFrom?: string;
  readonly writeDelayMs: number;
  readonly secrets: Readonly<Record<string, Secret>>;
  readonly variables: Readonly<Record<string, string>>;
  readonly environments: Readonly<Record<string, EnvironmentConfig>>;
  readonly tagRules?: TagRulesConfig;
  readonly permissions?: {
    readonly shaPinning: boolean;
    readonly allowed: "all" | "local_only" | "selected";
    /** For `selected`: `owner/repository@*`. GitHub's own actions are always allowed. */
    readonly patterns: readonly string[];
    /** The default permission of a workflow's own token. */
    readonly workflowToken: "read" | "write";
  };
  readonly labels: readonly LabelConfig[];
  readonly files: readonly SetupFile[];
  /** Whether the files of `slipway workflows` are added, once the stacks are read. */
  readonly workflowFiles: boolean;
  /** The branch for files. @default the default branch */
  readonly branch?: string;
  /** Files reach the default branch by a pull request from `branch`. */
  readonly pullRequest: boolean;
}

export interface EnvironmentConfig {
  /** Logins of people, `organization/slug` of teams; at most six. */
  readonly reviewers: readonly string[];
  readonly waitTimer: number;
  readonly preventSelfReview: boolean;
  readonly adminsBypass: boolean;
  readonly tags: readonly string[];
  /** `DEFAULT_BRANCH` means the repository's default branch. */
  readonly branches: readonly string[];
  /** The settings name neither tags nor branches, so those above follow from the project's workflows. */
  readonly refs?: "default";
  readonly secrets: Readonly<Record<string, Secret>>;
  readonly variables: Readonly<Record<string, string>>;
}

/** A placeholder until the default branch's name is read. No branch can have this name. */
export const DEFAULT_BRANCH = "~DEFAULT_BRANCH";

export interface TagRulesConfig {
  readonly name: string;
  /** Patterns of git tags that cannot be moved or deleted, without `refs/tags/`. */
  readonly patterns: readonly string[];
}

export interface LabelConfig {
  readonly name: string;
  readonly color: string;
  readonly description?: string;
}

export interface SetupFile {
  /** In the repository, with `/`. */
  readonly path: string;
  readonly content: string;
  /** The secrets that it uses. @default those in its text */
  readonly uses?: readonly UsedSecret[];
}

export interface UsedSecret {
  readonly name: string;
  /** The workflows that use it, sorted. */
  readonly files: readonly string[];
  /** The job's environment, which may have it; a job without one only sees the repository's secrets. */
  readonly environment?: string;
  /** The workflow works without it. */
  readonly optional: boolean;
}

/** What a repository has, of the parts that a setup touches. Values of secrets cannot be read. */
export interface LiveRepository {
  readonly defaultBranch: string;
  readonly secrets: readonly string[];
  /** Names of the organization's secrets that this repository may use. */
  readonly organizationSecrets: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  readonly environments: Readonly<Record<string, LiveEnvironment>>;
  readonly rulesets: readonly LiveRuleset[];
  readonly labels: readonly string[];
  readonly files: Readonly<Record<string, string>>;
  /** The files on the default branch. */
  readonly mergedFiles: Readonly<Record<string, string>>;
  readonly hasBranch: boolean;
  readonly hasPullRequest: boolean;
  /** Reviewer in the configuration -> the user or team. */
  readonly reviewers: Readonly<Record<string, Reviewer>>;
}

export interface LiveEnvironment {
  readonly secrets: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  readonly policies: readonly { readonly id: number; readonly name: string; readonly type: string }[];
}

export interface LiveRuleset {
  readonly id: number;
  readonly name: string;
  readonly target: string;
  readonly enforcement: string;
  /** `refs/tags/v*`. */
  readonly includes: readonly string[];
  readonly excludes: readonly string[];
  /** `update`, `deletion`, … */
  readonly rules: readonly string[];
}

export interface Reviewer {
  readonly kind: "user" | "team";
  readonly id: number;
}
