import { BASE_IMAGE } from "../plan/base";
import type { ExistingRelease } from "../plan/existing-release";
import { wantedSigner } from "../plan/promotion-gate";
import { parseReference } from "../plan/reference";
import { type VerifiedBy, verificationOf, verifiedImage } from "../plan/verified";
import type { PlanReleaseInput } from "./plan-release";

export type StatedBase =
  | { readonly release: ExistingRelease; readonly tag: string; readonly verifiedBy: VerifiedBy }
  /** Why there is none, for people. */
  | { readonly reason: string };

/**
 * The base that a release was built FROM, as its statement says, where all of these repositories still have it.
 *
 * @param keys `host/path`, the first choice first
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
    wantedSigner(config),
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
