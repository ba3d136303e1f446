import { CONTENT_KEY_ANNOTATION, REVISION_ANNOTATION } from "./annotations";
import { type Digest, shortDigest } from "./digest";
import type { ReleaseManifest } from "./manifest";
import { isStatementOf } from "./planned-statement";
import type { FoundImage, RegistryState } from "./registry-state";
import { candidateName, type ImageIntent } from "./release-intent";
import type { PlannedContent, Refusal } from "./release-plan";
import { givesWayToBuild, lacksSbom } from "./sbom";

/** A tag that exists, and where. */
export interface Sighting {
  readonly repository: string;
  readonly tag: string;
  readonly image: FoundImage;
}

export interface ContentInput {
  readonly intent: ImageIntent;
  readonly revision: string;
  /** `host/path`, the primary first. */
  readonly repositories: readonly string[];
  readonly state: RegistryState;
  /** What this stack released last. */
  readonly previous: ReleaseManifest | undefined;
  readonly overruled: (tag: string) => boolean;
}

export interface ContentDecision {
  readonly content: PlannedContent;
  readonly refusals: readonly Refusal[];
  readonly notices: readonly string[];
}

/** Where an image's content comes from: its own release, an index with the same content key, or a build. */
export function decideContent(input: ContentInput): ContentDecision {
  const { existing } = input.intent;
  if (existing !== undefined) return { content: existing, refusals: [], notices: [] };
  const released = sightings(input).filter(
    ({ tag }) => isVersionTag(input.intent, tag) && !input.overruled(tag),
  );
  const first = released[0];
  if (first === undefined) return { content: candidateOrBuild(input), refusals: [], notices: [] };

  const refusals = [...disagreement(input, released), ...released.flatMap((seen) => foreign(input, seen))];
  const content = { from: "version-tag", tag: first.tag, digest: first.image.digest } as const;
  const key = first.image.annotations[CONTENT_KEY_ANNOTATION];
  const notices =
    refusals.length === 0 && key !== undefined && key !== input.intent.contentKey
      ? [
          `${input.intent.name}: the working tree or its inputs differ from what ${first.tag} was released with; ` +
            `the release that exists (${shortDigest(first.image.digest)}) is kept`,
        ]
      : [];
  return { content, refusals: dedupe(refusals), notices };
}

/**
 * What is released, as it is. A release that exists keeps the content key that it was made with, and with it the tag by
 * which it is found again: today's tree may make other content, and that must not be taken for this one.
 */
export function releasedIntent(
  intent: ImageIntent,
  content: PlannedContent,
  seen: FoundImage | undefined,
): ImageIntent {
  if (content.from !== "version-tag") return intent;
  const told = seen?.annotations[CONTENT_KEY_ANNOTATION] ?? "";
  const key = /^[0-9a-f]{64}$/.test(told) ? told : "";
  const name = key === "" ? content.digest.slice("sha256:".length) : key;
  const isNamedByContent = intent.candidateTag?.startsWith("candidate-") ?? false;
  return { ...intent, contentKey: key, ...(isNamedByContent ? { candidateTag: candidateName(name) } : {}) };
}

/** Every tag that was asked about and exists, the primary's first. */
export function sightings(input: Pick<ContentInput, "repositories" | "state">): Sighting[] {
  return input.repositories.flatMap((repository) =>
    Object.entries(input.state.repositories[repository]?.found ?? {}).map(([tag, image]) => ({
      repository,
      tag,
      image,
    })),
  );
}

function isVersionTag(intent: ImageIntent, name: string): boolean {
  return intent.tags.some((tag) => tag.class === "version" && tag.name === name);
}

/** Any tag that carries the content key will do: content is found by what it is made of, not by its name. */
function candidateOrBuild(input: ContentInput): PlannedContent {
  const { contentKey, sbom } = input.intent;
  const matches = sightings(input).filter(
    ({ image }) => image.annotations[CONTENT_KEY_ANNOTATION] === contentKey,
  );
  const whole = matches.find(({ image }) => !lacksSbom(image.annotations));
  const match = whole ?? matches.find(({ image }) => !givesWayToBuild(image.annotations, sbom));
  return match === undefined
    ? { from: "build" }
    : { from: "candidate", tag: match.tag, digest: match.image.digest };
}

function disagreement({ intent }: ContentInput, released: readonly Sighting[]): Refusal[] {
  const digests = new Set<Digest>(released.map(({ image }) => image.digest));
  if (digests.size < 2) return [];
  const where = released.map(
    ({ repository, tag, image }) => `${repository}:${tag} is ${shortDigest(image.digest)}`,
  );
  const tag = released[0]?.tag ?? "";
  return [
    {
      code: "version-differs-between-registries",
      path: `${intent.name}:${tag}`,
      message: `one version, two digests: ${where.join(", ")}`,
      hint: "Find out which one was released (slipway never moves a version tag); then delete the wrong tag.",
      overrule: `${intent.name}:${tag}`,
    },
  ];
}

/** A version tag that this commit did not make, or that somebody moved since. */
function foreign({ intent, revision, previous }: ContentInput, seen: Sighting): Refusal[] {
  const { repository, tag, image } = seen;
  const path = `${intent.name}:${tag}`;
  const overrule = path;
  const recorded = previous?.images
    .find(({ name }) => name === intent.name)
    ?.tags.find((known) => known.repository === repository && known.name === tag);
  if (recorded !== undefined && recorded.digest !== image.digest) {
    return [
      {
        code: "version-tag-moved",
        path,
        message:
          `${repository}:${tag} was released as ${shortDigest(recorded.digest)} ` +
          `and now points to ${shortDigest(image.digest)}: somebody moved a write-once tag`,
        hint: `Put it back by hand if that was a mistake: crane tag ${repository}@${recorded.digest} ${tag}`,
        overrule,
      },
    ];
  }
  const statement = image.statements.find((stated) => isStatementOf(stated, intent));
  const origin = statement?.revision ?? image.annotations[REVISION_ANNOTATION];
  if (origin === revision) return [];
  return [
    origin === undefined
      ? {
          code: "version-of-unknown-origin",
          path,
          message: `${repository}:${tag} exists (${shortDigest(image.digest)}) and does not say which commit it is`,
          hint: "Release another version.",
          overrule,
        }
      : {
          code: "version-of-another-revision",
          path,
          message:
            `${repository}:${tag} was released from commit ${origin.slice(0, 12)}, ` +
            `and this is commit ${revision.slice(0, 12)}`,
          hint: `Release a new version, or check out ${origin.slice(0, 12)} to complete that one.`,
          overrule,
        },
  ];
}

function dedupe(refusals: readonly Refusal[]): Refusal[] {
  return [...new Map(refusals.map((refusal) => [refusal.message, refusal])).values()];
}
