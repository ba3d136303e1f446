import type { ImageConfig } from "./config";
import { type Digest, isDigest } from "./digest";
import { imageRules } from "./image-tags";
import type { ReleaseEvent } from "./tag-rules/event";
import type { VersionForm } from "./versions";

/** The kinds of tags that a prune may remove. */
export type PrunableKind = "candidate" | "referrers" | "branch" | "pull request";

export const CANDIDATE_TAG = /^candidate-[0-9a-f]{16}$/;
/** A fallback tag for referrers, or a tag that cosign wrote before there were referrers. */
const REFERRERS = /^sha256-([0-9a-f]{64})(?:\.(?:sig|att|sbom))?$/;
/** A tag like this never counts as one of a branch or a pull request. */
export const VERSION_LIKE = /[0-9]\.[0-9]|^v?[0-9._-]+$/;
/** The digest whose referrers a fallback tag lists. */
export function subjectOfTag(tag: string): Digest | undefined {
  const digest = `sha256:${REFERRERS.exec(tag)?.[1] ?? ""}`;
  return isDigest(digest) ? digest : undefined;
}

/** The tags that follow branches and pull requests, by the images' rules. */
export interface MovingTags {
  readonly branches: readonly VersionForm[];
  readonly pullRequests: readonly VersionForm[];
  /** Tags of other rules, and of branches whose tags stay. They do not count as tags of branches. */
  readonly kept: ReadonlySet<string>;
  /** The same for names that contain a date or a commit. */
  readonly keptForms: readonly VersionForm[];
}

/** @param branches the branches whose tags stay: the default one, what is checked out, what a workflow deploys */
export function movingTags({
  images,
  event,
  branches,
  gitTags,
  now,
}: {
  readonly images: readonly ImageConfig[];
  readonly event: ReleaseEvent;
  readonly branches: readonly string[];
  readonly gitTags: readonly string[];
  readonly now: Date;
}): MovingTags {
  const entriesOf = (eventName: string, ref: string, at: Partial<ReleaseEvent> = {}, when = now) =>
    images.flatMap(
      (image) =>
        imageRules(image, { ...event, eventName, ref, baseRef: "", inputs: {}, ...at }, when).entries,
    );
  const formsOf = (kind: "branch" | "pr", eventName: string, ref: string, marker: string): VersionForm[] =>
    entriesOf(eventName, ref).flatMap(({ name, rule, class: tagClass }) => {
      const at = name.indexOf(marker);
      if (rule.type !== "ref" || rule.event !== kind || tagClass !== "floating" || at === -1) return [];
      return [{ prefix: name.slice(0, at), suffix: name.slice(at + marker.length) }];
    });
  const anyBranch = "any-branch-at-all";
  const anyNumber = "987654321";
  // The same events for other days and commits show which names contain a date or a commit.
  const variants = [
    ["1987-03-14", "4"],
    ["2011-11-27", "b"],
    ["2063-08-05", "e"],
  ] as const;
  const byRule = variants.map(([day, digit]) => {
    const date = new Date(`${day}T12:34:56Z`);
    const at = { sha: digit.repeat(40), commitDate: date };
    return ["push", "schedule"].flatMap((eventName) =>
      branches.flatMap((branch) => entriesOf(eventName, `refs/heads/${branch}`, at, date)),
    );
  });
  const [first = [], ...others] = byRule;
  const names = gitTags.flatMap((tag) => entriesOf("push", `refs/tags/${tag}`));
  return {
    branches: formsOf("branch", "push", `refs/heads/${anyBranch}`, anyBranch),
    pullRequests: formsOf("pr", "pull_request", `refs/pull/${anyNumber}/merge`, anyNumber),
    kept: new Set([...names, ...byRule.flat()].map(({ name }) => name)),
    keptForms: first.flatMap(({ name }, index) => {
      const alike = [name, ...others.flatMap((entries) => entries[index]?.name ?? [])];
      return new Set(alike).size === 1 ? [] : [commonForm(alike)];
    }),
  };
}

function commonForm(names: readonly string[]): VersionForm {
  const [first = ""] = names;
  let prefix = first;
  while (!names.every((name) => name.startsWith(prefix))) prefix = prefix.slice(0, -1);
  let suffix = first.slice(prefix.length);
  while (!names.every((name) => name.endsWith(suffix))) suffix = suffix.slice(1);
  return { prefix, suffix };
}

/** The kind of a tag by its name alone; undefined for a tag that a prune never removes. */
export function prunableKind(tag: string, moving: MovingTags): PrunableKind | undefined {
  if (CANDIDATE_TAG.test(tag)) return "candidate";
  if (REFERRERS.test(tag)) return "referrers";
  if (moving.kept.has(tag) || VERSION_LIKE.test(tag)) return undefined;
  if (moving.pullRequests.some((form) => /^[0-9]+$/.test(without(tag, form)))) return "pull request";
  if (moving.keptForms.some((form) => without(tag, form) !== "")) return undefined;
  return moving.branches.some((form) => without(tag, form) !== "") ? "branch" : undefined;
}

function without(tag: string, { prefix, suffix }: VersionForm): string {
  const isFormed = tag.startsWith(prefix) && tag.endsWith(suffix);
  return isFormed ? tag.slice(prefix.length, Math.max(prefix.length, tag.length - suffix.length)) : "";
}
