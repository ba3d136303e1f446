import type { Config } from "../../plan/config";
import { type Digest, isDigest, shortDigest } from "../../plan/digest";
import type { ReleaseManifest } from "../../plan/manifest";
import { type ReleaseFacts, releaseManifest } from "../../plan/release-manifest";
import type { PlannedImage, PlannedTag, ReleasePlan, TagLevel } from "../../plan/release-plan";
import {
  attestationInputs,
  candidateInputs,
  copyInputs,
  descriptionInputs,
  digestOfTag,
  referrerDigests,
  tagInputs,
} from "../../plan/resource-inputs";
import type { Context, Resource } from "../../provider/resource";
import { attestation } from "../../provider/resources/attestation";
import { candidate } from "../../provider/resources/candidate";
import { hubDescription } from "../../provider/resources/hub-description";
import { imageCopy } from "../../provider/resources/image-copy";
import { tag } from "../../provider/resources/tag";
import { reasonOf } from "../terminal";

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
  const tags: ReleaseFacts["tags"][number][] = [];
  for (const level of plan.levels) {
    tags.push(...(await writeLevel(run, level)));
    if (level.tags.length > 0) say(`${level.name} are set (${level.tags.length})`);
  }
  return releaseManifest(plan, { digests, attestations, tags });
}

/** Last of all: a description that fails leaves a release that is whole. */
export async function describeWithoutEngine(
  input: Pick<CarryOutInput, "plan" | "context" | "say">,
): Promise<void> {
  for (const description of input.plan.descriptions ?? []) {
    if (description.kept !== undefined) continue;
    await create(input, hubDescription, description.repository, descriptionInputs(description));
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
  const reserved = await create(run, candidate, image.name, { ...candidateInputs(image), digest: found });
  const digest = digestIn(reserved, "digest");
  const inputs = attestationInputs(image, run.config.sign.mode);
  if (inputs === undefined) return { digest, attestations: [] };
  const stated = await create(run, attestation, image.name, { ...inputs, digest });
  const referrers: unknown = Reflect.get(stated, "referrers");
  return { digest, attestations: Array.isArray(referrers) ? referrerDigests(referrers.map(String)) : [] };
}

async function promote(run: Run, image: PlannedImage): Promise<Verified> {
  const copied = await create(run, imageCopy, image.name, copyInputs(image));
  const referrers: unknown = Reflect.get(copied, "referrers");
  return {
    digest: digestIn(copied, "digest"),
    attestations: Array.isArray(referrers) ? referrers.filter(isDigest) : [],
  };
}

/** All tags of a level, each to its end, whatever becomes of the others. */
async function writeLevel(run: Run, level: TagLevel): Promise<ReleaseFacts["tags"]> {
  const written = await Promise.allSettled(level.tags.map((planned) => writeTag(run, planned)));
  const reasons = written.flatMap((result) =>
    result.status === "rejected" ? [reasonOf(result.reason)] : [],
  );
  if (reasons.length > 0) throw new Error([...new Set(reasons)].join("\n"));
  return written.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}

async function writeTag(
  { plan, context, digests }: Run,
  planned: PlannedTag,
): Promise<ReleaseFacts["tags"][number]> {
  const { image, repository, name } = planned;
  const siblings = plan.images.find((known) => known.name === image)?.repositories ?? [];
  const outputs = await create({ context }, tag, image, {
    ...tagInputs(planned, siblings, plan.lane ?? ""),
    digest: digestOfTag(planned, digests),
  });
  return { image, repository, name, class: planned.class, digest: digestIn(outputs, "digest") };
}

/** Every one of these operations looks first, and writes only what is missing. */
export async function create(
  { context }: Pick<CarryOutInput, "context">,
  resource: Resource,
  urn: string,
  inputs: Readonly<Record<string, unknown>>,
): Promise<object> {
  const { outputs } = await resource.create(context, { ...inputs }, { urn, preview: false });
  return outputs;
}

export function digestIn(outputs: object, name: string): Digest {
  const digest: unknown = Reflect.get(outputs, name);
  if (!isDigest(digest)) throw new Error(`no ${name} came of it`);
  return digest;
}
