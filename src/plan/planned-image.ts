import { SBOM_ANNOTATION, VERSION_ANNOTATION } from "./annotations";
import { decideBase } from "./base";
import type { Config } from "./config";
import type { Digest } from "./digest";
import type { BuildRecord, ReleaseManifest } from "./manifest";
import {
  type ContentInput,
  decideContent,
  releasedIntent,
  sightings,
  verifiedSightings,
} from "./planned-content";
import { decideTags, putBackOthers, rollbackTags, type TagDecisions, type TagsInput } from "./planned-tags";
import { promotionSigner } from "./promotion";
import { type MovedBase, movedBases } from "./rebuild";
import { repositoryKey } from "./reference";
import { type FoundImage, type RegistryState, verificationOf, verifiedImage } from "./registry-state";
import {
  candidateName,
  hasMovingCandidate,
  type ImageIntent,
  movingCandidate,
  withoutFloatingTags,
} from "./release-intent";
import type { PlannedContent, PlannedImage, PlannedTag, Refusal } from "./release-plan";
import { hasMoreSbom, SBOM_UNAVAILABLE, type SbomState, sbomState } from "./sbom";
import { plannedClaim, plannedStatement, type Source } from "./statement";
import type { Ancestry } from "./tag-policy";
import {
  compareVersions,
  numbersOf,
  parseVersion,
  tagOfVersion,
  type Version,
  type VersionForm,
  versionOfTag,
} from "./versions";

export interface ImagePlanInput {
  readonly config: Config;
  readonly source: Source;
  readonly state: RegistryState;
  readonly previous?: ReleaseManifest;
  /** Commit of a live tag -> how it relates to the one being released. */
  readonly ancestry: Readonly<Record<string, Ancestry>>;
}

export function planImage(
  input: ImagePlanInput,
  intent: ImageIntent,
): {
  readonly image: PlannedImage;
  readonly tags: readonly PlannedTag[];
  readonly refusals: readonly Refusal[];
  readonly notices: readonly string[];
  readonly movedBases: readonly MovedBase[];
} {
  const { state, previous, config } = input;
  const repositories = intent.repositories
    .map(repositoryKey)
    .filter((key) => state.repositories[key] !== undefined);
  const verification = verificationOf(config, { name: intent.name, lane: intent.image.lane }, previous);
  const { signing } = verification;
  const about: ContentInput = {
    intent,
    repositories,
    state,
    verification,
    overridden: (tag) => config.override.includes(`${intent.name}:${tag}`),
  };
  const isBase = intent.image.addressed !== undefined && intent.existing === undefined;
  const { content, verified, refusals, notices } = isBase ? decideBase(about) : decideContent(about);
  const digest = content.from === "build" ? undefined : content.digest;
  const holding = sightings(about).filter(({ image }) => image.digest === digest);
  const seen = holding[0]?.image;
  const sbom = sbomState(intent, content, seen);
  const moves = content.from === "build" && hasMovingCandidate(intent);
  const replaces = moves ? replaceable(about) : undefined;
  const candidateTag =
    moves && replaces === undefined ? candidateName(intent.contentKey) : intent.candidateTag;
  const released = withSbomNote(releasedIntent({ ...intent, candidateTag }, content, verified), sbom);
  const tagInput: TagsInput = {
    ...about,
    intent: released,
    digest,
    ancestry: input.ancestry,
    prereleases: config.policy.prereleaseOnFloatingTag.level === "off" ? "move" : undefined,
    immutable: withoutFloatingTags(config, intent.image),
  };
  const candidates = decideCandidateTags(tagInput, seen, content);
  const tags =
    content.from === "rollback"
      ? rollbackTags(decideTags(tagInput, intent.tags))
      : decideTags(
          tagInput,
          intent.tags.filter((tag) => tag.name !== intent.candidateTag),
        );
  const others = content.from === "rollback" ? [] : putBackOthers(tagInput);
  const facts = { intent, content, verified, repositories, source: input.source, signing };
  const refusedTags = new Set(refusals.map(({ path }) => path));
  return {
    image: {
      name: intent.name,
      intent: released,
      repositories,
      content,
      build: buildGeneration(intent, content, sbom, previous),
      candidateTags: candidates.tags,
      replaces,
      copyTo:
        digest === undefined
          ? []
          : repositories.filter((key) => !holding.some(({ repository }) => repository === key)),
      statement: plannedStatement(facts),
      claim: signing ? plannedClaim(facts) : undefined,
      acceptedSigner: content.from === "promotion" ? promotionSigner(config) : undefined,
      verifiedBy: intent.existing?.verifiedBy ?? verified?.by,
      sbom,
    },
    tags: [...tags.tags, ...others],
    // If a version is refused, its tag needs no second refusal.
    refusals: [
      ...refusals,
      ...[...candidates.refusals, ...tags.refusals].filter(({ path }) => !refusedTags.has(path)),
    ],
    notices,
    movedBases: refusals.length > 0 ? [] : movedBases(about, content, verified),
  };
}

/** Notes a missing SBOM on the index, for later runs that find it. */
function withSbomNote(intent: ImageIntent, sbom: SbomState | undefined): ImageIntent {
  if (sbom !== "unavailable") return intent;
  return { ...intent, annotations: { ...intent.annotations, [SBOM_ANNOTATION]: SBOM_UNAVAILABLE } };
}

