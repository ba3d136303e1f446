import { type Digest, isDigest } from "./digest";
import { isListOf, isRecord, isText } from "./record";
import type { PlannedImage, PlannedTag, ReleasePlan } from "./release-plan";
import type { SbomState } from "./sbom";
import type { TagClass } from "./tag-policy";

/** The release manifest: what exists after a release. It contains no time, so that a second `up` changes nothing. */
export interface ReleaseManifest {
  readonly schema: 1;
  readonly stack: string;
  readonly source?: string;
  readonly revision: string;
  readonly images: readonly ManifestImage[];
  readonly skipped: Readonly<Record<string, string>>;
}

export interface ManifestImage {
  readonly name: string;
  readonly version?: string;
  /** Its commit. @default the manifest's */
  readonly revision?: string;
  /** The released reference: `refs/tags/v1.2.3`, `refs/heads/main`. Absent if unknown. */
  readonly ref?: string;
  /** The repository that it was promoted from, `host/path`. */
  readonly promotedFrom?: string;
  readonly digest: Digest;
  /** Empty if unknown, as for an adopted image without the annotation. */
  readonly contentKey: string;
  readonly platforms: readonly string[];
  readonly repositories: readonly string[];
  /** `host/path@digest` for each repository. */
  readonly references: readonly string[];
  readonly tags: readonly ManifestTag[];
  /** Digests of the referrers that state or sign this release. */
  readonly attestations: readonly Digest[];
  /** Absent if unknown. */
  readonly sbom?: SbomState;
  readonly build?: BuildRecord;
}

/** The build resource that a stack has of an image. */
export interface BuildRecord {
  /** Counts up if every registry lost the content, and it was built again. */
  readonly generation: number;
  /** The `sourceKey` of the image's intent. */
  readonly source?: string;
}

/** What a run built with, to compare machines. Facts of a run are not part of the manifest. */
export interface BuildFacts {
  readonly builder: string;
  /** `remote`, `docker-container`, `kubernetes`. */
  readonly driver: string;
  readonly buildkit: string;
  /** The network that its driver uses. */
  readonly network: string;
  /** The proxy's host for the registries, or `none`. */
  readonly proxy: string;
  readonly images: readonly {
    readonly name: string;
    readonly platforms: readonly string[];
    readonly cacheFrom: readonly string[];
    readonly cacheTo: readonly string[];
  }[];
}

export interface ManifestTag {
  readonly repository: string;
  readonly name: string;
  readonly class: TagClass;
  readonly digest: Digest;
}

/** What a run did to one tag, for the table at its end. */
export interface TagOutcome {
  readonly image: string;
  readonly repository: string;
  readonly name: string;
  readonly action: "created" | "moved" | "unchanged" | "kept" | "refused";
  readonly from?: Digest;
  readonly fromVersion?: string;
  readonly to?: Digest;
  readonly reason?: string;
}

/** Reads this stack's last manifest from its outputs or its file; undefined if the value is not a manifest. */
export function parseManifest(value: unknown): ReleaseManifest | undefined {
  return isManifest(value) ? value : undefined;
}

/**
 * Finds the manifest among the outputs of a stack's resources; undefined if nothing was released. If a program has
 * several releases, it is the one with these images. Older versions kept it as an output of the stack.
 */
export function manifestAmong(
  outputs: readonly Readonly<Record<string, unknown>>[],
  images: readonly string[],
): unknown {
  const found = outputs.flatMap(({ manifest }) => (manifest === undefined ? [] : [manifest]));
  const hasImages = (value: unknown) =>
    parseManifest(value)?.images.some(({ name }) => images.includes(name)) === true;
  return found.find(hasImages) ?? found[0];
}

function isManifest(value: unknown): value is ReleaseManifest {
  return (
    isRecord(value) &&
    value.schema === 1 &&
    isText(value.stack) &&
    isText(value.revision) &&
    isRecord(value.skipped) &&
    isListOf(value.images, isImage)
  );
}

function isImage(value: unknown): value is ManifestImage {
  return (
    isRecord(value) &&
    isText(value.name) &&
    isText(value.contentKey) &&
    isDigest(value.digest) &&
    isListOf(value.platforms, isText) &&
    isListOf(value.repositories, isText) &&
    isListOf(value.references, isText) &&
    isListOf(value.tags, isTag)
  );
}

function isTag(value: unknown): value is ManifestTag {
  return isRecord(value) && isText(value.repository) && isText(value.name) && isDigest(value.digest);
}

/** What the registries hold once a plan is carried out. */
export interface ReleaseFacts {
  /** Image -> digest of its index. */
  readonly digests: Readonly<Record<string, Digest>>;
  /** Image -> digests of its referrers. */
  readonly attestations: Readonly<Record<string, readonly Digest[]>>;
  readonly tags: readonly (ManifestTag & { readonly image: string })[];
}

