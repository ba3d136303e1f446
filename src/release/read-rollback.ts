import type { Config, ImageConfig } from "../plan/config";
import { type ExistingContent, type ExistingRelease, findVersion } from "../plan/existing-release";
import { imageRules } from "../plan/image-tags";
import type { ReleaseManifest } from "../plan/manifest";
import type { PolicyFinding } from "../plan/policy/policy-config";
import type { Problem } from "../plan/problem";
import { promotionGate, promotionRefusals, promotionRequest, promotionSigner } from "../plan/promotion";
import { parseReference, repositoryKey } from "../plan/reference";
import { type VerifiedBy, verificationOf, verifiedImage } from "../plan/registry-state";
import { BASE_IMAGE, repositoriesOf } from "../plan/release-intent";
import type { ReleaseEvent } from "../plan/tag-rules/event";
import type { RegistryReader } from "../registry/read-state";

/** What it takes to read a release that exists. */
export interface ExistingReleaseInput {
  readonly config: Config;
  readonly now: Date;
  readonly previous?: ReleaseManifest;
  readonly registries: RegistryReader;
}

/** A release of an image that is taken as it is. Without a release and without problems, there is none to take yet. */
export interface TakenImage {
  readonly existing?: { readonly release: ExistingRelease; readonly content: ExistingContent };
  readonly problems: readonly Problem[];
  readonly notices?: readonly string[];
  /** Where a promotion breaks rules of the team's policy that only warn. */
  readonly findings?: readonly PolicyFinding[];
}

export interface RollbackTarget {
  /** As it is written: `v1.2.2`. */
  readonly name: string;
  /** Without the form. */
  readonly version: string;
  /** The version that a newer one has to beat for the rollback to end. */
  readonly until?: string;
}

/**
 * The version that an image goes back to, read from this stack's own registries. Every required one has to have it,
 * since a rollback uploads nothing.
 */
export async function readRollback(
  { config, now, registries, previous }: ExistingReleaseInput,
  image: ImageConfig,
  { name, version, until }: RollbackTarget,
  event: ReleaseEvent,
): Promise<TakenImage> {
  const tags = imageRules(image, { ...event, ref: `refs/tags/${name}` }, now)
    .entries.filter((entry) => entry.class === "version")
    .map((entry) => entry.name);
  const repositories = repositoriesOf(config, image);
  const keys = repositories.map(repositoryKey);
  const { found, problems } = await registries.inspectImages(
    keys.flatMap((repository) => tags.map((tag) => `${repository}:${tag}`)),
    promotionSigner(config),
  );
  const optional = new Set(config.registries.filter((registry) => registry.optional).map(({ host }) => host));
  const serious = problems.filter(({ path }) => !optional.has(path.split("/")[0] ?? ""));
  if (serious.length > 0) return { problems: serious };
  const result = findVersion({
    image: image.name,
    verification: verificationOf(config, image, previous),
    name,
    version,
    path: "rollback.to",
    repositories: keys,
    tags,
    found,
    overridden: tags.some((tag) => config.override.includes(`${image.name}:${tag}`)),
  });
  const { release, tag } = result;
  if (release === undefined || tag === undefined) return { problems: result.problems };
  const lacking = repositories
    .filter(({ host }) => !optional.has(host))
    .map(repositoryKey)
    .filter((repository) => !release.repositories.includes(repository));
  if (lacking.length > 0) {
    const problem = {
      code: "rollback-incomplete",
      path: "rollback.to",
      message: `${name} of ${image.name} is not in ${lacking.join(", ")}, and a rollback uploads nothing`,
      hint: `Complete that release first: git checkout ${name}, take rollback.to out, pulumi up`,
    };
    return { problems: [problem] };
  }
  // A stack that promotes goes back only to what it would promote.
  const unverified =
    config.promote === undefined
      ? []
      : await gateRefusals({ config, registries }, image, release, `pulumi up at ${name}`);
  if (unverified.length > 0) return { problems: unverified };
  const content = {
    from: "rollback",
    digest: release.digest,
    source: release.repositories[0] ?? "",
    tag,
    until,
    verifiedBy: result.verifiedBy,
    statement: release.statement,
  } as const;
  return { existing: { release, content }, problems: [] };
}