/** The candidate tag of an existing release is not read; where it exists, it points to that release's content. */
function withNamedContent(
  state: RegistryState,
  candidateTag: string,
  { repositories }: ImageIntent,
  seen: FoundImage | undefined,
): RegistryState {
  if (seen === undefined) return state;
  const own = new Set(repositories.map(repositoryKey));
  const known = Object.entries(state.repositories).map(([key, repository]) => {
    const isThere = own.has(key) && repository.tags.includes(candidateTag);
    return [
      key,
      isThere ? { ...repository, found: { [candidateTag]: seen, ...repository.found } } : repository,
    ];
  });
  return { ...state, repositories: Object.fromEntries(known) };
}

/**
 * A `candidate-` tag belongs to its content, whichever commit made it, unless it points to other content. For a base's
 * tag, `decideBase` checks that.
 */
function belongsToContent(candidateTag: string, input: TagsInput): boolean {
  const { contentKey, image } = input.intent;
  if (image.addressed !== undefined) return true;
  if (!candidateTag.startsWith("candidate-")) return false;
  return verifiedSightings(input)
    .filter(({ tag }) => tag === candidateTag)
    .every(({ verified }) => verified.contentKey === contentKey);
}

/**
 * The digests that the image's moving candidate tag may be moved away from. Undefined if it holds a version that is built and not
 * released: this release then takes another tag, so that releasing that version later builds nothing.
 */
function replaceable(input: ContentInput): Digest[] | undefined {
  const { intent, state, repositories, verification } = input;
  const held = sightings(input).filter(({ tag }) => tag === movingCandidate(intent.image));
  const tags = repositories.flatMap((repository) => state.repositories[repository]?.tags ?? []);
  const isAwaited = held.some(({ repository, image }) => {
    const verified = verifiedImage(verification, repository, image);
    if (verified === undefined || verified.contentKey === intent.contentKey) return false;
    const version = verified.claim?.version ?? image.annotations[VERSION_ANNOTATION];
    return version !== undefined && !isSettled(version, tags, intent.form);
  });
  return isAwaited ? undefined : held.map(({ image }) => image.digest);
}

/** Whether a version, or a later one of its minor line, is released: then it is not expected any more. */
function isSettled(version: string, tags: readonly string[], form: VersionForm): boolean {
  const held = parseVersion(version, form);
  const line = (of: Version) => numbersOf(of).slice(0, 2).join(".");
  return tags.some((tag) => {
    if (tag === version || tag === tagOfVersion(version, form)) return true;
    const other = versionOfTag(tag, form);
    if (held === undefined || other === undefined) return false;
    return line(other) === line(held) && compareVersions(other, held) === 1;
  });
}

/**
 * Whether the moving candidate tag is to be written for content that exists: only this tag holds the content yet, in some
 * registries and not in all, as after a run that failed half-way.
 */
function lacksCandidate({ repositories, state }: TagsInput, name: string, content: PlannedContent): boolean {
  if (content.from !== "candidate") return false;
  const held = repositories.map((repository) => state.repositories[repository]?.found[name]?.digest);
  const isElsewhere = held.includes(content.digest) && held.includes(undefined);
  return isElsewhere && held.every((digest) => digest === undefined || digest === content.digest);
}

/** Decides about the candidate tag. A tag of equal content is not moved to content that lacks the SBOM. */
function decideCandidateTags(
  input: TagsInput,
  seen: FoundImage | undefined,
  content: PlannedContent,
): TagDecisions {
  const { intent, repositories, verification } = input;
  const { candidateTag: name, existing } = intent;
  if (
    name === undefined ||
    existing !== undefined ||
    (hasMovingCandidate(intent) && !lacksCandidate(input, name, content))
  )
    return { tags: [], refusals: [] };
  const state = withNamedContent(input.state, name, intent, seen);
  const isNamed = belongsToContent(name, { ...input, state });
  const open = repositories.filter((repository) => {
    const live = state.repositories[repository]?.found[name];
    return (
      live === undefined ||
      verifiedImage(verification, repository, live) === undefined ||
      !hasMoreSbom(live.annotations, seen?.annotations)
    );
  });
  const overridden = (tag: string): boolean => isNamed || input.overridden(tag);
  return decideTags({ ...input, repositories: open, state, overridden }, [{ name, class: "revision" }]);
}

/**
 * The build stays a resource as long as its content is released, so that the next run does not delete it. Content that
 * every registry lost is built again, as another generation.
 */
function buildGeneration(
  intent: ImageIntent,
  content: PlannedContent,
  sbom: SbomState | undefined,
  previous: ReleaseManifest | undefined,
): BuildRecord | undefined {
  const last = previous?.images.find((image) => image.name === intent.name);
  const isSame =
    last?.contentKey === intent.contentKey && (last.sbom === "unavailable") === (sbom === "unavailable");
  const built = isSame ? last.build : undefined;
  if (content.from !== "build") return built?.source === intent.sourceKey ? built : undefined;
  return { generation: built === undefined ? 0 : built.generation + 1, source: intent.sourceKey };
}
