import { isRecord } from "../record";

/** The event that is released, as plain data: everything that tag rules read, except the current time. */
export interface ReleaseEvent {
  /** GitHub's name of the event: `push`, `pull_request`, `schedule`, `workflow_dispatch`. */
  readonly eventName: string;
  /** `refs/heads/main`, `refs/tags/v1.2.3`, `refs/pull/2/merge`; empty if there is none. */
  readonly ref: string;
  /** 40 hex digits; empty if unknown. */
  readonly sha: string;
  /** The committer's date of `sha`; the current time if unknown. */
  readonly commitDate: Date;
  /** A pull request's target branch, or the branch of a pushed tag if GitHub reports it; else empty. */
  readonly baseRef: string;
  /** The event's default branch, which `{{is_default_branch}}` compares with. */
  readonly defaultBranch?: string;
  /** A dispatched workflow's inputs; empty for every other event. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly repository: RepositoryFacts;
}

/** The part of GitHub's repository object that labels and `type=edge` use. */
export interface RepositoryFacts {
  readonly name?: string;
  readonly description?: string;
  /** The page's address: `https://github.com/octo/app`. */
  readonly url?: string;
  readonly defaultBranch?: string;
  /** SPDX identifier: `MIT`. */
  readonly license?: string;
}

export function tagOf(ref: string): string | undefined {
  return ref.startsWith("refs/tags/") ? ref.slice("refs/tags/".length) : undefined;
}

export function branchOf(ref: string): string | undefined {
  return ref.startsWith("refs/heads/") ? ref.slice("refs/heads/".length) : undefined;
}

/** A pull request's number. As in docker/metadata-action, `refs/pull/2/head` gives `2/head`. */
export function pullRequestOf(ref: string): string | undefined {
  return ref.startsWith("refs/pull/") ? ref.slice("refs/pull/".length).replace(/\/merge$/, "") : undefined;
}

export interface GitHubEvent {
  readonly eventName: string;
  readonly ref: string;
  readonly sha: string;
  /** The JSON at GITHUB_EVENT_PATH. Anything but an object counts as an empty object. */
  readonly payload: unknown;
  /** The repository object of GitHub's API. @default the payload's `repository` */
  readonly repository?: unknown;
  readonly commitDate?: Date;
  /** For pull requests: the merge commit, or the pull request's own head (DOCKER_METADATA_PR_HEAD_SHA). */
  readonly sourceOfSha: "event" | "pull-request-head";
  readonly now: Date;
}

/** Converts GitHub's event, with docker/metadata-action's corrections of reference and commit. */
export function releaseEventFromGitHub(event: GitHubEvent): ReleaseEvent {
  const { eventName, payload } = event;
  const ref = correctedRef(event);
  const sha = correctedSha(event);
  const base = tagOf(ref) !== undefined ? text(payload, "base_ref") : undefined;
  const target = ref.startsWith("refs/pull/") ? text(payload, "pull_request", "base", "ref") : undefined;
  const repository = event.repository ?? at(payload, "repository");
  return {
    eventName,
    ref,
    sha,
    commitDate: event.commitDate ?? commitDateInPayload(payload, sha) ?? event.now,
    baseRef: base === undefined ? (target ?? "") : (branchOf(base) ?? base),
    defaultBranch: text(payload, "repository", "default_branch"),
    inputs: inputsOf(payload),
    repository: {
      name: text(repository, "name"),
      description: text(repository, "description"),
      url: text(repository, "html_url"),
      defaultBranch: text(repository, "default_branch"),
      license: text(repository, "license", "spdx_id"),
    },
  };
}

export function commitDateInPayload(payload: unknown, sha: string): Date | undefined {
  const commits = at(payload, "commits");
  const pushed = Array.isArray(commits) ? commits.find((commit) => at(commit, "id") === sha) : undefined;
  const timestamp = text(pushed, "timestamp") || undefined;
  if (timestamp !== undefined) return new Date(timestamp);
  const head =
    text(payload, "head_commit", "id") === sha ? text(payload, "head_commit", "timestamp") : undefined;
  return head === undefined ? undefined : new Date(head);
}

/** The commit that the rules use, which is a pull request's own head if `sourceOfSha` says so. */
export function correctedSha(
  event: Pick<GitHubEvent, "eventName" | "sha" | "payload" | "sourceOfSha">,
): string {
  if (event.sourceOfSha === "event" || !event.eventName.includes("pull_request")) return event.sha;
  return text(event.payload, "pull_request", "head", "sha") ?? event.sha;
}

/** `pull_request_target` runs on the target branch, but its tags are those of the pull request. */
function correctedRef({ eventName, ref, payload }: GitHubEvent): string {
  if (!eventName.includes("pull_request_target")) return ref;
  const number = at(payload, "number") ?? at(payload, "pull_request", "number");
  return number === undefined ? ref : `refs/pull/${number}/merge`;
}

function inputsOf(payload: unknown): Record<string, string> {
  const inputs = at(payload, "inputs");
  if (!isRecord(inputs)) return {};
  return Object.fromEntries(
    Object.entries(inputs).flatMap(([name, value]) =>
      value === null || typeof value === "object" ? [] : [[name, String(value)]],
    ),
  );
}

function text(value: unknown, ...path: readonly string[]): string | undefined {
  const found = at(value, ...path);
  return typeof found === "string" ? found : undefined;
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (current, key) => (isRecord(current) && Object.hasOwn(current, key) ? current[key] : undefined),
    value,
  );
}
