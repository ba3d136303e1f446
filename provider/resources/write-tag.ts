import type { Digest } from "../../plan/digest";
import type { FoundImage } from "../../plan/registry-state";
import { newerVersion, type TagDecision, type TagWish } from "../../plan/tag-policy";
import type { Location } from "../registries";

/** How often a tag is put right while others write it too. */
const ROUNDS = 5;

export interface TagWrite {
  readonly location: Location;
  readonly name: string;
  readonly digest: Digest;
  readonly wish: TagWish;
  readonly live: () => Promise<FoundImage | undefined>;
  readonly decide: (live: FoundImage | undefined) => Promise<TagDecision>;
  /** The names of all version tags now; empty for tags that follow no versions. */
  readonly versions: () => Promise<readonly string[]>;
  /** What a version's tag points to here, if it is verified. */
  readonly versionDigest: (name: string, version: string) => Promise<Digest | undefined>;
}

export interface WrittenTag {
  /** What the tag points to in the end. */
  readonly digest: Digest;
  /** What a person should know. */
  readonly note?: string;
}

/**
 * HEAD; the same digest is no write; else policy, PUT of the same manifest bytes, HEAD again. A registry has no
 * compare-and-swap, so a floating tag is looked at again after the write: if a newer version has appeared meanwhile,
 * the tag is given to it, until what is there is what should be there.
 */
export async function writeTag(write: TagWrite): Promise<WrittenTag> {
  const { name, location } = write;
  const live = await write.live();
  if (live?.digest === write.digest) return { digest: write.digest };
  const decision = await write.decide(live);
  if (decision.action === "refuse") throw new Error(`${location.repository}: ${decision.reason}`);
  if (decision.action === "keep") {
    if (live === undefined)
      throw new Error(`${location.repository}:${name}: not written, because ${decision.reason}`);
    return { digest: live.digest, note: `stays where it is: ${decision.reason}` };
  }
  let target = write.digest;
  for (let round = 1; round <= ROUNDS; round += 1) {
    await put(location, name, target);
    const rightful = await rightfulDigest(write);
    const now = await write.live();
    if (now?.digest === rightful) {
      return rightful === write.digest
        ? { digest: rightful }
        : { digest: rightful, note: "a newer version was released meanwhile and holds it now" };
    }
    target = rightful;
  }
  throw new Error(
    `${location.repository}:${name} is being written by another tool at the same time and did not settle ` +
      `after ${ROUNDS} attempts. Run \`pulumi up\` again when the other release has ended.`,
  );
}

async function put({ client, path, repository }: Location, name: string, digest: Digest): Promise<void> {
  const manifest = await client.getManifest(path, digest);
  if (manifest === undefined) {
    throw new Error(
      `${repository} does not hold ${digest}, so ${name} cannot point to it. Run \`pulumi up\` again.`,
    );
  }
  await client.putManifest(path, name, manifest.bytes, manifest.descriptor.mediaType);
}

/** The digest that the tag should have now: ours, or that of a newer version which exists by now. */
async function rightfulDigest({ wish, digest, versions, versionDigest }: TagWrite): Promise<Digest> {
  if (wish.version === undefined || wish.overruled) return digest;
  const newer = newerVersion(wish, await versions());
  if (newer === undefined) return digest;
  const tag = `${wish.form.prefix}${newer.text}${wish.form.suffix}`;
  return (await versionDigest(tag, newer.text)) ?? digest;
}
