/** What a repository has, as far as a setup touches it. Values of secrets cannot be read. */
export interface LiveRepository {
  readonly defaultBranch: string;
  readonly secrets: readonly string[];
  /** Names of the organization's secrets that this repository may use. */
  readonly organizationSecrets: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  readonly environments: Readonly<Record<string, LiveEnvironment>>;
  readonly rulesets: readonly LiveRuleset[];
  readonly labels: readonly string[];
  /** Content of the wanted files on the branch that they are committed to; absent ones are left out. */
  readonly files: Readonly<Record<string, string>>;
  /** The same on the default branch. */
  readonly mergedFiles: Readonly<Record<string, string>>;
  /** Whether the branch that files are committed to is there. */
  readonly hasBranch: boolean;
  /** Whether a pull request from that branch is open. */
  readonly hasPullRequest: boolean;
  /** Reviewer as configured -> who that is. */
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
