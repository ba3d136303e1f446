import { REVISION_ANNOTATION, VERSION_ANNOTATION } from "./annotations";
import type { Digest } from "./digest";
import { type FoundImage, type RegistryState, type Verification, verifiedImage } from "./registry-state";
import type { ImageIntent, WantedTag } from "./release-intent";
import type { PlannedTag, Refusal, TagLevel } from "./release-plan";
import { type Ancestry, decideTag, type LiveTag, newerVersion, type TagWish } from "./tag-policy";

export interface TagsInput {
  readonly intent: ImageIntent;
  readonly revision: string;
  readonly repositories: readonly string[];
  readonly state: RegistryState;
  /** Absent while it is not built. */
  readonly digest: Digest | undefined;
  /** How an image of a registry is verified. */
  readonly verification: Verification;
  /** How commits that live tags point to relate to the one being released. */
  readonly ancestry: Readonly<Record<string, Ancestry>>;
  readonly overruled: (tag: string) => boolean;
  /** `move`: the team's policy lets pre-releases move floating tags. Default: they move none. */
  readonly prereleases?: "move";
}

export interface TagDecisions {
  readonly tags: readonly PlannedTag[];
  readonly refusals: readonly Refusal[];
}

/** Decides each wanted tag in each repository. */
export function decideTags(input: TagsInput, wanted: readonly WantedTag[]): TagDecisions {
  const tags: PlannedTag[] = [];
  const refusals: Refusal[] = [];
  const existing = existingTags(input);
  for (const repository of input.repositories) {
    for (const tag of wanted) {
      const found = input.state.repositories[repository]?.found[tag.name];
      const live = found === undefined ? undefined : verifiedLiveTag(input, repository, found);
      const own = wishOf(input, tag);
      const ancestry =
        live?.revision === undefined ? "unknown" : (input.ancestry[live.revision] ?? "unknown");
      const decided = decideTag(own, live, existing, ancestry);
      const isLost = decided.action === "keep" && live?.unverified === true;
      const newest = isLost ? newestWish(input, repository, own, existing) : undefined;
      const decision = newest === undefined ? decided : ({ action: "move" } as const);
      const wish = newest ?? own;
      const overrule = `${input.intent.name}:${tag.name}`;
      if (decision.action === "refuse") {
        refusals.push({
          code: decision.code,
          path: overrule,
          message: `${repository}: ${decision.reason}`,
          overrule,
        });
        continue;
      }
      const kept = decision.action === "keep";
      const written = decision.action === "create" || decision.action === "move";
      const drift = written ? driftReason(input, repository, tag.name, live) : undefined;
      const back = tag.class === "floating" && decision.action === "move" ? rollbackReason(wish) : undefined;
      const lost = newest === undefined ? undefined : NOT_VERIFIED;
      const reason = kept ? decision.reason : (back ?? lost ?? drift);
      tags.push({
        image: input.intent.name,
        repository,
        name: tag.name,
        class: tag.class,
        action: decision.action,
        ...(live === undefined ? {} : { from: identity({ digest: live.digest }, live.version) }),
        to:
          kept && live !== undefined
            ? identity({ digest: live.digest }, live.version)
            : identity(wish.digest === undefined ? {} : { digest: wish.digest }, wish.version),
        ...(reason === undefined ? {} : { reason }),
        ...(kept ? { overrule } : {}),
        wish: kept && live !== undefined ? keptWish(wish, live) : wish,
        ancestry,
      });
    }
  }
  return { tags, refusals };
}

/**
 * The names by which versions are known to exist. A release that publishes no version tag leaves none behind, so there
 * the versions of live tags count as well.
 */
function existingTags(input: TagsInput): string[] {
  const { intent, repositories, state } = input;
  const known = [
    ...repositories.flatMap((name) => state.repositories[name]?.tags ?? []),
    ...statedVersions(input),
  ];
  if (intent.version === undefined || intent.tags.some((tag) => tag.class === "version"))
    return [...new Set(known)];
  const { prefix, suffix } = intent.form;
  const told = repositories
    .flatMap((name) =>
      Object.values(state.repositories[name]?.found ?? {}).map((found) =>
        verifiedLiveTag(input, name, found),
      ),
    )
    .flatMap((live) => (live.unverified ? [] : (live.version ?? [])))
    .map((version) => `${prefix}${version}${suffix}`);
  return [...new Set([...known, ...told])];
}

const NOT_VERIFIED = "no trusted signer vouches for what it points to; it goes back to the newest version";

