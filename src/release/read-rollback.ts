import type { ImageConfig } from "../plan/config";
import { type ExistingContent, type ExistingRelease, findVersion } from "../plan/existing-release";
import { imageRules } from "../plan/image-tags";
import type { Problem } from "../plan/problem";
import { promotionGate, promotionRefusals, promotionRequest, promotionSigner } from "../plan/promotion";
import { parseReference, repositoryKey } from "../plan/reference";
import { type VerifiedBy, verificationOf, verifiedImage } from "../plan/registry-state";
import { BASE_IMAGE, repositoriesOf } from "../plan/release-intent";
import type { ReleaseEvent } from "../plan/tag-rules/event";
import type { PlanReleaseInput } from "./plan-release";

export interface TakenImage {
  readonly existing?: { readonly release: ExistingRelease; readonly content: ExistingContent };
  readonly problems: readonly Problem[];
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
 * The version that an image goes back to, as this stack's own registries have it. It has to be in all of them: a
 * rollback uploads nothing.
 */
export async function readRollback(
  { config, now, registries, previous }: PlanReleaseInput,
  image: ImageConfig,
  to: RollbackTarget,
  event: ReleaseEvent,
): Promise<TakenImage> {
  const { name, version, until } = to;
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
  const rules = config.promote === undefined ? undefined : promotionGate(config);
  if (rules !== undefined) {
    const request = promotionRequest(rules, image, release, release.repositories);
    const unverified = promotionRefusals(await registries.verifyImage(request), `pulumi up at ${name}`);
    if (unverified.length > 0) return { problems: unverified };
  }
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

/**
 * The base of the version that an image goes back to, by its release statement. Without a statement, or where the base
 * is gone, it stays where it is.
 */
export async function readBaseRollback(
  input: PlanReleaseInput,
  base: ImageConfig,
  user: ImageConfig,
  to: RollbackTarget,
  event: ReleaseEvent,
): Promise<TakenImage & { readonly notices: readonly string[] }> {
  const stays = (why: string) => ({ problems: [], notices: [`${base.name} stays as it is: ${why}`] });
  const { existing } = await readRollback(input, user, to, event);
  // The image that is built from it reports these.
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
  return { problems: [], notices: [], existing: { release, content } };
}

type StatedBase =
  | { readonly release: ExistingRelease; readonly tag: string; readonly verifiedBy: VerifiedBy }
  /** Why there is none, for people. */
  | { readonly reason: string };

/**
 * The base that a release was built FROM, by its statement, where all of these repositories (`host/path`) still have
 * it.
 */
export async function readStatedBase(
  { registries, config, previous }: Pick<PlanReleaseInput, "registries" | "config" | "previous">,
  base: { readonly name: string; readonly lane?: string },
  of: ExistingRelease,
  keys: readonly string[],
): Promise<StatedBase> {
  const reference = of.statement?.inputs[BASE_IMAGE];
  const tag = reference === undefined ? undefined : parseReference(reference).tag;
  if (tag === undefined) return { reason: `no release statement names the base of ${of.version ?? of.ref}` };
  const { found } = await registries.inspectImages(
    keys.map((repository) => `${repository}:${tag}`),
    promotionSigner(config),
  );
  const seen = keys.flatMap((repository) => {
    const there = found[`${repository}:${tag}`];
    return there === undefined ? [] : [{ repository, there }];
  });
  const [first] = seen;
  if (first === undefined || seen.length < keys.length)
    return { reason: `${tag} is not in every registry any more` };
  const { digest, platforms } = first.there;
  if (seen.some(({ there }) => there.digest !== digest))
    return { reason: `${tag} differs between the registries` };
  const verification = verificationOf(config, base, previous);
  const verified = seen.map(({ repository, there }) => verifiedImage(verification, repository, there));
  const [known] = verified;
  const isNamed = verified.every((found) => found?.by !== "signature" || found.claim?.tag === tag);
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
      repositories: seen.map(({ repository }) => repository),
    },
  };
}