export function releaseManifest(plan: ReleasePlan, facts: ReleaseFacts): ReleaseManifest {
  return {
    schema: 1,
    stack: plan.stack,
    source: plan.source,
    revision: plan.revision,
    images: [...plan.images.map((image) => manifestImage(image, facts)), ...plan.kept],
    skipped: plan.skipped,
  };
}

function manifestImage(planned: PlannedImage, facts: ReleaseFacts): ManifestImage {
  const { name, intent, repositories, build, content } = planned;
  const digest = facts.digests[name];
  if (digest === undefined) throw new Error(`the release of ${name} has no digest`);
  const candidates = planned.candidateTags.map((claim) => ({
    repository: claim.repository,
    name: claim.name,
    class: claim.class,
    digest,
  }));
  const tags = facts.tags.filter((tag) => tag.image === name).map(({ image: _, ...tag }) => tag);
  return {
    name,
    version: intent.version,
    revision: intent.revision || undefined,
    ref: intent.ref || undefined,
    promotedFrom: content.from === "promotion" ? content.source : undefined,
    digest,
    contentKey: intent.contentKey,
    platforms: intent.image.platforms,
    repositories,
    references: repositories.map((repository) => `${repository}@${digest}`),
    tags: [...candidates, ...tags],
    attestations: facts.attestations[name] ?? [],
    sbom: planned.sbom,
    build,
  };
}

/** The tags of a plan with their digests. @param digests `host/path:tag` -> digest */
export function writtenTags(
  plan: ReleasePlan,
  digests: Readonly<Record<string, Digest>>,
): ReleaseFacts["tags"] {
  return plan.levels.flatMap(({ tags }) =>
    tags.flatMap(({ image, repository, name, class: tagClass }) => {
      const digest = digests[`${repository}:${name}`];
      return digest === undefined ? [] : [{ image, repository, name, class: tagClass, digest }];
    }),
  );
}

/** What carrying out a plan did to each tag, version tags first. */
export function tagOutcomes(plan: ReleasePlan, manifest: ReleaseManifest): TagOutcome[] {
  const candidates = plan.images.flatMap((image) => image.candidateTags);
  return [...candidates, ...plan.levels.flatMap((level) => level.tags), ...plan.left].map((tag) =>
    tagOutcome(tag, manifest),
  );
}

const ACTIONS = { create: "created", move: "moved", unchanged: "unchanged", keep: "kept" } as const;

function tagOutcome(tag: PlannedTag, manifest: ReleaseManifest): TagOutcome {
  const to = manifest.images
    .find((image) => image.name === tag.image)
    ?.tags.find((known) => known.repository === tag.repository && known.name === tag.name)?.digest;
  return {
    image: tag.image,
    repository: tag.repository,
    name: tag.name,
    // Another release moved it first.
    action: tag.action === "move" && to === tag.from?.digest ? "kept" : ACTIONS[tag.action],
    from: tag.from?.digest,
    fromVersion: tag.from?.version,
    to,
    reason: tag.reason,
  };
}

/** The repositories that a plan writes to. The right to push to them is checked before anything is built. */
export function writtenRepositories(plan: ReleasePlan): string[] {
  const building = plan.images.filter((image) => image.content.from === "build");
  const tags = [
    ...plan.images.flatMap((image) => image.candidateTags),
    ...plan.levels.flatMap((level) => level.tags),
  ];
  return [
    ...new Set([
      ...building.flatMap((image) => image.repositories),
      ...plan.images.flatMap((image) => image.copyTo),
      ...tags.filter((tag) => tag.action === "create" || tag.action === "move").map((tag) => tag.repository),
    ]),
  ].sort();
}

export interface DigestPair {
  readonly image: string;
  readonly repository: string;
  /** A tag that stays: the version's or, for an image without one, the commit's or the content's. */
  readonly fixed: string;
  readonly floating: string;
  readonly digest: Digest;
  /** The digest of the floating tag, if it differs. */
  readonly other?: Digest;
}

/** Every floating tag beside the tag that it should equal, in each repository: `latest` beside `v1.2.3`. */
export function digestPairs({ images }: Pick<ReleaseManifest, "images">): DigestPair[] {
  return images.flatMap((image) => image.repositories.flatMap((repository) => pairsIn(image, repository)));
}

function pairsIn(image: ManifestImage, repository: string): DigestPair[] {
  const tags = image.tags.filter((tag) => tag.repository === repository);
  const fixed = ofClass(tags, "version")[0] ?? ofClass(tags, "revision")[0];
  if (fixed === undefined) return [];
  return ofClass(tags, "floating").map((tag) => ({
    image: image.name,
    repository,
    fixed: fixed.name,
    floating: tag.name,
    digest: fixed.digest,
    other: tag.digest === fixed.digest ? undefined : tag.digest,
  }));
}

function ofClass(tags: readonly ManifestTag[], tagClass: TagClass): ManifestTag[] {
  return tags.filter((tag) => tag.class === tagClass);
}