/** Why a release does not pass this stack's gate for promotions; empty if there is no gate. */
export async function gateRefusals(
  { config, registries }: Pick<ExistingReleaseInput, "config" | "registries">,
  image: ImageConfig,
  release: ExistingRelease,
  remedy: string,
  holding = release.repositories,
): Promise<Problem[]> {
  const rules = promotionGate(config);
  if (rules === undefined) return [];
  const verdicts = await registries.verifyImage(promotionRequest(rules, image, release, holding));
  return promotionRefusals(verdicts, remedy);
}

/**
 * The base of the version that an image goes back to, by its release statement. If there is no statement, or the base
 * is gone, the base is left where it is.
 */
export async function readBaseRollback(
  input: ExistingReleaseInput,
  base: ImageConfig,
  user: ImageConfig,
  to: RollbackTarget,
  event: ReleaseEvent,
): Promise<TakenImage> {
  const stays = (why: string) => ({ problems: [], notices: [`${base.name} stays as it is: ${why}`] });
  // The image that is built from the base reports the problems.
  const { existing } = await readRollback(input, user, to, event);
  if (existing === undefined) return stays("its images cannot go back");
  const keys = repositoriesOf(input.config, base).map(repositoryKey);
  const stated = await readStatedBase(input, base, existing.release, keys);
  if ("reason" in stated) return stays(stated.reason);
  const { release, tag, verifiedBy } = stated;
  const content = {
    from: "rollback",
    digest: release.digest,
    source: keys[0] ?? "",
    tag,
    verifiedBy,
    until: to.until,
  } as const;
  return { problems: [], existing: { release, content } };
}

/**
 * The base that a release was built FROM, by its statement, if all of these repositories still have it; else the
 * reason why not.
 *
 * @param keys `host/path` of each repository
 */
export async function readStatedBase(
  { registries, config, previous }: Omit<ExistingReleaseInput, "now">,
  base: Pick<ImageConfig, "name" | "lane">,
  of: ExistingRelease,
  keys: readonly string[],
): Promise<
  | { readonly release: ExistingRelease; readonly tag: string; readonly verifiedBy: VerifiedBy }
  | { readonly reason: string }
> {
  const reference = of.statement?.inputs[BASE_IMAGE];
  const tag = reference === undefined ? undefined : parseReference(reference).tag;
  if (tag === undefined) return { reason: `no release statement names the base of ${of.version ?? of.ref}` };
  const { found } = await registries.inspectImages(
    keys.map((repository) => `${repository}:${tag}`),
    promotionSigner(config),
  );
  const seen = keys.flatMap((repository) => {
    const image = found[`${repository}:${tag}`];
    return image === undefined ? [] : [{ repository, image }];
  });
  const [first] = seen;
  if (first === undefined || seen.length < keys.length)
    return { reason: `${tag} is not in every registry any more` };
  const { digest, platforms } = first.image;
  if (seen.some(({ image }) => image.digest !== digest))
    return { reason: `${tag} differs between the registries` };
  const verification = verificationOf(config, base, previous);
  const verified = seen.map(({ repository, image }) => verifiedImage(verification, repository, image));
  const [known] = verified;
  const isNamed = verified.every((one) => one?.by !== "signature" || one.claim?.tag === tag);
  if (known === undefined || verified.includes(undefined) || !isNamed)
    return { reason: `no trusted signer claims the content of ${tag}` };
  return {
    tag,
    verifiedBy: known.by,
    release: {
      name: base.name,
      digest,
      revision: of.revision,
      ref: of.ref,
      contentKey: known.contentKey,
      platforms,
      repositories: keys,
    },
  };
}
