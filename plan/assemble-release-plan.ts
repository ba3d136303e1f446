import { CONTENT_KEY_ANNOTATION, SBOM_ANNOTATION } from "./annotations";
import { decideBase } from "./base";
import type { Config } from "./config";
import { planDescriptions, type ReadDescription } from "./description";
import { fleetProblems, keptImages } from "./fleet";
import type { BuildRecord, ReleaseManifest } from "./manifest";
import { decideContent, releasedIntent, sightings } from "./planned-content";
import { plannedStatement } from "./planned-statement";
import { decideTags, rollbackTags, type TagDecisions, type TagsInput, tagLevels } from "./planned-tags";
import { type PolicyFinding, refusing } from "./policy/finding";
import { judgePolicy } from "./policy/judge-policy";
import type { WorkflowText } from "./policy/unpinned-actions";
import type { Problem } from "./problem";
import { repositoryKey } from "./reference";
import type { FoundImage, RegistryState } from "./registry-state";
import type { ImageIntent } from "./release-intent";
import type { PlannedContent, PlannedImage, PlannedTag, Refusal, ReleasePlan } from "./release-plan";
import { SBOM_UNAVAILABLE, type SbomState, sbomNotices, sbomState } from "./sbom";
import type { Ancestry } from "./tag-policy";

export interface ReleasePlanInput {
  readonly stack: string;
  readonly config: Config;
  /** Commit being released, and its repository's URL without credentials. */
  readonly source: { readonly revision: string; readonly remote?: string };
  readonly intents: readonly ImageIntent[];
  readonly state: RegistryState;
  /** What this stack released last. */
  readonly previous?: ReleaseManifest;
  /** How commits that live tags point to relate to the one being released. */
  readonly ancestry: Readonly<Record<string, Ancestry>>;
  /** What Docker Hub is to say of the repositories. Default: nothing. */
  readonly descriptions?: readonly ReadDescription[];
  /** The repository's workflow files. Default: none. */
  readonly workflows?: readonly WorkflowText[];
  /** What the gate before a promotion found against the team's rules. Default: nothing. */
  readonly findings?: readonly PolicyFinding[];
  /** Problems found on the way here. */
  readonly problems: readonly Problem[];
  readonly notices: readonly string[];
}

/** The whole release, decided: a pure function of what was read. */
export function assembleReleasePlan(input: ReleasePlanInput): ReleasePlan {
  const { config, state, source } = input;
  const planned = input.intents.map((intent) => planImage(input, intent));
  const tags = planned.flatMap((image) => image.tags);
  const images = planned.map(({ image }) => image);
  const { descriptions, ...described } = planDescriptions({
    config,
    read: input.descriptions ?? [],
    images,
    tags,
  });
  const { workflows = [] } = input;
  const policy = [...judgePolicy({ config, images, tags, workflows }), ...(input.findings ?? [])];
  return {
    schema: 1,
    stack: input.stack,
    ...(config.repository === undefined ? {} : { source: config.repository }),
    revision: commonRevision(input.intents) ?? source.revision,
    ...(config.lane === undefined ? {} : { lane: config.lane.name }),
    checks: config.checks,
    images,
    levels: tagLevels(tags.filter((tag) => !isLeft(tag))),
    left: tags.filter(isLeft),
    ...(descriptions.length === 0 ? {} : { descriptions }),
    kept: keptImages(config, input.previous),
    skipped: skippedRegistries(state),
    refusals: [
      ...input.problems,
      ...fleetProblems(config, input.intents),
      ...Object.values(state.access).flatMap((access) =>
        access.status === "refused" ? [access.problem] : [],
      ),
      ...nowhereToGo(input),
      ...planned.flatMap((image) => image.refusals),
      ...backAndForward(images),
      ...described.problems,
      ...refusing(policy),
      ...twoOwners([...planned.flatMap(({ image }) => image.claims), ...tags]),
    ],
    notices: [
      ...input.notices,
      ...sbomNotices(planned.map(({ image }) => image)),
      ...planned.flatMap((image) => image.notices),
      ...described.notices,
    ],
    ...(policy.length === 0 ? {} : { policy }),
    origins: config.origins,
  };
}

/** The commit of what is released, where it is one: that of a promotion is stage's, not the one checked out here. */
function commonRevision(intents: readonly ImageIntent[]): string | undefined {
  const revisions = new Set(intents.map(({ revision }) => revision));
  return revisions.size === 1 ? [...revisions][0] : undefined;
}

