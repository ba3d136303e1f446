import { BASE_ANNOTATION, CONTENT_KEY_ANNOTATION } from "./annotations";
import { pinnedBaseKey } from "./content-key";
import { shortDigest } from "./digest";
import { missingPlatforms } from "./image-index";
import {
  type ContentDecision,
  type ContentInput,
  type Sighting,
  sightings,
  unverifiedNotice,
  type VerifiedSighting,
  verifiedSightings,
} from "./planned-content";
import type { Problem } from "./problem";
import { type Reference, repositoryKey } from "./reference";
import type { FoundImage } from "./registry-state";
import { BASE_IMAGE, type ImageIntent } from "./release-intent";
import type { Refusal } from "./release-plan";

/**
 * Decides where a base's content comes from: its tag, or a build. If releases are signed, the tag needs a claim. Without
 * signatures, a tag of another tool is trusted, unless an annotation names other content.
 */
export function decideBase(input: ContentInput): ContentDecision {
  const { intent, verification } = input;
  const tag = intent.candidateTag ?? "";
  const named = sightings(input).filter((seen) => seen.tag === tag && !input.overridden(tag));
  const found = verifiedSightings(input)
    .filter((seen) => seen.tag === tag && !input.overridden(tag))
    .filter(({ verified: { by, contentKey } }) => {
      return !verification.signing || by === "adopt" || contentKey !== "";
    });
  const [first] = found;
  if (first === undefined) {
    const notices = named.slice(0, 1).map((seen) => unverifiedNotice(intent.name, seen));
    return { content: { from: "build" }, refusals: [], notices };
  }
  const foreign = found.filter(({ image }) => image.annotations[CONTENT_KEY_ANNOTATION] === undefined);
  return {
    content: { from: "candidate", tag, digest: first.image.digest },
    verified: first.verified,
    refusals: [
      ...found.flatMap((seen) => otherContent(intent, seen) ?? []),
      ...[foreign.length === 0 ? undefined : twoBases(intent, found), lackingPlatforms(intent, first)].filter(
        (refusal) => refusal !== undefined,
      ),
    ],
    notices: foreign.map(
      ({ repository, image }) =>
        `${intent.name}: ${repository}:${tag} (${shortDigest(image.digest)}) was pushed by another tool; ` +
        "it is taken for the base because its name has the hash",
    ),
  };
}

/** Whether content is this base: the same content key, or the same short hash where the base is pinned by one. */
function holdsBase(
  { contentKey, candidateTag }: Pick<ImageIntent, "contentKey" | "candidateTag">,
  key: string,
  { [BASE_ANNOTATION]: hash = "" }: FoundImage["annotations"],
): boolean {
  return key === contentKey || (contentKey === pinnedBaseKey(hash) && candidateTag === `base-${hash}`);
}

function otherContent(
  intent: ImageIntent,
  { repository, tag, image, verified: { contentKey: key } }: VerifiedSighting,
): Refusal | undefined {
  if (key === "" || holdsBase(intent, key, image.annotations)) return undefined;
  return {
    code: "base-other-content",
    path: tagPath(intent),
    message: `${repository}:${tag} has the same short hash and other content: ${key.slice(0, 12)}, not ${intent.contentKey.slice(0, 12)}`,
    hint:
      "The short hash covers no names, modes or links. Change a byte of one of its files (a comment in its Dockerfile) " +
      `to get another tag, or delete that one: crane delete ${repository}:${tag}`,
  };
}

function twoBases(intent: ImageIntent, found: readonly Sighting[]): Refusal | undefined {
  if (new Set(found.map(({ image }) => image.digest)).size < 2) return undefined;
  const where = found.map(({ repository, image }) => `${shortDigest(image.digest)} in ${repository}`);
  return {
    code: "base-differs-between-registries",
    path: tagPath(intent),
    message: `one base, two digests: ${intent.candidateTag} is ${where.join(" and ")}`,
    hint: "Delete the tag where it is wrong; the right one is copied there.",
  };
}

function lackingPlatforms(intent: ImageIntent, { repository, tag, image }: Sighting): Refusal | undefined {
  const missing = missingPlatforms(image.platforms, intent.image.platforms);
  if (missing.length === 0) return undefined;
  const has = image.platforms.join(", ") || "no platform";
  return {
    code: "base-platforms",
    path: tagPath(intent),
    message: `${repository}:${tag} has ${has}, and not ${missing.join(", ")}`,
    hint: `Delete that tag to have it built again (crane delete ${repository}:${tag}), or ask for fewer platforms`,
  };
}

function tagPath({ name, candidateTag = "" }: ImageIntent): string {
  return `${name}:${candidateTag}`;
}

/**
 * A base has no version of its own: its floating tag moves if the release that is built from it is the newest one.
 * Without a version, it always moves.
 */
export function followReleases(intents: readonly ImageIntent[]): ImageIntent[] {
  return intents.map((intent) => {
    if (intent.image.addressed === undefined || intent.existing !== undefined) return intent;
    const release = intents.find(({ base, version }) => base?.image === intent.name && version !== undefined);
    if (release?.version === undefined) return intent;
    const follows = { version: release.version, form: release.form };
    return { ...intent, bad: release.bad, tags: intent.tags.map((tag) => ({ ...tag, line: {}, follows })) };
  });
}

/** Refuses an image that is not built from its base, and a base that is built from this release's images. */
export function baseUseProblems({
  image,
  path,
  references,
  isBase,
}: {
  readonly image: ImageIntent;
  /** The path of the Dockerfile's setting: `slipway:images[0].dockerfile`. */
  readonly path: string;
  readonly references: readonly (Reference & { readonly text: string })[];
  /** Whether other images of the release are built from it. */
  readonly isBase: boolean;
}): Problem[] {
  const problems: Problem[] = [];
  if (image.base !== undefined && !references.some(({ text }) => text === image.base?.reference)) {
    problems.push({
      code: "base-not-used",
      path,
      message: `is not built from ${image.base.image}: nothing in it takes \${${BASE_IMAGE}}`,
      hint: `Begin it with: ARG ${BASE_IMAGE}, and on the next line: FROM \${${BASE_IMAGE}}`,
    });
  }
  if (!isBase) return problems;
  const own = new Set(image.repositories.map(repositoryKey));
  for (const reference of references) {
    const released = own.has(repositoryKey(reference)) && reference.digest === undefined;
    if (!released || reference.text === image.base?.reference) continue;
    problems.push({
      code: "base-cycle",
      path,
      message: `is a cycle: ${image.name} is built from ${reference.text}, which this release makes from ${image.name}`,
      hint: "Build it from another repository's image, or from a digest",
    });
  }
  return problems;
}
