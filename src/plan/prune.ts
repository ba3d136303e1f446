import type { ImageConfig } from "./config";
import { type Digest, shortDigest } from "./digest";
import type { Problem } from "./problem";
import {
  CANDIDATE_TAG,
  type MovingTags,
  type PrunableKind,
  prunableKind,
  subjectOfTag,
  VERSION_LIKE,
} from "./prunable-tags";

/** What a manifest refers to. The registry itself cleans up blobs. */
export interface ManifestLinks {
  /** Entries of an index. */
  readonly children: readonly Digest[];
  readonly subject?: Digest;
}

/** What is known about an image whose tag may be removed. Unverified facts can only keep a tag. */
export interface PrunableImage {
  /** Versions that release statements give it. */
  readonly versions: readonly string[];
  /** The version that its claim says it was built for. */
  readonly claimed?: string;
  /** The tag that its annotation says it was built for: a version, a branch. */
  readonly builtFor?: string;
  /** Its commit, 40 hex digits. */
  readonly revision?: string;
  /** Slipway built it: it has a content key. */
  readonly isOurs: boolean;
  /** Why it does not belong to this stack: its claim names another image, or another signer signed it. */
  readonly owner?: string;
  /** When it was built, else its commit's date. */
  readonly madeAt?: Date;
}

/** The contents of a repository, as far as a prune depends on them. */
export interface RepositoryContents {
  /** `host/path`. */
  readonly repository: string;
  readonly tags: ReadonlyMap<string, Digest>;
  readonly manifests: ReadonlyMap<Digest, ManifestLinks>;
  /** The images of tags that may be removed. */
  readonly images: ReadonlyMap<Digest, PrunableImage>;
  /** Digests that fallback tags name, but that the repository does not have. */
  readonly gone: ReadonlySet<Digest>;
}

export interface PruneRules {
  readonly images: readonly ImageConfig[];
  /** Digests that this stack's state or settings name. */
  readonly recorded: ReadonlySet<Digest>;
  readonly moving: MovingTags;
  readonly now: Date;
  /** In seconds. Absent: tags of branches and pull requests stay, and so do unfinished releases. */
  readonly olderThan?: number;
}

interface Fate {
  readonly action: "keep" | "remove";
  readonly reason: string;
}

export interface TagFate extends Fate {
  readonly name: string;
  readonly digest: Digest;
  readonly kind: PrunableKind;
}

/** A digest, and those of its tags that are removed together. */
export interface Removal {
  readonly digest: Digest;
  readonly tags: readonly string[];
  /** `tag`: the digest is still needed, and deleting it would remove its other tags too. */
  readonly by: "tag" | "digest";
  /** Platforms and referrers of the digest that nothing else needs. */
  readonly manifests: readonly Digest[];
}

/** The result of a removal, or why it was not carried out. */
export interface RemovalOutcome extends Pick<Removal, "digest" | "tags"> {
  readonly removed: boolean;
  readonly reason?: string;
}

export interface RepositoryPrune {
  readonly repository: string;
  /** Tags of the kinds that can be removed, sorted by name. */
  readonly tags: readonly TagFate[];
  /** In the order of execution. */
  readonly removals: readonly Removal[];
}

/** The prune of a repository, with its problems and, if it was carried out, its outcomes. */
export interface PruneResult extends RepositoryPrune {
  /** The number of all tags, of all kinds. */
  readonly tagCount: number;
  readonly problems: readonly Problem[];
  readonly outcomes?: readonly RemovalOutcome[];
}

/** A release that is running may be about to tag what it has built. */
const RUNNING_S = 24 * 60 * 60;

/**
 * Decides which tags and digests of a repository are removed, and why the others stay. Everything that can be reached
 * from a tag that stays (platforms of an index, a subject, its referrers) stays too.
 */
export function planPrune(contents: RepositoryContents, rules: PruneRules): RepositoryPrune {
  const fates = new Map<string, TagFate>();
  const kindOf = (name: string) => prunableKind(name, rules.moving);
  const names = [...contents.tags.keys()].sort();
  const decide = (
    kinds: readonly PrunableKind[],
    judge: (name: string, digest: Digest, kind: PrunableKind) => Fate | undefined,
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
      staying(digest, (other) => !CANDIDATE_TAG.test(other)),
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

function keep(reason: string): Fate {
  return { action: "keep", reason };
}

function remove(reason: string): Fate {
  return { action: "remove", reason };
}

function movingFate(
  { images }: RepositoryContents,
  { olderThan, now, recorded }: PruneRules,
  name: string,
  digest: Digest,
  kind: PrunableKind,
): Fate | undefined {
  const image = images.get(digest);
  if (olderThan === undefined || image === undefined) return undefined;
  // A branch can have any name: the tag is the branch's only if Slipway built its image for this name.
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

/** Why an image stays at any age; undefined if there is no reason. */
function ownReason({ owner, versions }: PrunableImage): Fate | undefined {
  if (owner !== undefined) return keep(owner);
  const [version] = versions;
  return version === undefined ? undefined : keep(`a release statement says that it is ${version}`);
}

/** @param others the tags on the same digest that stay and are not candidates */
function candidateFate(
  { images, tags }: RepositoryContents,
  rules: PruneRules,
  digest: Digest,
  others: readonly string[],
): Fate {
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
  const version = image.claimed ?? (VERSION_LIKE.test(image.builtFor ?? "") ? image.builtFor : undefined);
  const isReleased = [...tags.keys()].some(
    (name) => spells(name, version ?? "") && name.endsWith(version ?? ""),
  );
  const isOld = rules.olderThan !== undefined && days * 86_400 >= rules.olderThan;
  if (version !== undefined && !isReleased && !isOld)
    return keep(`built for ${version}, which is not released: releasing it again takes this`);
  return remove(`no release has this content, made ${daysText(days)} ago`);
}

/** A candidate whose content has other tags. It is not needed if those find the content, and never move. */
function namedFate(
  { versions, revision = "" }: PrunableImage,
  { images }: PruneRules,
  others: readonly string[],
): Fate {
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

/** Whether a tag contains a version or a commit: `1.2.3-alpine` contains `1.2.3`, `11.2.3` and `1.2.30` do not. */
function spells(tag: string, text: string): boolean {
  const at = tag.indexOf(text);
  return at !== -1 && !/[0-9.]/.test(tag[at - 1] ?? "") && !/^\.?[0-9]/.test(tag.slice(at + text.length));
}

function referrersFate({ gone }: RepositoryContents, name: string, doomed: ReadonlySet<Digest>): Fate {
  const subject = subjectOfTag(name);
  if (subject === undefined) return keep("lists the referrers of no digest");
  if (gone.has(subject)) return remove(`signatures of ${shortDigest(subject)}, which is gone`);
  return doomed.has(subject)
    ? remove(`signatures of ${shortDigest(subject)}, which goes`)
    : keep(`signatures of ${shortDigest(subject)}`);
}

/**
 * Separates what is needed from what is removed. A fallback tag stays with its subject, and so does what it lists, which
 * can save further subjects: repeated until nothing more is saved.
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
  // An index is removed before its platforms, and images before the fallback tags that list their referrers.
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

/** What is removed with a digest. A fallback tag can list anything, so only manifests with that subject count. */
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
