import { SBOM_ANNOTATION } from "./annotations";
import { decideBase } from "./base";
import type { Config } from "./config";
import type { BuildRecord, ReleaseManifest } from "./manifest";
import { decideContent, releasedIntent, sightings } from "./planned-content";
import { decideTags, rollbackTags, type TagDecisions, type TagsInput } from "./planned-tags";
import { wantedSigner } from "./promotion";
import { repositoryKey } from "./reference";
import {
  type FoundImage,
  type RegistryState,
  type Verification,
  verificationOf,
  verifiedImage,
} from "./registry-state";
import type { ImageIntent } from "./release-intent";
import type { PlannedContent, PlannedImage, PlannedTag, Refusal } from "./release-plan";
import { outranks, SBOM_UNAVAILABLE, type SbomState, sbomState } from "./sbom";
import { plannedClaim, plannedStatement, type Source } from "./statement";
import type { Ancestry } from "./tag-policy";

/** What the plan of one image is made from, besides the image. */
export interface ImagePlanInput {
  readonly config: Config;
  /** Commit being released, and its repository's URL without credentials. */
  readonly source: Source;
  readonly state: RegistryState;
  /** What this stack released last. */
  readonly previous?: ReleaseManifest;
  /** How commits that live tags point to relate to the one being released. */
  readonly ancestry: Readonly<Record<string, Ancestry>>;
}

export interface ImageResult {
  readonly image: PlannedImage;
  readonly tags: readonly PlannedTag[];
  readonly refusals: readonly Refusal[];
  readonly notices: readonly string[];
}

/** Where one image's content comes from, what has to be copied, and what each of its tags does. */
export function planImage(input: ImagePlanInput, intent: ImageIntent): ImageResult {
  const { state, previous, ancestry, config } = input;
  const { revision } = intent;
  const repositories = intent.repositories
    .map(repositoryKey)
    .filter((key) => state.repositories[key] !== undefined);
  const overruled = (tag: string): boolean => config.overrule.includes(`${intent.name}:${tag}`);
  const isBase = intent.image.addressed !== undefined && intent.existing === undefined;
  const decide = isBase ? decideBase : decideContent;
  const verification = verificationOf(config, { name: intent.name, lane: intent.image.lane }, previous);
  const { content, verified, refusals, notices } = decide({
    intent,
    revision,
    repositories,
    state,
    verification,
    overruled,
  });
  const digest = content.from === "build" ? undefined : content.digest;
  const seen = sightings({ repositories, state }).find(({ image }) => image.digest === digest)?.image;
  const sbom = sbomState(intent, content, seen);
  const released = withSbomNote(releasedIntent(intent, content, verified), sbom);
  const tagInput: TagsInput = {
    intent: released,
    revision,
    repositories,
    state,
    digest,
    verification,
    ancestry,
    overruled,
    ...(config.policy.prereleaseOnFloatingTag.level === "off" ? { prereleases: "move" } : {}),
  };
  const refusedTags = new Set(refusals.map(({ path }) => path));
  const claims = decideClaims(tagInput, seen);
  const tags =
    content.from === "rollback"
      ? rollbackTags(decideTags(tagInput, intent.tags))
      : decideTags(
          tagInput,
          intent.tags.filter((tag) => tag.name !== intent.candidateTag),
        );
  const build = buildGeneration(intent, content, sbom, previous);
  const { signing } = verification;
  const facts = { intent, content, verified, repositories, source: input.source, signing };
  const statement = plannedStatement(facts);
  const claim = signing ? plannedClaim(facts) : undefined;
  const acceptedSigner = content.from === "promotion" ? wantedSigner(config) : undefined;
  const verifiedBy = intent.existing?.verifiedBy ?? verified?.by;
  return {
    image: {
      name: intent.name,
      intent: released,
      repositories,
      content,
      ...(build === undefined ? {} : { build }),
      claims: claims.tags,
      copyTo: digest === undefined ? [] : lacking(repositories, state, digest),
      ...(statement === undefined ? {} : { statement }),
      ...(claim === undefined ? {} : { claim }),
      ...(acceptedSigner === undefined ? {} : { acceptedSigner }),
      ...(verifiedBy === undefined ? {} : { verifiedBy }),
      ...(sbom === undefined ? {} : { sbom }),
    },
    tags: tags.tags,
    // A version that is refused as a whole needs no second refusal for its tag.
    refusals: [
      ...refusals,
      ...[...claims.refusals, ...tags.refusals].filter(({ path }) => !refusedTags.has(path)),
    ],
    notices,
  };
}

/** Who finds the index later has to know that its SBOM is missing. */
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
function isNamedByContent(
  candidateTag: string,
  { contentKey, image: { addressed } }: ImageIntent,
  repositories: readonly string[],
  state: RegistryState,
  verification: Verification,
): boolean {
  if (addressed !== undefined) return true;
  if (!candidateTag.startsWith("candidate-")) return false;
  return sightings({ repositories, state })
    .filter(({ tag }) => tag === candidateTag)
    .every(({ repository, image }) => {
      const verified = verifiedImage(verification, repository, image);
      return verified === undefined || verified.contentKey === contentKey;
    });
}

/** The candidate tag, where this stack makes the content, and no equal one with an SBOM that this lacks has the tag. */
function decideClaims(input: TagsInput, seen: FoundImage | undefined): TagDecisions {
  const { intent, repositories } = input;
  const { candidateTag: name, existing } = intent;
  if (name === undefined || existing !== undefined) return { tags: [], refusals: [] };
  const state = withNamedContent(input.state, name, intent, seen);
  const overruled = (tag: string): boolean =>
    input.overruled(tag) || isNamedByContent(name, intent, repositories, state, input.verification);
  const open = repositories.filter((repository) => {
    const live = state.repositories[repository]?.found[name];
    return (
      live === undefined ||
      verifiedImage(input.verification, repository, live) === undefined ||
      !outranks(live.annotations, seen?.annotations)
    );
  });
  return decideTags({ ...input, repositories: open, state, overruled }, [{ name, class: "revision" }]);
}

function lacking(repositories: readonly string[], state: RegistryState, digest: string): string[] {
  return repositories.filter(
    (repository) =>
      !sightings({ repositories: [repository], state }).some(({ image }) => image.digest === digest),
  );
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
  const source = intent.sourceKey === undefined ? {} : { source: intent.sourceKey };
  if (content.from !== "build") return built?.source === intent.sourceKey ? built : undefined;
  return { generation: built === undefined ? 0 : built.generation + 1, ...source };
}
