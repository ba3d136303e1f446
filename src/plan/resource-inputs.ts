import type { AttestationPlace } from "./config";
import { type Digest, isDigest } from "./digest";
import { hasMovingCandidate } from "./release-intent";
import type { PlannedDescription, PlannedImage, PlannedTag, ReleasePlan } from "./release-plan";
import type { ContentClaim, ReleaseStatement } from "./statement";
import type { Ancestry, DesiredTag } from "./tag-policy";
import type { SignConfig } from "./trust";

/** The content of an image as it has to be in every registry. */
export interface DesiredContent {
  readonly image: string;
  readonly repositories: readonly string[];
  readonly tag: string;
  /** Set where that tag moves from release to release: the digests that it may be moved away from. It is written for a build alone. */
  readonly replaces?: readonly Digest[];
  readonly contentKey: string;
  readonly revision: string;
  readonly platforms: readonly string[];
  /** If another run has reserved the tag meanwhile, its image is used instead of the one just built. */
  readonly source: "build" | "found";
  /** Whether a build's attestations stay in its index, or become referrers. */
  readonly attestations: AttestationPlace;
  /** Signed before the candidate tag is written; absent if nothing is signed. */
  readonly claim?: ContentClaim;
  readonly statement?: ReleaseStatement;
  /** How the digest and the statement are signed; the keys are in the provider's configuration. */
  readonly sign: SignConfig["mode"];
  /** Repositories that the plan found without the content or without its candidate tag. */
  readonly incomplete: readonly string[];
}

export function desiredContent(planned: PlannedImage, mode: SignConfig["mode"]): DesiredContent {
  const { name, repositories, intent, content, claim, statement, candidateTags, copyTo } = planned;
  if (content.from === "promotion" || intent.candidateTag === undefined) {
    throw new Error(`the content of "${name}" is promoted, so it has no candidate tag`);
  }
  const open = candidateTags.filter(({ action }) => action === "create" || action === "move");
  const moves = hasMovingCandidate(intent) && candidateTags.length === 0;
  return {
    image: name,
    repositories,
    tag: intent.candidateTag,
    ...(moves ? { replaces: planned.replaces ?? [] } : {}),
    contentKey: intent.contentKey,
    revision: intent.revision,
    platforms: intent.image.platforms,
    source: content.from === "build" ? "build" : "found",
    attestations: intent.image.attestations,
    claim,
    statement,
    // A rollback uploads nothing, since its content was signed when it was released.
    sign: content.from === "rollback" ? "none" : mode,
    incomplete: [...new Set([...copyTo, ...open.map(({ repository }) => repository)])],
  };
}

export function referrerDigests(references: readonly string[]): Digest[] {
  return [...new Set(references.map((reference) => reference.split("@")[1]).filter(isDigest))];
}

export function copyInputs({ name, repositories, intent, content, acceptedSigner }: PlannedImage) {
  if (content.from !== "promotion" && content.from !== "rollback") {
    throw new Error(`Promotion: the content of "${name}" is not there yet (${content.from})`);
  }
  return {
    image: name,
    source: content.source,
    digest: content.digest,
    repositories,
    platforms: intent.image.platforms,
    signer: acceptedSigner,
  };
}

export function descriptionInputs({ repository, full, short, kept }: PlannedDescription) {
  return { repository, full, short, kept };
}

/** Tags that are written together, once the level before is complete. */
export interface DesiredLevel {
  readonly name: string;
  readonly tags: readonly TagInput[];
}

export interface TagInput {
  readonly image: string;
  readonly lane: string;
  readonly repository: string;
  /** All repositories of the image, since a version counts wherever it exists. */
  readonly siblings: readonly string[];
  readonly desired: DesiredTag;
  /** The digest that the tag pointed to when the plan was made. */
  readonly from?: Digest;
  readonly ancestry: Ancestry;
}

/** The tags of a plan, in the order of writing. */
export function desiredTags({ levels, images, lane = "" }: ReleasePlan): DesiredLevel[] {
  const siblings = new Map(images.map(({ name, repositories }) => [name, repositories]));
  const desired = ({ image, repository, desired, from, ancestry }: PlannedTag): TagInput => ({
    image,
    lane,
    repository,
    siblings: siblings.get(image) ?? [],
    desired,
    from: from?.digest,
    ancestry,
  });
  return levels.map(({ name, tags }) => ({ name, tags: tags.map(desired) }));
}

/** `host/path:tag`. */
export function tagReference({ repository, desired }: Pick<TagInput, "repository" | "desired">): string {
  return `${repository}:${desired.name}`;
}

/** `host/path:tag` -> its digest: the tag's own (in a rollback), else the image's. */
export function tagDigests<D>(
  levels: readonly DesiredLevel[],
  digests: Readonly<Record<string, D>>,
): Record<string, D | Digest | undefined> {
  return Object.fromEntries(
    levels.flatMap(({ tags }) =>
      tags.map((tag) => [tagReference(tag), tag.desired.digest ?? digests[tag.image]] as const),
    ),
  );
}

/** The name of a build resource: another one for each generation, and for content that lacks its SBOM. */
export function buildName(
  image: string,
  contentKey: string,
  { build, sbom }: Pick<PlannedImage, "build" | "sbom">,
): string {
  const generation = build === undefined || build.generation === 0 ? "" : `-${build.generation}`;
  return `${image}-build-${contentKey.slice(0, 12)}${sbom === "unavailable" ? "-no-sbom" : ""}${generation}`;
}

/** @param siblings all repositories of the image */
export function descriptionName(image: string, repository: string, siblings: readonly string[]): string {
  return `${image}-description-${place(repository, siblings)}`;
}

/** The shortest name of a repository among its siblings: its host, or all of it if two share a host. */
function place(repository: string, siblings: readonly string[]): string {
  const hostOf = (name: string) => name.split("/")[0] ?? name;
  const host = hostOf(repository);
  const alone = siblings.filter((sibling) => hostOf(sibling) === host).length < 2;
  return (alone ? host : repository).replace(/[^A-Za-z0-9.-]+/g, "-");
}

/**
 * What a team's own rules can judge about an image before it is built or copied. The same release always gives the same
 * facts, so that a second run shows no change.
 *
 * @param signed how this release signs; promoted content and rollbacks keep their signatures
 */
export function imageFacts(plan: PlannedImage, signed: SignConfig["mode"] = "none") {
  const { name, intent, repositories, content } = plan;
  const isTaken = content.from === "promotion" || content.from === "rollback";
  return {
    image: name,
    version: intent.version,
    revision: intent.revision,
    /** `source`: made from the working tree, now or by an earlier run. */
    origin: isTaken ? content.from : "source",
    repositories,
    platforms: intent.image.platforms,
    // All tags that the rules make, also floating ones that do not move.
    tags: intent.tags.map((tag) => ({ name: tag.name, class: tag.class })),
    bases: intent.bases,
    provenance: intent.image.provenance,
    /** The SBOM generator's image, or empty. */
    sbom: intent.image.sbom === false ? "" : intent.image.sbom.generator,
    signed,
  };
}
