import { REVISION_ANNOTATION, VERSION_ANNOTATION } from "./annotations";
import type { Digest } from "./digest";
import { type ContentInput, verifiedSightings } from "./planned-content";
import { type FoundImage, verifiedImage } from "./registry-state";
import type { RequestedTag } from "./release-intent";
import type { PlannedTag, Refusal, TagLevel } from "./release-plan";
import {
  type Ancestry,
  type DesiredTag,
  decideTag,
  followsVersions,
  type LiveTag,
  newestVersion,
} from "./tag-policy";
import { compareVersions, parseVersion, tagOfVersion } from "./versions";

export interface TagsInput extends ContentInput {
  readonly digest: Digest | undefined;
  /** Commit of a live tag -> how it relates to the one being released. */
  readonly ancestry: Readonly<Record<string, Ancestry>>;
  /** `move`: the team's policy lets pre-releases move floating tags. @default they move none */
  readonly prereleases?: "move";
  /** Repositories whose tags cannot move: they get no floating tags. */
  readonly immutable: readonly string[];
}

export interface TagDecisions {
  readonly tags: readonly PlannedTag[];
  readonly refusals: readonly Refusal[];
}

/**
 * Decides about every requested tag in every repository. A floating tag that does not move to this release belongs to
 * the newest version of its line, and is put back there if it points elsewhere.
 */
export function decideTags(input: TagsInput, requested: readonly RequestedTag[]): TagDecisions {
  const tags: PlannedTag[] = [];
  const refusals: Refusal[] = [];
  const existing = existingTags(input);
  for (const repository of input.repositories) {
    for (const tag of requested) {
      if (tag.class === "floating" && input.immutable.includes(repository)) continue;
      const live = verifiedLiveTag(input, repository, tag.name);
      const ancestry = input.ancestry[live?.revision ?? ""] ?? "unknown";
      const place: TagPlace = { input, repository, live, ancestry };
      const desired = desiredTag(input, tag);
      const decision = decideTag(desired, live, existing, ancestry);
      switch (decision.action) {
        case "refuse": {
          const override = overrideOf(place, desired);
          const message = `${repository}: ${decision.reason}`;
          refusals.push({ code: decision.code, path: override, message, override });
          break;
        }
        case "keep":
          tags.push(keptTag(place, desired, existing, decision.reason));
          break;
        case "unchanged":
          tags.push(plannedTag(place, desired, "unchanged", {}));
          break;
        case "create":
        case "move": {
          const reasons = [writtenReason(place, desired), decision.reason].filter((one) => one !== undefined);
          const reason = reasons.length === 0 ? undefined : reasons.join("; ");
          tags.push(plannedTag(place, desired, decision.action, { reason }));
          break;
        }
      }
    }
  }
  return { tags, refusals };
}

/** A floating tag that does not move to this release: it stays, or is put back to the newest version of its line. */
function keptTag(
  place: TagPlace,
  desired: DesiredTag,
  existing: readonly string[],
  keptReason: string,
): PlannedTag {
  const { input, repository, live } = place;
  const newest = followsVersions(desired, live, existing)
    ? newestVersion(desired, existing)?.text
    : undefined;
  const back = newest === undefined ? undefined : movedToNewest(place, desired, newest);
  if (back !== undefined) return back;
  // The resource of a tag that stays holds what the tag points to now.
  const held = live && { digest: live.digest, version: live.version, revision: live.revision ?? "" };
  const isMissing =
    live === undefined &&
    newest !== undefined &&
    !hasTag(input, repository, tagOfVersion(newest, desired.form));
  const hint = isMissing ? `; to have it in ${repository} too, release ${newest} again` : "";
  const reason = `${keptReason}${hint}`;
  return plannedTag(place, { ...desired, ...held }, "keep", { reason, override: overrideOf(place, desired) });
}

/** The entry of `slipway:override` for a tag. */
function overrideOf({ input }: TagPlace, { name }: DesiredTag): string {
  return `${input.intent.name}:${name}`;
}

/** Puts back floating tags of other versions (`intent.others`) to the newest version of their line. */
export function putBackOthers(input: TagsInput): PlannedTag[] {
  const { intent, repositories, immutable } = input;
  const open = repositories.filter((repository) => !immutable.includes(repository));
  return open.flatMap((repository) =>
    (intent.others ?? []).flatMap(({ name, line, form, version }) => {
      const isRequested = intent.tags.some((tag) => tag.name === name);
      const desired = desiredTag(input, { name, class: "floating", line, follows: { version, form } });
      if (isRequested || desired.overridden) return [];
      const live = verifiedLiveTag(input, repository, name);
      return movedToNewest({ input, repository, live, ancestry: "unknown" }, desired, version) ?? [];
    }),
  );
}

/** A tag in one repository, as it is now. */
interface TagPlace {
  readonly input: TagsInput;
  readonly repository: string;
  readonly live: LiveTag | undefined;
  readonly ancestry: Ancestry;
}

