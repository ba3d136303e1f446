import { CONTENT_KEY_ANNOTATION } from "./annotations";
import { type Digest, shortDigest } from "./digest";
import { withoutRepeats } from "./problem";
import {
  type FoundImage,
  type RegistryState,
  type Verification,
  type VerifiedImage,
  verifiedImage,
} from "./registry-state";
import { candidateName, hasMovingCandidate, type ImageIntent } from "./release-intent";
import type { PlannedContent, Refusal } from "./release-plan";
import { givesWayToBuild, lacksSbom } from "./sbom";
import { isStatementOf, type ReleaseStatement } from "./statement";

/** An existing tag in a repository. */
export interface Sighting {
  readonly repository: string;
  readonly tag: string;
  readonly image: FoundImage;
}

export type VerifiedSighting = Sighting & { readonly verified: VerifiedImage };

export interface ContentInput {
  readonly intent: ImageIntent;
  readonly repositories: readonly string[];
  readonly state: RegistryState;
  readonly verification: Verification;
  readonly overridden: (tag: string) => boolean;
}

export interface ContentDecision {
  readonly content: PlannedContent;
  /** Of content that a registry holds; absent for a build. */
  readonly verified?: VerifiedImage;
  readonly refusals: readonly Refusal[];
  readonly notices: readonly string[];
}

/** Decides where an image's content comes from: its own release, an index with the same content key, or a build. */
export function decideContent(input: ContentInput): ContentDecision {
  const { existing } = input.intent;
  if (existing !== undefined) return { content: existing, refusals: [], notices: [] };
  const released = sightings(input).filter(
    ({ tag }) => isVersionTag(input.intent, tag) && !input.overridden(tag),
  );
  const first = released[0];
  if (first === undefined) return candidateOrBuild(input);

  const verified = verifiedRelease(input, first);
  const refusals = [...disagreement(input, released), ...released.flatMap((seen) => foreign(input, seen))];
  const content = { from: "version-tag", tag: first.tag, digest: first.image.digest } as const;
  const key = verified?.contentKey ?? "";
  const isOther = key !== "" && key !== input.intent.contentKey;
  const notices = refusals.length === 0 && isOther ? keptNotices(input.intent, first, verified) : [];
  return { content, verified, refusals: withoutRepeats(refusals), notices };
}

/** Bases that have moved are reported by `movedBases`, not here. */
function keptNotices(
  intent: ImageIntent,
  { tag, image }: Sighting,
  verified: VerifiedImage | undefined,
): string[] {
  const statement = verified?.statements.find((stated) => isStatementOf(stated, intent));
  const known = statement === undefined ? [] : differences(statement, intent);
  if (known.length === 0 && statement !== undefined && movedReferences(statement, intent).length > 0)
    return [];
  const other = "files of its context, its Dockerfile, arguments, bases, labels or other settings";
  const what = known.length > 0 ? known.join("; ") : other;
  return [
    `${intent.name}: what it is made from is not what ${tag} was released with (${what}); ` +
      `the release that exists (${shortDigest(image.digest)}) is kept`,
  ];
}

/** References of bases that point to another image now. */
export function movedReferences(
  { bases }: Pick<ReleaseStatement, "bases">,
  intent: Pick<ImageIntent, "bases">,
): string[] {
  const isMoved = (name: string) => intent.bases[name] !== undefined && intent.bases[name] !== bases[name];
  return Object.keys(bases).filter(isMoved);
}

