import type { ImageConfig } from "./config";
import { type Digest, isDigest, shortDigest } from "./digest";
import { imageRules } from "./image-tags";
import type { Problem } from "./problem";
import type { ReleaseEvent } from "./tag-rules/event";
import type { VersionForm } from "./versions";

/** What a manifest names. Blobs are the registry's own to clean up. */
export interface ManifestLinks {
  /** Entries of an index. */
  readonly children: readonly Digest[];
  readonly subject?: Digest;
}

/** What is known about an image whose tag may go. Whoever wrote it: a hint keeps, and never removes by itself. */
export interface PrunableImage {
  /** Versions that release statements give it. */
  readonly versions: readonly string[];
  /** The version that its claim says it was built for. */
  readonly claimed?: string;
  /** The tag that its annotation says it was built for: a version, a branch. */
  readonly builtFor?: string;
  /** Its commit, 40 hex digits. */
  readonly revision?: string;
  /** Slipway built it: it carries a content key. */
  readonly isOurs: boolean;
  /** Why it is none of this stack's images: the image that its claim names, or that a stranger signed it. */
  readonly owner?: string;
  /** When it was built, else its commit's date; absent where neither is known. */
  readonly madeAt?: Date;
}

/** One repository, as far as a prune depends on it. */
export interface RepositoryContents {
  /** `host/path`. */
  readonly repository: string;
  readonly tags: ReadonlyMap<string, Digest>;
  readonly manifests: ReadonlyMap<Digest, ManifestLinks>;
  /** The images of tags that may go. */
  readonly images: ReadonlyMap<Digest, PrunableImage>;
  /** Digests that fallback tags are named after and that the repository does not hold. */
  readonly gone: ReadonlySet<Digest>;
}

export interface PruneRules {
  readonly images: readonly ImageConfig[];
  /** Digests that this stack's state or settings name. */
  readonly recorded: ReadonlySet<Digest>;
  readonly moving: MovingTags;
  readonly now: Date;
  /** Seconds; absent: tags of branches and pull requests stay, and so do unfinished releases. */
  readonly olderThan?: number;
}

export type PrunableKind = "candidate" | "referrers" | "branch" | "pull request";

export interface TagFate {
  readonly name: string;
  readonly digest: Digest;
  readonly kind: PrunableKind;
  readonly action: "keep" | "remove";
  readonly reason: string;
}

/** One digest, and the tags on it that go together. */
export interface Removal {
  readonly digest: Digest;
  readonly tags: readonly string[];
  /** `tag`: something else needs the digest, and deleting that would remove its other tags too. */
  readonly by: "tag" | "digest";
  /** Platforms and referrers of the digest that nothing else needs. */
  readonly manifests: readonly Digest[];
}

/** What became of a removal, or why it was not carried out. */
export interface RemovalOutcome {
  readonly digest: Digest;
  readonly tags: readonly string[];
  readonly removed: boolean;
  readonly reason?: string;
}

export interface RepositoryPrune {
  readonly repository: string;
  /** Only tags of the kinds that can go, in the order of their names. */
  readonly tags: readonly TagFate[];
  /** In the order in which they are carried out. */
  readonly removals: readonly Removal[];
}

/** A prune of one repository, with what stopped it and, where it was carried out, what became of it. */
export interface PruneResult extends RepositoryPrune {
  /** How many tags there are, of all kinds. */
  readonly tagCount: number;
  readonly problems: readonly Problem[];
  readonly outcomes?: readonly RemovalOutcome[];
}

const CANDIDATE = /^candidate-[0-9a-f]{16}$/;
/** Also as cosign named its tags before there were referrers. */
const REFERRERS = /^sha256-([0-9a-f]{64})(?:\.(?:sig|att|sbom))?$/;
/** Dotted numbers, or nothing but numbers: no such tag counts as one of a branch or a pull request. */
const VERSION = /[0-9]\.[0-9]|^v?[0-9._-]+$/;
/** A release of today may be about to tag what it has built. */
const RUNNING_S = 24 * 60 * 60;

/** The digest that a fallback tag lists the referrers of. */
export function subjectOfTag(tag: string): Digest | undefined {
  const digest = `sha256:${REFERRERS.exec(tag)?.[1] ?? ""}`;
  return isDigest(digest) ? digest : undefined;
}

