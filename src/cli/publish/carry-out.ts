import { z } from "zod";
import type { Config } from "../../plan/config";
import { type Digest, isDigest, shortDigest } from "../../plan/digest";
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
import { hubDescription } from "../../provider/resources/hub-description";
import { imageCopy } from "../../provider/resources/image-copy";
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

interface Run extends CarryOutInput {
  /** Of the images that are done. */
  readonly digests: Record<string, Digest>;
}

/**
 * Does what a plan says in the engine's order, by the same operations that its resources have: every image built or
 * found, verified and stated; then the tags, level by level. One image after the other, bases first.
 */
export async function carryOutWithoutEngine(input: CarryOutInput): Promise<ReleaseManifest> {
  const { plan, config, say } = input;
  const digests: Record<string, Digest> = {};
  const run = { ...input, digests };
  const attestations: Record<string, readonly Digest[]> = {};
  for (const image of plan.images) {
    const content = await (config.promote === undefined ? release(run, image) : promote(run, image));
    digests[image.name] = content.digest;
    attestations[image.name] = content.attestations;
    say(`${image.name}: verified as ${shortDigest(content.digest)} in ${image.repositories.join(" and ")}`);
  }
  const levels = desiredTags(plan);
  const written = await writeTags(run.context, "", levels, tagDigests(levels, digests));
  return releaseManifest(plan, { digests, attestations, tags: writtenTags(plan, written) });
}

/** Last of all: a description that fails leaves a release that is whole. */
export async function describeWithoutEngine(
  input: Pick<CarryOutInput, "plan" | "context" | "say">,
): Promise<void> {
  for (const description of input.plan.descriptions ?? []) {
    if (description.kept !== undefined) continue;
    const run = { urn: description.repository, preview: false };
    await hubDescription.create(input.context, { ...descriptionInputs(description) }, run);
    input.say(`the description of ${description.repository} is set`);
  }
}

interface Verified {
  readonly digest: Digest;
  readonly attestations: readonly Digest[];
}

async function release(run: Run, image: PlannedImage): Promise<Verified> {
  const { content } = image;
  const base = run.digests[image.intent.base?.image ?? ""];
  const found = "digest" in content ? content.digest : await run.build(image, base);
  const desired = desiredContent(image, run.config.sign.mode);
  const { digest, referrers } = await completeContent(run.context, image.name, desired, found);
  return { digest, attestations: referrerDigests(referrers) };
}

const copied = z.object({
  digest: z.custom<Digest>(isDigest),
  referrers: z.array(z.custom<Digest>(isDigest)).default([]),
});

async function promote({ context }: Run, image: PlannedImage): Promise<Verified> {
  const run = { urn: image.name, preview: false };
  const { outputs } = await imageCopy.create(context, { ...copyInputs(image) }, run);
  const { digest, referrers } = copied.parse(outputs);
  return { digest, attestations: referrers };
}