/** The inputs that differ from what a release states, without bases that have moved. */
function differences(stated: ReleaseStatement, intent: ImageIntent): string[] {
  const moved = movedReferences(stated, intent);
  const digests = (bases: ReleaseStatement["bases"]) =>
    Object.fromEntries(
      Object.entries(bases)
        .filter(([name]) => !moved.includes(name))
        .map(([name, digest]) => [name, shortDigest(digest)]),
    );
  const platforms = (of: readonly string[]) => ({ platforms: [...of].sort().join(", ") });
  const ofPlatforms = changes(platforms(stated.platforms), platforms(intent.image.platforms));
  // A statement that was attached later, from another working tree, has no inputs and bases.
  if (Object.keys({ ...stated.inputs, ...stated.bases }).length === 0) return ofPlatforms;
  return [
    ...ofPlatforms,
    ...changes(stated.inputs, intent.buildArgs),
    ...changes(digests(stated.bases), digests(intent.bases)),
  ];
}

function changes(before: Readonly<Record<string, string>>, now: Readonly<Record<string, string>>): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(now)])]
    .filter((name) => before[name] !== now[name])
    .sort()
    .map((name) => `${name}: ${before[name] ?? "none"} → ${now[name] ?? "none"}`);
}

/** Verifies a release that exists: this stack recorded it, or a trusted signer states it for this version. */
function verifiedRelease(
  { intent, verification }: ContentInput,
  { repository, tag, image }: Sighting,
): VerifiedImage | undefined {
  const verified = verifiedImage(verification, repository, image);
  if (verified === undefined || verified.by === "adopt" || verified.by === "registry") return verified;
  const statement = verified.statements.find((stated) => isStatementOf(stated, intent));
  if (statement !== undefined)
    return { ...verified, contentKey: statement.contentKey, revision: statement.revision };
  const isRecorded = recordedDigest(verification, repository, tag) === image.digest;
  return verified.by === "state" && isRecorded ? verified : undefined;
}

function recordedDigest(
  { name, previous }: Verification,
  repository: string,
  tag: string,
): Digest | undefined {
  return previous?.images
    .find((image) => image.name === name)
    ?.tags.find((known) => known.repository === repository && known.name === tag)?.digest;
}

/**
 * The intent with the content key and candidate tag of the content that exists. Today's working tree may make other
 * content, which must not be recorded under them.
 */
export function releasedIntent(
  intent: ImageIntent,
  content: PlannedContent,
  verified: VerifiedImage | undefined,
): ImageIntent {
  // A pinned base was built from another working tree.
  if (content.from === "candidate")
    return { ...intent, contentKey: verified?.contentKey || intent.contentKey };
  if (content.from !== "version-tag") return intent;
  const known = verified?.contentKey ?? "";
  const key = /^[0-9a-f]{64}$/.test(known) ? known : "";
  const name = key === "" ? content.digest.slice("sha256:".length) : key;
  // The commit's tag is the newest rebuild's by now.
  const isRebuilt = intent.rebuild?.newest !== undefined;
  const usesContentName =
    !hasMovingCandidate(intent) && (isRebuilt || intent.candidateTag?.startsWith("candidate-"));
  return {
    ...intent,
    contentKey: key,
    candidateTag: usesContentName ? candidateName(name) : intent.candidateTag,
  };
}

/** All existing tags that were read, the primary registry's first. */
export function sightings(input: Pick<ContentInput, "repositories" | "state">): Sighting[] {
  return input.repositories.flatMap((repository) => {
    const found = input.state.repositories[repository]?.found ?? {};
    return Object.entries(found).map(([tag, image]) => ({ repository, tag, image }));
  });
}

function isVersionTag(intent: ImageIntent, name: string): boolean {
  return intent.tags.some((tag) => tag.class === "version" && tag.name === name);
}

/** Uses verified content with the same content key, whatever its tag. */
function candidateOrBuild(input: ContentInput): ContentDecision {
  const { contentKey, sbom, name } = input.intent;
  const matches = verifiedSightings(input).filter(({ verified }) => verified.contentKey === contentKey);
  const whole = matches.find(({ image }) => !lacksSbom(image.annotations));
  const match = whole ?? matches.find(({ image }) => !givesWayToBuild(image.annotations, sbom));
  if (match === undefined) {
    const alike = sightings(input).find(
      ({ image }) => image.annotations[CONTENT_KEY_ANNOTATION] === contentKey,
    );
    const notice = alike === undefined || matches.length > 0 ? [] : [unverifiedNotice(name, alike)];
    return { content: { from: "build" }, refusals: [], notices: notice };
  }
  const content = { from: "candidate", tag: match.tag, digest: match.image.digest } as const;
  return { content, verified: match.verified, refusals: [], notices: [] };
}