/** Tags that follow branches and pull requests, by an image's rules. */
export interface MovingTags {
  readonly branches: readonly VersionForm[];
  readonly pullRequests: readonly VersionForm[];
  /** What other rules give, or a branch whose tags stay: none of these is taken for a branch's tag. */
  readonly kept: ReadonlySet<string>;
  /** The same, of names with a date or a commit in them. */
  readonly keptForms: readonly VersionForm[];
}

export interface MovingTagsInput {
  readonly images: readonly ImageConfig[];
  readonly event: ReleaseEvent;
  /** Those whose tags stay: the default branch, what is checked out, what a workflow deploys. */
  readonly branches: readonly string[];
  readonly gitTags: readonly string[];
  readonly now: Date;
}

export function movingTags({ images, event, branches, gitTags, now }: MovingTagsInput): MovingTags {
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
  // The same events on other days, from other commits: what differs is a form, the rest a name.
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

/** The kind of tag by its name alone; undefined for every tag that a prune never removes. */
export function prunableKind(tag: string, moving: MovingTags): PrunableKind | undefined {
  if (CANDIDATE.test(tag)) return "candidate";
  if (REFERRERS.test(tag)) return "referrers";
  if (moving.kept.has(tag) || VERSION.test(tag)) return undefined;
  if (moving.pullRequests.some((form) => /^[0-9]+$/.test(without(tag, form)))) return "pull request";
  if (moving.keptForms.some((form) => without(tag, form) !== "")) return undefined;
  return moving.branches.some((form) => without(tag, form) !== "") ? "branch" : undefined;
}

function without(tag: string, { prefix, suffix }: VersionForm): string {
  const isFormed = tag.startsWith(prefix) && tag.endsWith(suffix);
  return isFormed ? tag.slice(prefix.length, Math.max(prefix.length, tag.length - suffix.length)) : "";
}

/**
 * What of a repository may go, and why the rest of its kind stays. Whatever can be reached from a tag that stays (the
 * platforms of an index, a subject, its referrers) stays too.
 */
export function planPrune(contents: RepositoryContents, rules: PruneRules): RepositoryPrune {
  const fates = new Map<string, TagFate>();
  const kindOf = (name: string) => prunableKind(name, rules.moving);
  const names = [...contents.tags.keys()].sort();
  const decide = (
    kinds: readonly PrunableKind[],
    judge: (
      name: string,
      digest: Digest,
      kind: PrunableKind,
    ) => Pick<TagFate, "action" | "reason"> | undefined,
  ) => {
    for (const name of names) {
      const kind = kindOf(name);
      const digest = contents.tags.get(name);
      if (kind === undefined || digest === undefined || !kinds.includes(kind)) continue;
      const fate = judge(name, digest, kind);
      if (fate !== undefined) fates.set(name, { name, digest, kind, ...fate });
    }
  };
  const staying = (digest: Digest, counts: (name: string) => boolean) =>
    names.filter(
      (name) => contents.tags.get(name) === digest && fates.get(name)?.action !== "remove" && counts(name),
    );

  decide(["branch", "pull request"], (name, digest, kind) => movingFate(contents, rules, name, digest, kind));
  decide(["candidate"], (_, digest) =>
    candidateFate(
      contents,
      rules,
      digest,
      staying(digest, (other) => !CANDIDATE.test(other)),
    ),
  );

  const { needed, doomed } = separate(contents, fates, rules.recorded);
  decide(["referrers"], (name) => referrersFate(contents, name, doomed));
  return {
    repository: contents.repository,
    tags: names.flatMap((name) => fates.get(name) ?? []),
    removals: removals(contents, fates, needed),
  };
}

function keep(reason: string): Pick<TagFate, "action" | "reason"> {
  return { action: "keep", reason };
}

function remove(reason: string): Pick<TagFate, "action" | "reason"> {
  return { action: "remove", reason };
}

function movingFate(
  { images }: RepositoryContents,
  { olderThan, now, recorded }: PruneRules,
  name: string,
  digest: Digest,
  kind: PrunableKind,
): Pick<TagFate, "action" | "reason"> | undefined {
  const image = images.get(digest);
  if (olderThan === undefined || image === undefined) return undefined;
  // A branch's name could be any tag's: it is one where Slipway built the image for just this name.
  if (kind === "branch" && (!image.isOurs || image.builtFor !== name || image.claimed !== undefined))
    return undefined;
  const stays =
    ownReason(image) ?? (recorded.has(digest) ? keep("this stack's last release wrote it") : undefined);
  if (stays !== undefined) return stays;
  const days = ageInDays(image, now);
  if (days === undefined) return keep("its age is unknown");
  return days * 86_400 < olderThan
    ? keep(`made ${daysText(days)} ago`)
    : remove(`tag of a ${kind}, made ${daysText(days)} ago`);
}

/** Why an image stays whatever its age; undefined where nothing says so. */
function ownReason({ owner, versions }: PrunableImage): Pick<TagFate, "action" | "reason"> | undefined {
  if (owner !== undefined) return keep(owner);
  const [version] = versions;
  return version === undefined ? undefined : keep(`a release statement says that it is ${version}`);
}

/** @param others the tags on the same digest that stay and are no candidates */
function candidateFate(
  { images, tags }: RepositoryContents,
  rules: PruneRules,
  digest: Digest,
  others: readonly string[],
): Pick<TagFate, "action" | "reason"> {
  const image = images.get(digest);
  if (image === undefined) return keep("its image cannot be read");
  if (image.owner !== undefined) return keep(image.owner);
  if (others.length > 0) return namedFate(image, rules, others);
  const stated = ownReason(image);
  if (stated !== undefined) return stated;
  if (rules.recorded.has(digest)) return keep("this stack's last release, or its settings, name it");
  const days = ageInDays(image, rules.now);
  if (days === undefined) return keep("its age is unknown");
  if (days * 86_400 < RUNNING_S) return keep("made today: a release may be about to tag it");
  const version = image.claimed ?? (VERSION.test(image.builtFor ?? "") ? image.builtFor : undefined);
  const isReleased = [...tags.keys()].some(
    (name) => spells(name, version ?? "") && name.endsWith(version ?? ""),
  );
  const isOld = rules.olderThan !== undefined && days * 86_400 >= rules.olderThan;
  if (version !== undefined && !isReleased && !isOld)
    return keep(`built for ${version}, which is not released: releasing it again takes this`);
  return remove(`no release has this content, made ${daysText(days)} ago`);
}

/** A candidate whose content has other tags: they find it again, unless they move on or later releases look for it. */
function namedFate(
  { versions, revision = "" }: PrunableImage,
  { images }: PruneRules,
  others: readonly string[],
): Pick<TagFate, "action" | "reason"> {
  if (images.some(({ labels }) => labels === "none"))
    return keep("a later release with the same content finds it by this tag");
  const short = revision.slice(0, 7);
  const fixed = others.filter(
    (name) => versions.some((version) => spells(name, version)) || (short !== "" && spells(name, short)),
  );
  const moving = others.filter((name) => !fixed.includes(name));
  const [first] = fixed;
  if (first === undefined || moving.length > 0) return keep(`what ${moving[0] ?? "a tag"} points to now`);
  return remove(`${first} has this content`);
}

/** Whether a tag spells a version or a commit: `1.2.3-alpine` does for `1.2.3`, `11.2.3` and `1.2.30` do not. */
function spells(tag: string, text: string): boolean {
  const at = tag.indexOf(text);
  return at !== -1 && !/[0-9.]/.test(tag[at - 1] ?? "") && !/^\.?[0-9]/.test(tag.slice(at + text.length));
}

function referrersFate(
  { gone }: RepositoryContents,
  name: string,
  doomed: ReadonlySet<Digest>,
): Pick<TagFate, "action" | "reason"> {
  const subject = subjectOfTag(name);
  if (subject === undefined) return keep("lists the referrers of no digest");
  if (gone.has(subject)) return remove(`signatures of ${shortDigest(subject)}, which is gone`);
  return doomed.has(subject)
    ? remove(`signatures of ${shortDigest(subject)}, which goes`)
    : keep(`signatures of ${shortDigest(subject)}`);
}

/**
 * What is needed, and what goes. A fallback tag counts as long as its subject stays, and what it lists then stays too,
 * which can save further subjects: repeated until nothing more is saved.
 */
function separate(
  contents: RepositoryContents,
  fates: ReadonlyMap<string, TagFate>,
  recorded: ReadonlySet<Digest>,
): { readonly needed: ReadonlySet<Digest>; readonly doomed: ReadonlySet<Digest> } {
  const tags = [...contents.tags];
  const removed = tags.flatMap(([name, digest]) => (fates.get(name)?.action === "remove" ? [digest] : []));
  const roots = tags.flatMap(([name, digest]) =>
    fates.get(name)?.action === "remove" || subjectOfTag(name) !== undefined ? [] : [digest],
  );
  for (let before = -1; ; ) {
    const needed = reach(contents, [...roots, ...recorded], "everything");
    const doomed = new Set([...reach(contents, removed, "parts")].filter((digest) => !needed.has(digest)));
    if (needed.size === before) return { needed, doomed };
    before = needed.size;
    for (const [name, digest] of tags) {
      const subject = subjectOfTag(name);
      if (subject !== undefined && !contents.gone.has(subject) && !doomed.has(subject)) roots.push(digest);
    }
  }
}

/** @param follow `parts`: children and referrers; `everything`: also what a manifest is about */
function reach(
  { manifests }: RepositoryContents,
  from: Iterable<Digest>,
  follow: "parts" | "everything",
): Set<Digest> {
  const referrers = new Map<Digest, Digest[]>();
  for (const [digest, { subject }] of manifests)
    if (subject !== undefined) referrers.set(subject, [...(referrers.get(subject) ?? []), digest]);
  const found = new Set<Digest>(from);
  for (const digest of found) {
    const { children = [], subject } = manifests.get(digest) ?? {};
    const about = follow === "everything" && subject !== undefined ? [subject] : [];
    for (const next of [...children, ...(referrers.get(digest) ?? []), ...about]) found.add(next);
  }
  return found;
}

function removals(
  contents: RepositoryContents,
  fates: ReadonlyMap<string, TagFate>,
  needed: ReadonlySet<Digest>,
): Removal[] {
  const going = [...fates.values()].filter(({ action }) => action === "remove");
  const groups = [...new Set(going.map(({ digest }) => digest))].map((digest) => {
    const tags = going.filter((fate) => fate.digest === digest);
    const isNeeded =
      needed.has(digest) ||
      [...contents.tags].some(([name, at]) => at === digest && fates.get(name)?.action !== "remove");
    return { digest, tags, isNeeded, parts: isNeeded ? new Set<Digest>() : partsOf(contents, digest, tags) };
  });
  // An index goes before what it holds; images before the fallback tags that list their referrers.
  groups.sort(
    (a, b) =>
      Number(a.tags.some(isReferrers)) - Number(b.tags.some(isReferrers)) || b.parts.size - a.parts.size,
  );
  return groups.map(({ digest, tags, isNeeded, parts }, at) => {
    const later = new Set(groups.slice(at + 1).flatMap((group) => [group.digest, ...group.parts]));
    const own = [...parts].filter(
      (part) => part !== digest && !needed.has(part) && !later.has(part) && contents.manifests.has(part),
    );
    return {
      digest,
      tags: tags.map(({ name }) => name).sort(),
      by: isNeeded ? "tag" : "digest",
      manifests: own,
    };
  });
}

function isReferrers({ kind }: TagFate): boolean {
  return kind === "referrers";
}

/** What goes with a digest. A list of referrers may name anything: only what says itself what it is about counts. */
function partsOf(contents: RepositoryContents, digest: Digest, tags: readonly TagFate[]): Set<Digest> {
  if (!tags.some(isReferrers)) return reach(contents, [digest], "parts");
  const subjects = tags.map(({ name }) => subjectOfTag(name));
  const { children = [] } = contents.manifests.get(digest) ?? {};
  const listed = children.filter((child) => {
    const subject = contents.manifests.get(child)?.subject;
    return subject !== undefined && subjects.includes(subject);
  });
  return reach(contents, listed, "parts");
}

function ageInDays({ madeAt }: PrunableImage, now: Date): number | undefined {
  return madeAt === undefined ? undefined : Math.max(0, (now.getTime() - madeAt.getTime()) / 86_400_000);
}

function daysText(days: number): string {
  const whole = Math.floor(days);
  return whole === 1 ? "1 day" : `${whole} days`;
}
