import { REVISION_ANNOTATION, VERSION_ANNOTATION } from "./annotations";
import type { Digest } from "./digest";
import { type ContentInput, verifiedSightings } from "./planned-content";
import { type FoundImage, verifiedImage } from "./registry-state";
import type { WantedTag } from "./release-intent";
import type { PlannedTag, Refusal, TagLevel } from "./release-plan";
import { type Ancestry, decideTag, type LiveTag, newerVersion, type TagWish } from "./tag-policy";
import { tagOfVersion } from "./versions";

export interface TagsInput extends ContentInput {
  readonly digest: Digest | undefined;
  /** How commits that live tags point to relate to the one being released. */
  readonly ancestry: Readonly<Record<string, Ancestry>>;
  /** `move`: the team's policy lets pre-releases move floating tags. Default: they move none. */
  readonly prereleases?: "move";
}

export interface TagDecisions {
  readonly tags: readonly PlannedTag[];
  readonly refusals: readonly Refusal[];
}

export function decideTags(input: TagsInput, desired: readonly WantedTag[]): TagDecisions {
  const tags: PlannedTag[] = [];
  const refusals: Refusal[] = [];
  const existing = existingTags(input);
  for (const repository of input.repositories) {
    for (const tag of desired) {
      const found = input.state.repositories[repository]?.found[tag.name];
      const live = found && verifiedLiveTag(input, repository, found);
      const own = wishOf(input, tag);
      const ancestry = input.ancestry[live?.revision ?? ""] ?? "unknown";
      const decided = decideTag(own, live, existing, ancestry);
      const isLost = decided.action === "keep" && live?.unverified === true;
      const newest = isLost ? newestWish(input, repository, own, existing) : undefined;
      const decision = newest === undefined ? decided : ({ action: "move" } as const);
      const wish = newest ?? own;
      const overrule = `${input.intent.name}:${tag.name}`;
      if (decision.action === "refuse") {
        const message = `${repository}: ${decision.reason}`;
        refusals.push({ code: decision.code, path: overrule, message, overrule });
        continue;
      }
      const kept = decision.action === "keep" ? live : undefined;
      // The resource of a floating tag that rightly stays holds what is there.
      const held = kept && {
        digest: kept.digest,
        version: kept.version,
        revision: kept.revision ?? "",
      };
      const final = { ...wish, ...held };
      const isMoved = decision.action === "move";
      const isWritten = isMoved || decision.action === "create";
      const back = tag.class === "floating" && isMoved ? rollbackReason(wish) : undefined;
      const drift = isWritten ? driftReason(input, repository, tag.name, live) : undefined;
      tags.push({
        image: input.intent.name,
        repository,
        name: tag.name,
        class: tag.class,
        action: decision.action,
        from: live && { digest: live.digest, version: live.version },
        to: { digest: final.digest, version: final.version },
        reason:
          decision.action === "keep"
            ? decision.reason
            : (back ??
              (newest && NOT_VERIFIED) ??
              drift ??
              ("reason" in decision ? decision.reason : undefined)),
        overrule: decision.action === "keep" ? overrule : undefined,
        wish: final,
        ancestry,
      });
    }
  }
  return { tags, refusals };
}

/**
 * The names by which versions are known to exist: all tags, and the versions that the state and signed statements name,
 * even if their own tag is gone. A release that publishes no version tag leaves none behind, so there the versions of
 * live tags count as well.
 */
function existingTags(input: TagsInput): string[] {
  const { intent, repositories, state, verification } = input;
  const live = verifiedSightings(input);
  const recorded = verification.previous?.images.filter(({ name }) => name === verification.name) ?? [];
  const stated = verification.signing
    ? [...live.flatMap(({ verified }) => verified.statements), ...recorded]
    : [];
  const isUntagged = intent.version !== undefined && !intent.tags.some((tag) => tag.class === "version");
  const shown = isUntagged ? live.map(({ image }) => liveTag(image)) : [];
  return [
    ...new Set([
      ...repositories.flatMap((name) => state.repositories[name]?.tags ?? []),
      ...[...stated, ...shown]
        .flatMap(({ version }) => version ?? [])
        .map((text) => tagOfVersion(text, intent.form)),
    ]),
  ];
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
  const found = state.repositories[repository]?.found[tagOfVersion(newer.text, own.form)];
  const verified = found && verifiedImage(verification, repository, found);
  const stated = verified?.statements.find(({ version }) => version === newer.text);
  if (found === undefined || stated === undefined) return undefined;
  const { revision } = stated;
  return { ...own, rollback: undefined, version: newer.text, revision, digest: found.digest };
}

function wishOf(input: TagsInput, tag: WantedTag): TagWish {
  const { intent, digest } = input;
  const { version, form } = tag.follows ?? intent;
  return {
    name: tag.name,
    class: tag.class,
    line: tag.line,
    form,
    version,
    revision: intent.revision,
    digest,
    overruled: input.overruled(tag.name),
    prereleases: input.prereleases,
    bad: intent.bad.length === 0 ? undefined : intent.bad,
    rollback: intent.existing?.from === "rollback" ? { until: intent.existing.until } : undefined,
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

export function liveTag({ digest, annotations }: FoundImage): LiveTag {
  return {
    digest,
    version: annotations[VERSION_ANNOTATION],
    revision: annotations[REVISION_ANNOTATION],
  };
}

function verifiedLiveTag({ verification }: TagsInput, repository: string, found: FoundImage): LiveTag {
  const isVerified = verifiedImage(verification, repository, found) !== undefined;
  return isVerified ? liveTag(found) : { digest: found.digest, unverified: true };
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
  return `it was ${live === undefined ? "deleted" : "moved"} since the last release`;
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
