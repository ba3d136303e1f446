/** What happened, as plain data: everything that tag rules ask about the world, except the time. */
export interface ReleaseEvent {
  /** GitHub's name of the event: `push`, `pull_request`, `schedule`, `workflow_dispatch`. */
  readonly eventName: string;
  /** `refs/heads/main`, `refs/tags/v1.2.3`, `refs/pull/2/merge`; empty where there is none. */
  readonly ref: string;
  /** 40 hex digits; empty where it is not known. */
  readonly sha: string;
  /** The committer's date of `sha`, or the current time if it is unknown. */
  readonly commitDate: Date;
  /** The branch that a pull request is aimed at, or that a pushed tag was cut from where GitHub says so; else empty. */
  readonly baseRef: string;
  /** The event's default branch, which `{{is_default_branch}}` compares with. */
  readonly defaultBranch?: string;
  /** A dispatched workflow's inputs; empty for every other event. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly repository: RepositoryFacts;
}

/** What GitHub's API answers for a repository, as far as labels and `type=edge` need it. */
export interface RepositoryFacts {
  /** Without the owner. */
  readonly name?: string;
  readonly description?: string;
  /** The address people open: `https://github.com/octo/app`. */
  readonly url?: string;
  readonly defaultBranch?: string;
  /** SPDX identifier: `MIT`. */
  readonly license?: string;
}

/** The git tag's name, or undefined when the event is not about a tag. */
export function tagOf(ref: string): string | undefined {
  return ref.startsWith("refs/tags/") ? ref.slice("refs/tags/".length) : undefined;
}

/** The branch's name, or undefined when the event is not about a branch. */
export function branchOf(ref: string): string | undefined {
  return ref.startsWith("refs/heads/") ? ref.slice("refs/heads/".length) : undefined;
}

/** A pull request's number, or undefined; `refs/pull/2/head` gives `2/head`, as metadata-action does. */
export function pullRequestOf(ref: string): string | undefined {
  return ref.startsWith("refs/pull/") ? ref.slice("refs/pull/".length).replace(/\/merge$/, "") : undefined;
}