function plannedTag(
  { input, repository, live, ancestry }: TagPlace,
  desired: DesiredTag,
  action: PlannedTag["action"],
  { reason, override }: Pick<PlannedTag, "reason" | "override">,
): PlannedTag {
  return {
    image: input.intent.name,
    repository,
    name: desired.name,
    class: desired.class,
    action,
    from: live && { digest: live.digest, version: live.version },
    to: { digest: desired.digest, version: desired.version },
    reason,
    override,
    desired,
    ancestry,
  };
}

/** Moves a floating tag to the newest version of its line; undefined if it is there, or if that version is not verified. */
function movedToNewest(place: TagPlace, desired: DesiredTag, version: string): PlannedTag | undefined {
  const { input, repository, live } = place;
  const found = input.state.repositories[repository]?.found[tagOfVersion(version, desired.form)];
  const verified = found && verifiedImage(input.verification, repository, found);
  if (found === undefined || verified === undefined || found.digest === live?.digest) return undefined;
  const stated = verified.statements.find((statement) => statement.version === version);
  if (input.verification.signing && stated === undefined && verified.by !== "adopt") return undefined;
  const revision = stated?.revision ?? verified.revision ?? "";
  const newest = { ...desired, rollback: undefined, version, revision, digest: found.digest };
  const drift = writtenReason(place, newest);
  const reason = `${version} is the newest version${drift === undefined ? "" : `, and ${drift}`}`;
  return plannedTag(place, newest, live === undefined ? "create" : "move", {
    reason: live?.unverified ? NOT_VERIFIED : reason,
  });
}

/** Why a tag is written although the last release wrote it: a rollback, a deleted version, or another tool. */
function writtenReason({ input, repository, live }: TagPlace, desired: DesiredTag): string | undefined {
  const isBack = desired.class === "floating" && live !== undefined;
  return (
    (isBack ? rollbackReason(desired) : undefined) ??
    (isBack ? goneReason(input, live, desired) : undefined) ??
    driftReason(input, repository, desired.name, live)
  );
}

/** A version whose tag was deleted does not exist any more, so its floating tags go back. */
function goneReason(input: TagsInput, live: LiveTag, { version, form }: DesiredTag): string | undefined {
  const [was, is] = [parseVersion(live.version ?? "", form), parseVersion(version ?? "", form)];
  if (was === undefined || is === undefined || compareVersions(was, is) !== 1) return undefined;
  const name = tagOfVersion(was.text, form);
  if (input.repositories.some((repository) => hasTag(input, repository, name))) return undefined;
  return `${was.text}, which it pointed to, has no tag any more`;
}

function hasTag({ state }: TagsInput, repository: string, name: string): boolean {
  return state.repositories[repository]?.tags.includes(name) === true;
}

/**
 * The tags from which the existing versions are known. If releases publish no version tags, the versions that the
 * state, signed statements and live tags name count too.
 */
function existingTags(input: TagsInput): string[] {
  const { intent, repositories, state, verification } = input;
  const names = repositories.flatMap((name) => state.repositories[name]?.tags ?? []);
  const isUntagged = intent.version !== undefined && !intent.tags.some((tag) => tag.class === "version");
  if (!isUntagged) return [...new Set(names)];
  const live = verifiedSightings(input);
  const recorded = verification.previous?.images.filter(({ name }) => name === verification.name) ?? [];
  const stated = verification.signing
    ? [...live.flatMap(({ verified }) => verified.statements), ...recorded]
    : [];
  const known = [...stated, ...live.map(({ image }) => liveTag(image))].flatMap(
    ({ version }) => version ?? [],
  );
  return [...new Set([...names, ...known.map((text) => tagOfVersion(text, intent.form))])];
}

const NOT_VERIFIED = "no trusted signer vouches for what it points to; it goes back to the newest version";

function desiredTag(input: TagsInput, tag: RequestedTag): DesiredTag {
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
    overridden: input.overridden(tag.name),
    prereleases: input.prereleases,
    bad: intent.bad.length === 0 ? undefined : intent.bad,
    rollback: intent.existing?.from === "rollback" ? { until: intent.existing.until } : undefined,
  };
}

/** A rollback moves floating tags only; other tags are kept in the plan if they are in place. */
export function rollbackTags({ tags }: TagDecisions): TagDecisions {
  return {
    tags: tags.filter((tag) => tag.class === "floating" || tag.action === "unchanged"),
    refusals: [],
  };
}

function rollbackReason({ rollback }: DesiredTag): string | undefined {
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

function verifiedLiveTag(
  { verification, state }: TagsInput,
  repository: string,
  name: string,
): LiveTag | undefined {
  const found = state.repositories[repository]?.found[name];
  if (found === undefined) return undefined;
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

function levelOf({ desired }: PlannedTag): number {
  if (desired.class !== "floating") return 0;
  if (desired.line === undefined) return 3;
  if (desired.line.minor !== undefined) return 1;
  return desired.line.major !== undefined ? 2 : 4;
}