export function verifiedSightings(input: ContentInput): readonly VerifiedSighting[] {
  return sightings(input).flatMap((seen) => {
    const verified = verifiedImage(input.verification, seen.repository, seen.image);
    return verified === undefined ? [] : [{ ...seen, verified }];
  });
}

export function unverifiedNotice(name: string, { repository, tag, image }: Sighting): string {
  return (
    `${name}: ${repository}:${tag} (${shortDigest(image.digest)}) says that it has this content, but no trusted ` +
    "signer claims that, so the content is built again"
  );
}

function disagreement({ intent }: ContentInput, released: readonly Sighting[]): Refusal[] {
  const digests = new Set<Digest>(released.map(({ image }) => image.digest));
  if (digests.size < 2) return [];
  const where = released.map(
    ({ repository, tag, image }) => `${repository}:${tag} is ${shortDigest(image.digest)}`,
  );
  return refuse(
    `${intent.name}:${released[0]?.tag ?? ""}`,
    "version-differs-between-registries",
    `one version, two digests: ${where.join(", ")}`,
    "Find out which one was released (slipway never moves a version tag); then delete the wrong tag.",
  );
}

/** Refuses a version tag that another commit made, or that was moved. */
function foreign(input: ContentInput, seen: Sighting): Refusal[] {
  const { intent, verification } = input;
  const { repository, tag, image } = seen;
  const path = `${intent.name}:${tag}`;
  const recorded = recordedDigest(verification, repository, tag);
  if (recorded !== undefined && recorded !== image.digest) {
    return refuse(
      path,
      "version-tag-moved",
      `${repository}:${tag} was released as ${shortDigest(recorded)} ` +
        `and now points to ${shortDigest(image.digest)}: a write-once tag was moved`,
      `Put it back by hand if that was a mistake: crane tag ${repository}@${recorded} ${tag}`,
    );
  }
  const verified = verifiedRelease(input, seen);
  if (verified === undefined) return [notVerified(intent.name, seen)];
  const stated = verified.statements.find((statement) => isStatementOf(statement, intent));
  const origin = stated?.revision ?? verified.revision;
  if (origin === intent.revision) return [];
  if (origin === undefined) {
    return refuse(
      path,
      "version-of-unknown-origin",
      `${repository}:${tag} exists (${shortDigest(image.digest)}) and does not say which commit it is`,
      "Release another version.",
    );
  }
  return refuse(
    path,
    "version-of-another-revision",
    `${repository}:${tag} was released from commit ${origin.slice(0, 12)}, ` +
      `and this is commit ${intent.revision.slice(0, 12)}`,
    `Release a new version, or check out ${origin.slice(0, 12)} to complete that one.`,
  );
}

/** A refusal that `slipway:override` can override. @param path `image:tag` */
function refuse(path: string, code: string, message: string, hint: string): Refusal[] {
  return [{ code, path, message, hint, override: path }];
}

export function notVerified(
  name: string,
  { repository, tag, image }: Pick<Sighting, "repository" | "tag" | "image">,
): Refusal {
  return {
    code: "version-not-verified",
    path: `${name}:${tag}`,
    message:
      `${repository}:${tag} exists (${shortDigest(image.digest)}), but no trusted signer states that it is this ` +
      `version of ${name}`,
    hint:
      "Signed with another key, such as an earlier clone's: name its public key in slipway:sign.trusted. Made by another " +
      `tool, or before signing: check the digest, then vouch for it with slipway:adopt: [${name}@${image.digest}]. ` +
      "Not your release at all: delete the tag.",
  };
}
