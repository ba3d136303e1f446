import type { Config } from "../../plan/config";
import { type Digest, shortDigest } from "../../plan/digest";
import { type ReleaseManifest, releaseManifest, writtenTags } from "../../plan/manifest";
import type { PlannedImage, ReleasePlan } from "../../plan/release-plan";
import {
  copyInputs,
  descriptionInputs,
  desiredContent,
  desiredTags,
  referrerDigests,
  tagDigests,
} from "../../plan/resource-inputs";
import { writeDescription } from "../../provider/resources/hub-description";
import { copyImage } from "../../provider/resources/image-copy";
import { completeContent } from "../../release/complete-content";
import type { Context } from "../../release/operation";
import { writeTags } from "../../release/write-tags";

export interface CarryOutInput {
  readonly plan: ReleasePlan;
  readonly config: Config;
  readonly context: Context;
  /** Builds an image and pushes it by digest to all of its repositories. */
  readonly build: (image: PlannedImage, baseDigest: Digest | undefined) => Promise<Digest>;
  readonly say: (text: string) => void;
}

/**
 * Carries out a plan in the engine's order, by the operations of the provider's resources: every image is built or
 * found, verified and stated, then the tags are written, level by level. Images come one after the other, bases first.
 */
export async function carryOutWithoutEngine(input: CarryOutInput): Promise<ReleaseManifest> {
  const { plan, config, context, say } = input;
  const digests: Record<string, Digest> = {};
  const attestations: Record<string, readonly Digest[]> = {};
  for (const image of plan.images) {
    const { digest, referrers } = await (config.promote === undefined
      ? release(input, image, digests[image.intent.base?.image ?? ""])
      : promote(input, image));
    digests[image.name] = digest;
    attestations[image.name] = referrers;
    say(`${image.name}: verified as ${shortDigest(digest)} in ${image.repositories.join(" and ")}`);
  }
  const levels = desiredTags(plan);
  const written = await writeTags(context, "", levels, tagDigests(levels, digests));
  return releaseManifest(plan, { digests, attestations, tags: writtenTags(plan, written) });
}

interface Carried {
  readonly digest: Digest;
  readonly referrers: readonly Digest[];
}

async function release(
  { config, context, build }: CarryOutInput,
  image: PlannedImage,
  base: Digest | undefined,
): Promise<Carried> {
  const { content } = image;
  const found = "digest" in content ? content.digest : await build(image, base);
  const desired = desiredContent(image, config.sign.mode);
  const { digest, referrers } = await completeContent(context, image.name, desired, found);
  return { digest, referrers: referrerDigests(referrers) };
}

async function promote({ context }: CarryOutInput, image: PlannedImage): Promise<Carried> {
  const copy = copyInputs(image);
  return { digest: copy.digest, referrers: await copyImage(context, image.name, copy) };
}

/** Comes last: if a description fails, the release is complete. */
export async function describeWithoutEngine(
  input: Pick<CarryOutInput, "plan" | "context" | "say">,
): Promise<void> {
  for (const description of input.plan.descriptions ?? []) {
    if (description.kept !== undefined) continue;
    await writeDescription(input.context, descriptionInputs(description));
    input.say(`the description of ${description.repository} is set`);
  }
}
