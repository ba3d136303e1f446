import type { Digest } from "../plan/digest";
import { shortDigest } from "../plan/digest";
import type { FetchedManifest } from "../registry/manifests";
import { detachStatements, missingStatements, relistStatements } from "../registry/referrers";
import type { Context } from "./context";
import type { Location } from "./registries";

/** Content and the statements beside it, in the first place that holds what was built. Others get it by copy. */
export async function detachIn(
  locations: readonly Location[],
  built: Digest,
  image: string,
): Promise<Digest> {
  for (const { client, path } of locations) {
    if ((await client.headManifest(path, built)) !== undefined) return detachStatements(client, path, built);
  }
  throw gone(image, built);
}

export function gone(image: string, digest: Digest): Error {
  return new Error(`${image}: no registry holds ${digest} any more. Run \`pulumi up\` again.`);
}

/** Whether a place holds and lists every statement that an index there names as its own. */
export async function isWhole({ client, path }: Location, index: Digest | FetchedManifest): Promise<boolean> {
  return (await missingStatements(client, path, index)).length === 0;
}

/** Places that hold an index, and lack a statement of its build. */
export async function incomplete(locations: readonly Location[], digest: Digest): Promise<Location[]> {
  const whole = await Promise.all(locations.map((location) => isWhole(location, digest)));
  return locations.filter((_, at) => !whole[at]);
}

/**
 * Where the other places copy from: one that has the index with all of its statements, listing again what is only not
 * listed any more. If all lost some, that is reported: what is missing can then be verified nowhere.
 *
 * @param holders places that hold the index; at least one
 */
export async function wholeSource(
  context: Context,
  urn: string,
  index: FetchedManifest,
  [first, ...others]: readonly [Location, ...Location[]],
): Promise<Location> {
  for (const holder of [first, ...others]) {
    if (await isWhole(holder, index)) return holder;
    const { client, path } = holder;
    await relistStatements(client, path, await missingStatements(client, path, index));
    if (await isWhole(holder, index)) return holder;
  }
  const lost = await missingStatements(first.client, first.path, index);
  await context.log.warn(
    urn,
    `${first.repository}@${shortDigest(index.descriptor.digest)} lost attestations of its build (${lost.map(shortDigest).join(", ")}), ` +
      "and no registry has them any more; verifying it by them fails",
  );
  return first;
}
