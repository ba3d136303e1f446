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
import { wantedSigner } from "./promotion";
import { repositoryKey } from "./reference";
import { type FoundImage, type RegistryState, verificationOf, verifiedImage } from "./registry-state";
import { candidateName, type ImageIntent, movingCandidate, withoutFloatingTags } from "./release-intent";
import type { PlannedContent, PlannedImage, PlannedTag, Refusal } from "./release-plan";
import { outranks, SBOM_UNAVAILABLE, type SbomState, sbomState } from "./sbom";
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
  /** Commit being released, and its repository's URL without credentials. */
  readonly source: Source;
  readonly state: RegistryState;
  readonly previous?: ReleaseManifest;
  /** How commits that live tags point to relate to the one being released. */
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
  const moves = content.from === "build" && intent.candidateTag === movingCandidate(intent.image);
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
  const claims = decideClaims(tagInput, seen);
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
      claims: claims.tags,
      replaces,
      copyTo:
        digest === undefined
          ? []
          : repositories.filter((key) => !holding.some(({ repository }) => repository === key)),
      statement: plannedStatement(facts),
      claim: signing ? plannedClaim(facts) : undefined,
      acceptedSigner: content.from === "promotion" ? wantedSigner(config) : undefined,
      verifiedBy: intent.existing?.verifiedBy ?? verified?.by,
      sbom,
    },
    tags: [...tags.tags, ...others],
    // A version that is refused as a whole needs no second refusal for its tag.
    refusals: [
      ...refusals,
      ...[...claims.refusals, ...tags.refusals].filter(({ path }) => !refusedTags.has(path)),
    ],
    notices,
  };
}

/** A later run that finds the index has to see that its SBOM is missing. */
function withSbomNote(intent: ImageIntent, sbom: SbomState | undefined): ImageIntent {
  if (sbom !== "unavailable") return intent;
  return { ...intent, annotations: { ...intent.annotations, [SBOM_ANNOTATION]: SBOM_UNAVAILABLE } };
}

/** The tag of a release that exists was not asked about; where it is there, it holds the content that names it. */
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
 * A `candidate-` tag belongs to the content that names it, whichever commit made it; not once it holds another. Whether
 * a base's tag holds another is decided with its content.
 */
function isNamedByContent(candidateTag: string, input: TagsInput): boolean {
  const { contentKey, image } = input.intent;
  if (image.addressed !== undefined) return true;
  if (!candidateTag.startsWith("candidate-")) return false;
  return verifiedSightings(input)
    .filter(({ tag }) => tag === candidateTag)
    .every(({ verified }) => verified.contentKey === contentKey);
}

/**
 * What the image's moving candidate tag holds now, and may leave. Undefined where that is a version that is built and not
 * released: this release then takes a tag of its own, so that running that one again still builds nothing.
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

/** Whether a version is released, or a later one of its line is: then nobody is expected to release it any more. */
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

/** The candidate tag, where this stack makes the content, and no equal one with an SBOM that this lacks has the tag. */
function decideClaims(input: TagsInput, seen: FoundImage | undefined): TagDecisions {
  const { intent, repositories, verification } = input;
  const { candidateTag: name, existing } = intent;
  // A moving one is written for a build alone: what is there is found by another tag, or by this one.
  if (name === undefined || existing !== undefined || name === movingCandidate(intent.image))
    return { tags: [], refusals: [] };
  const state = withNamedContent(input.state, name, intent, seen);
  const isNamed = isNamedByContent(name, { ...input, state });
  const open = repositories.filter((repository) => {
    const live = state.repositories[repository]?.found[name];
    return (
      live === undefined ||
      verifiedImage(verification, repository, live) === undefined ||
      !outranks(live.annotations, seen?.annotations)
    );
  });
  const overridden = (tag: string): boolean => isNamed || input.overridden(tag);
  return decideTags({ ...input, repositories: open, state, overridden }, [{ name, class: "revision" }]);
}

/**
 * The build is a resource when it has to be made, or when this stack made it: then nothing flaps. Content that this
 * stack built and that every registry lost since is built again, as another resource.
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