/** The newest version, for a floating tag that was moved from it to an image that is not verified. */
function newestWish(
  { state, verification }: TagsInput,
  repository: string,
  own: TagWish,
  existing: readonly string[],
): TagWish | undefined {
  const newer = newerVersion(own, existing);
  if (newer === undefined) return undefined;
  const { prefix, suffix } = own.form;
  const found = state.repositories[repository]?.found[`${prefix}${newer.text}${suffix}`];
  const verified = found === undefined ? undefined : verifiedImage(verification, repository, found);
  const stated = verified?.statements.find(({ version }) => version === newer.text);
  if (found === undefined || stated === undefined) return undefined;
  const { rollback: _, ...wish } = own;
  return { ...wish, version: newer.text, revision: stated.revision, digest: found.digest };
}

/** The tag as it is, for a floating tag that rightly stays: its resource then wants what is there. */
function keptWish(wish: TagWish, live: LiveTag): TagWish {
  const { version: _, ...rest } = wish;
  return {
    ...rest,
    digest: live.digest,
    ...(live.version === undefined ? {} : { version: live.version }),
    revision: live.revision ?? "",
  };
}

function wishOf(input: TagsInput, tag: WantedTag): TagWish {
  const { intent, revision, digest } = input;
  const { version, form } = tag.follows ?? intent;
  return {
    name: tag.name,
    class: tag.class,
    ...(tag.line === undefined ? {} : { line: tag.line }),
    form,
    ...(version === undefined ? {} : { version }),
    revision,
    ...(digest === undefined ? {} : { digest }),
    overruled: input.overruled(tag.name),
    ...(input.prereleases === undefined ? {} : { prereleases: input.prereleases }),
    ...(intent.bad.length === 0 ? {} : { bad: intent.bad }),
    ...(intent.existing?.from === "rollback"
      ? { rollback: intent.existing.until === undefined ? {} : { until: intent.existing.until } }
      : {}),
  };
}

/** A rollback moves floating tags and no others: what is there already is only held. */
export function rollbackTags({ tags }: TagDecisions): TagDecisions {
  return {
    tags: tags.filter((tag) => tag.class === "floating" || tag.action === "unchanged"),
    refusals: [],
  };
}

function rollbackReason({ rollback }: TagWish): string | undefined {
  if (rollback === undefined) return undefined;
  return rollback.until === undefined
    ? "rollback, holds as long as rollback.to is set"
    : `rollback, holds until a version newer than ${rollback.until} is released`;
}

/** What a tag points to, as far as its image says. */
export function liveTag(found: FoundImage): LiveTag {
  const version = found.annotations[VERSION_ANNOTATION];
  const revision = found.annotations[REVISION_ANNOTATION];
  return {
    digest: found.digest,
    ...(version === undefined ? {} : { version }),
    ...(revision === undefined ? {} : { revision }),
  };
}

/** Versions in the state and of verified live tags. They count even if their own tag is gone. */
function statedVersions({ intent, repositories, state, verification }: TagsInput): string[] {
  const { name, signing, previous } = verification;
  if (!signing) return [];
  const live = repositories.flatMap((repository) =>
    Object.values(state.repositories[repository]?.found ?? {}).flatMap(
      (found) => verifiedImage(verification, repository, found)?.statements ?? [],
    ),
  );
  const recorded = previous?.images.filter((image) => image.name === name) ?? [];
  return [...live, ...recorded]
    .flatMap(({ version }) => version ?? [])
    .map((version) => `${intent.form.prefix}${version}${intent.form.suffix}`);
}

function verifiedLiveTag({ verification }: TagsInput, repository: string, found: FoundImage): LiveTag {
  const isVerified = verifiedImage(verification, repository, found) !== undefined;
  return isVerified ? liveTag(found) : { digest: found.digest, unverified: true };
}

function identity<D extends { readonly digest?: Digest }>(what: D, version: string | undefined) {
  return { ...what, ...(version === undefined ? {} : { version }) };
}

function driftReason(
  { verification: { previous }, intent }: TagsInput,
  repository: string,
  name: string,
  live: LiveTag | undefined,
): string | undefined {
  const recorded = previous?.images
    .find((image) => image.name === intent.name)
    ?.tags.find((tag) => tag.repository === repository && tag.name === name);
  if (recorded === undefined || recorded.digest === live?.digest) return undefined;
  return live === undefined
    ? "somebody deleted it since the last release"
    : "somebody moved it since the last release";
}

const LEVELS = ["version tags", "major.minor tags", "major tags", "other moving tags", "latest"] as const;

/** Version tags first, then narrower floating tags, then wider ones, `latest` last. */
export function tagLevels(tags: readonly PlannedTag[]): TagLevel[] {
  return LEVELS.flatMap((name, rank) => {
    const members = tags.filter((tag) => levelOf(tag) === rank);
    return members.length === 0 ? [] : [{ name, tags: members }];
  });
}

function levelOf({ wish }: PlannedTag): number {
  if (wish.class !== "floating") return 0;
  if (wish.line === undefined) return 3;
  if (wish.line.minor !== undefined) return 1;
  return wish.line.major !== undefined ? 2 : 4;
}