/** A floating tag that is not there and rightly is not made has nothing to hold a resource for. */
function isLeft(tag: PlannedTag): boolean {
  return tag.action === "keep" && tag.from === undefined;
}

function skippedRegistries(state: RegistryState): Record<string, string> {
  return Object.fromEntries(
    Object.entries(state.access).flatMap(([host, access]) =>
      access.status === "skipped" ? [[host, access.reason]] : [],
    ),
  );
}

function nowhereToGo({ state }: ReleasePlanInput): Refusal[] {
  const statuses = Object.values(state.access).map(({ status }) => status);
  if (statuses.length === 0 || statuses.some((status) => status !== "skipped")) return [];
  return [
    {
      code: "no-registry-left",
      path: "slipway:registries",
      message: "every registry is optional and was skipped: there is nowhere to release to",
      hint: "Give credentials for one of them.",
    },
  ];
}

/** A rollback is for an emergency: nothing is built beside it, least of all from whatever is checked out. */
function backAndForward(images: readonly PlannedImage[]): Refusal[] {
  if (images.every(({ content }) => content.from !== "rollback")) return [];
  return images.flatMap(({ name, content }) =>
    content.from === "build"
      ? [
          {
            code: "rollback-builds",
            path: "slipway:rollback.images",
            message: `${name} would be built while others go back`,
            hint: `Check out the commit that ${name} was released from, or let it go back too.`,
          },
        ]
      : [],
  );
}

/** Images that share a repository must not share a tag: nobody could say whose it is. */
function twoOwners(tags: readonly PlannedTag[]): Refusal[] {
  const owners = new Map<string, string>();
  return tags.flatMap(({ image, repository, name }) => {
    const reference = `${repository}:${name}`;
    const owner = owners.get(reference) ?? image;
    owners.set(reference, owner);
    if (owner === image) return [];
    return [
      {
        code: "tag-two-owners",
        path: `${image}:${name}`,
        message: `${owner} and ${image} would both own ${reference}`,
        hint: "Give one of them a prefix or suffix in its tag rules (flavor: prefix=…).",
      },
    ];
  });
}

interface ImageResult {
  readonly image: PlannedImage;
  readonly tags: readonly PlannedTag[];
  readonly refusals: readonly Refusal[];
  readonly notices: readonly string[];
}

function planImage(input: ReleasePlanInput, intent: ImageIntent): ImageResult {
  const { state, previous, ancestry, config } = input;
  const { revision } = intent;
  const repositories = intent.repositories
    .map(repositoryKey)
    .filter((key) => state.repositories[key] !== undefined);
  const overruled = (tag: string): boolean => config.overrule.includes(`${intent.name}:${tag}`);
  const isBase = intent.image.addressed !== undefined && intent.existing === undefined;
  const decide = isBase ? decideBase : decideContent;
  const { content, refusals, notices } = decide({
    intent,
    revision,
    repositories,
    state,
    previous,
    overruled,
  });
  const digest = content.from === "build" ? undefined : content.digest;
  const seen = sightings({ repositories, state }).find(({ image }) => image.digest === digest)?.image;
  const sbom = sbomState(intent, content, seen);
  const released = withSbomNote(releasedIntent(intent, content, seen), sbom);
  const tagInput: TagsInput = {
    intent: released,
    revision,
    repositories,
    state,
    digest,
    previous,
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
  const statement = plannedStatement({
    intent,
    content,
    repositories,
    source: input.source,
    sightings: sightings({ repositories, state }),
  });
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
): boolean {
  if (addressed !== undefined) return true;
  if (!candidateTag.startsWith("candidate-")) return false;
  return sightings({ repositories, state })
    .filter(({ tag }) => tag === candidateTag)
    .every(({ image }) => image.annotations[CONTENT_KEY_ANNOTATION] === contentKey);
}

/** The candidate tag, where this stack makes the content. */
function decideClaims(input: TagsInput, seen: FoundImage | undefined): TagDecisions {
  const { intent, repositories } = input;
  const { candidateTag: name, existing } = intent;
  if (name === undefined || existing !== undefined) return { tags: [], refusals: [] };
  const state = withNamedContent(input.state, name, intent, seen);
  const overruled = (tag: string): boolean =>
    input.overruled(tag) || isNamedByContent(name, intent, repositories, state);
  return decideTags({ ...input, state, overruled }, [{ slot: "candidate", name, class: "revision" }]);
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
