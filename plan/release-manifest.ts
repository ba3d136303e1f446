import type { Digest } from "./digest";
import type { ManifestImage, ManifestTag, ReleaseManifest, TagOutcome } from "./manifest";
import type { PlannedImage, PlannedTag, ReleasePlan } from "./release-plan";

/** What the registries hold once everything of a plan is done. */
export interface ReleaseFacts {
  /** Image -> the index digest. */
  readonly digests: Readonly<Record<string, Digest>>;
  /** Image -> digests of its referrers. */
  readonly attestations: Readonly<Record<string, readonly Digest[]>>;
  readonly tags: readonly (ManifestTag & { readonly image: string })[];
}

/** The release manifest of a plan that was carried out. */
export function releaseManifest(plan: ReleasePlan, facts: ReleaseFacts): ReleaseManifest {
  return {
    schema: 1,
    stack: plan.stack,
    ...(plan.source === undefined ? {} : { source: plan.source }),
    revision: plan.revision,
    images: [...plan.images.map((image) => manifestImage(image, facts)), ...plan.kept],
    skipped: plan.skipped,
  };
}

function manifestImage(planned: PlannedImage, facts: ReleaseFacts): ManifestImage {
  const { name, intent, repositories, build, content } = planned;
  const digest = facts.digests[name];
  if (digest === undefined) throw new Error(`the release of ${name} has no digest`);
  const claims = planned.claims.map((claim) => ({
    repository: claim.repository,
    name: claim.name,
    class: claim.class,
    digest,
  }));
  const tags = facts.tags.filter((tag) => tag.image === name).map(({ image: _, ...tag }) => tag);
  return {
    name,
    ...(intent.version === undefined ? {} : { version: intent.version }),
    ...(intent.revision === "" ? {} : { revision: intent.revision }),
    ...(intent.ref === "" ? {} : { ref: intent.ref }),
    ...(content.from === "promotion" ? { promotedFrom: content.source } : {}),
    digest,
    contentKey: intent.contentKey,
    platforms: intent.image.platforms,
    repositories,
    references: repositories.map((repository) => `${repository}@${digest}`),
    tags: [...claims, ...tags],
    attestations: facts.attestations[name] ?? [],
    ...(planned.sbom === undefined ? {} : { sbom: planned.sbom }),
    ...(build === undefined ? {} : { build }),
  };
}

/** The tags of a plan with what each of them points to. @param digests `host/path:tag` -> digest */
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

/** What a run that carried a plan out did to each tag, version tags first. */
export function tagOutcomes(plan: ReleasePlan, manifest: ReleaseManifest): TagOutcome[] {
  const claims = plan.images.flatMap((image) => image.claims);
  return [...claims, ...plan.levels.flatMap((level) => level.tags), ...plan.left].map((tag) =>
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
    // Another release got there first.
    action: tag.action === "move" && to === tag.from?.digest ? "kept" : ACTIONS[tag.action],
    ...(tag.from === undefined ? {} : { from: tag.from.digest }),
    ...(tag.from?.version === undefined ? {} : { fromVersion: tag.from.version }),
    ...(to === undefined ? {} : { to }),
    ...(tag.reason === undefined ? {} : { reason: tag.reason }),
  };
}

/** Repositories that a plan writes to; the right to push to them is checked before anything is built. */
export function writtenRepositories(plan: ReleasePlan): string[] {
  const building = plan.images.filter((image) => image.content.from === "build");
  const tags = [
    ...plan.images.flatMap((image) => image.claims),
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
