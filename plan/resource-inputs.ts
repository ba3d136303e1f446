import { type Digest, isDigest } from "./digest";
import type { PlannedDescription, PlannedImage, PlannedTag } from "./release-plan";
import type { SignConfig } from "./trust";

/** Inputs that verify an image's content, apart from its digest. */
export function candidateInputs({ name, repositories, intent, content, claim }: PlannedImage) {
  if (content.from === "promotion" || intent.candidateTag === undefined) {
    throw new Error(`ImageRelease: the content of "${name}" is promoted; use Promotion`);
  }
  return {
    image: name,
    repositories,
    tag: intent.candidateTag,
    contentKey: intent.contentKey,
    revision: intent.revision,
    platforms: intent.image.platforms,
    source: content.from === "build" ? ("build" as const) : ("found" as const),
    ...(claim === undefined ? {} : { claim }),
    ...(intent.image.attestations === "index" ? {} : { attestations: intent.image.attestations }),
  };
}

/** What states and signs an image, beside its digest; undefined where there is neither a version nor a signature. */
export function attestationInputs(
  { name, repositories, statement, content }: PlannedImage,
  mode: SignConfig["mode"],
) {
  // Going back uploads nothing: what was signed then is signed now.
  const sign = content.from === "rollback" ? "none" : mode;
  if (statement === undefined && sign === "none") return undefined;
  return { image: name, repositories, ...(statement === undefined ? {} : { statement }), sign };
}

/** The digests of `host/path@digest`, without repeats: every registry has the same referrers. */
export function referrerDigests(references: readonly string[]): Digest[] {
  return [...new Set(references.map((reference) => reference.split("@")[1]).filter(isDigest))];
}

/** Inputs that copy content from where it was verified. */
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
    ...(acceptedSigner === undefined ? {} : { signer: acceptedSigner }),
  };
}

/** What writes a repository's description. */
export function descriptionInputs({ repository, full, short, kept }: PlannedDescription) {
  return {
    repository,
    full,
    ...(short === undefined ? {} : { short }),
    ...(kept === undefined ? {} : { kept }),
  };
}

/**
 * Inputs that write a tag, apart from its digest.
 *
 * @param siblings all repositories of the image
 * @param lane its lane; empty for a project without lanes
 */
export function tagInputs(tag: PlannedTag, siblings: readonly string[], lane: string) {
  const { digest: _, ...wish } = tag.wish;
  return {
    ...wish,
    repository: tag.repository,
    of: { image: tag.image, lane },
    siblings,
    planned: { ...(tag.from === undefined ? {} : { digest: tag.from.digest }), ancestry: tag.ancestry },
  };
}

/** The digest that a tag gets: its own (a rollback's), else that of its image. */
export function digestOfTag<D>(tag: PlannedTag, digests: Readonly<Record<string, D>>): D | Digest {
  const digest = tag.wish.digest ?? digests[tag.image];
  if (digest === undefined) throw new Error(`TagSet: digests has no entry for image "${tag.image}"`);
  return digest;
}
