import { CONTENT_KEY_ANNOTATION } from "../plan/annotations";
import { BASE_IMAGE } from "../plan/base";
import type { ExistingRelease } from "../plan/existing-release";
import { parseReference } from "../plan/reference";
import type { PlanReleaseInput } from "./plan-release";

export type StatedBase =
  | { readonly release: ExistingRelease; readonly tag: string }
  /** Why there is none, for people. */
  | { readonly reason: string };

/**
 * The base that a release was built FROM, as its statement says, where all of these repositories still have it.
 *
 * @param keys `host/path`, the first choice first
 */
export async function readStatedBase(
  { registries }: Pick<PlanReleaseInput, "registries">,
  base: { readonly name: string },
  of: ExistingRelease,
  keys: readonly string[],
): Promise<StatedBase> {
  const reference = of.statement?.inputs[BASE_IMAGE];
  const tag = reference === undefined ? undefined : parseReference(reference).tag;
  if (tag === undefined) return { reason: `no release statement names the base of ${of.version ?? of.ref}` };
  const { found } = await registries.inspectImages(keys.map((repository) => `${repository}:${tag}`));
  const seen = keys.flatMap((repository) => {
    const there = found[`${repository}:${tag}`];
    return there === undefined ? [] : [{ repository, there }];
  });
  const [first] = seen;
  if (first === undefined || seen.length < keys.length)
    return { reason: `${tag} is not in every registry any more` };
  const { digest, platforms, annotations } = first.there;
  if (seen.some(({ there }) => there.digest !== digest))
    return { reason: `${tag} differs between the registries` };
  return {
    tag,
    release: {
      name: base.name,
      digest,
      revision: of.revision,
      ref: of.ref,
      contentKey: annotations[CONTENT_KEY_ANNOTATION] ?? "",
      platforms,
      repositories: seen.map(({ repository }) => repository),
    },
  };
}
