import path from "node:path";
import { type Digest, digestOf, shortDigest } from "../../plan/digest";
import { type ImageIndex, mergedAnnotations, mergedIndex, partIndexProblems } from "../../plan/image-index";
import { builtImages, type ImageParts, matchParts } from "../../plan/platform-parts";
import { type Problem, ProblemError } from "../../plan/problem";
import type { PlannedImage } from "../../plan/release-plan";
import { desiredContent } from "../../plan/resource-inputs";
import { isIndex } from "../../registry/manifests";
import { reserveContent } from "../../release/complete-content";
import { copyWithProgress } from "../../release/copy-content";
import type { Context } from "../../release/operation";
import type { Location } from "../../release/registries";
import { verifyPush } from "../../release/registries";
import { say } from "../terminal";
import {
  holders,
  type PartsOptions,
  type PartsRun,
  partsFolder,
  readPartsFiles,
  repositoriesOf,
  runOnPlan,
} from "./parts-run";

export interface MergeParts extends PartsOptions {
  readonly folder?: string;
}

interface FoundPart {
  readonly platform: string;
  readonly digest: Digest;
  readonly index: ImageIndex;
  /** The registries that have it, the primary first; at least one. */
  readonly holders: readonly Location[];
}

interface FoundImage {
  readonly image: PlannedImage;
  readonly parts: readonly FoundPart[];
  readonly problems: readonly Problem[];
}

/**
 * Merges each image's parts to one index in every registry, and reserves its candidate tag, so that the release finds the
 * content and builds nothing. Prints the merged digests as JSON, without content that a registry had before.
 */
export function mergeParts(options: MergeParts): Promise<number> {
  return runOnPlan({ ...options, signs: true }, async (run) => {
    const { plan, context, signal } = run;
    const built = builtImages(plan.images);
    const merged = built.length === 0 ? [] : await foundParts(options, run);
    if (built.length > 0) {
      await verifyPush(context.registries, repositoriesOf(built));
    }
    const own: { readonly image: string; readonly digest: Digest }[] = [];
    for (const image of plan.images) {
      signal.throwIfAborted();
      const parts = merged.find((known) => known.image.name === image.name)?.parts;
      const digest = await reserve(context, image, parts);
      if (parts !== undefined && digest !== undefined && (await consistsOf(parts, digest, context, image))) {
        own.push({ image: image.name, digest });
      }
    }
    process.stdout.write(`${JSON.stringify(own)}\n`);
  });
}

async function foundParts(options: MergeParts, run: PartsRun): Promise<FoundImage[]> {
  const { plan, context, projectDir } = run;
  const folder = options.folder === undefined ? partsFolder(run) : path.resolve(options.folder);
  const files = await readPartsFiles(folder, options.folder ?? path.relative(projectDir, folder));
  const { matched, problems } = matchParts(plan.images, files, plan.stack);
  if (problems.length > 0) throw new ProblemError("Nothing was merged:", problems);
  const found = await Promise.all(matched.map((parts) => readParts(context, parts)));
  const wrong = found.flatMap((image) => image.problems);
  if (wrong.length > 0) throw new ProblemError("Nothing was merged:", wrong);
  return found;
}

/** Reads an image's parts from the registries, since a file alone is not trusted. */
async function readParts(context: Context, { image, parts }: ImageParts): Promise<FoundImage> {
  const problems: Problem[] = [];
  const found: FoundPart[] = [];
  const { provenance, sbom } = image.intent.image;
  for (const { platform, digest } of parts) {
    const at = `${image.name} ${platform}`;
    const held = await holders(context, image.repositories, digest);
    const index = await indexOf(held, digest);
    if (index === undefined) {
      problems.push({
        code: "part-gone",
        path: at,
        message: `${digest} is in none of ${image.repositories.join(", ")}`,
        hint: `Build it again: npx --no slipway build --platform ${platform}`,
      });
      continue;
    }
    const expected = {
      at,
      platform,
      contentKey: image.intent.contentKey,
      attested: provenance || sbom !== false,
    };
    problems.push(...partIndexProblems(expected, index));
    found.push({ platform, digest, index, holders: held });
  }
  return { image, parts: found, problems };
}

async function indexOf([first]: readonly Location[], digest: Digest): Promise<ImageIndex | undefined> {
  const json = (await first?.client.getManifest(first.path, digest))?.json;
  if (json === undefined) return undefined;
  // A part that is not an index is reported as one without platforms.
  return isIndex(json) ? json : { manifests: [] };
}

/** Whether every manifest of the index is in one of the parts. */
async function consistsOf(
  parts: readonly FoundPart[],
  digest: Digest,
  { registries }: Context,
  { repositories: [repository] }: PlannedImage,
): Promise<boolean> {
  const index = await indexOf(repository === undefined ? [] : [registries.at(repository)], digest);
  const held = parts.flatMap((part) => part.index.manifests.map((entry) => entry.digest));
  return index?.manifests.every((entry) => held.includes(entry.digest)) === true;
}

/** Reserves the candidate tag for the merged content, or for existing content, completed where a registry lacks it. */
async function reserve(
  context: Context,
  image: PlannedImage,
  parts: readonly FoundPart[] | undefined,
): Promise<Digest | undefined> {
  const { content, name } = image;
  if (parts === undefined && content.from !== "candidate") {
    say(`${name}: nothing to merge`);
    return undefined;
  }
  const merged = parts === undefined ? undefined : await writeIndex(context, image, parts);
  const desired = merged ?? ("digest" in content ? content.digest : undefined);
  const { descriptor } = await reserveContent(context, name, desiredContent(image, "none"), desired);
  const how =
    parts === undefined
      ? "was there already"
      : descriptor.digest === merged
        ? "is merged"
        : "was reserved meanwhile";
  say(`${name}: ${how} as ${shortDigest(descriptor.digest)} in ${image.repositories.join(" and ")}`);
  return descriptor.digest;
}

/** Copies everything in the index before the index, except what a registry has already. */
async function writeIndex(
  { registries, log }: Context,
  { name, intent, repositories }: PlannedImage,
  parts: readonly FoundPart[],
): Promise<Digest> {
  const { bytes, mediaType } = mergedIndex(parts, mergedAnnotations(parts, intent.annotations));
  const digest = digestOf(bytes);
  for (const to of repositories.map((repository) => registries.at(repository))) {
    for (const {
      index,
      holders: [from, ...others],
    } of parts) {
      if (from === undefined || [from, ...others].some(({ repository }) => repository === to.repository))
        continue;
      await Promise.all(
        index.manifests.map(({ digest: part }) => copyWithProgress(log, name, { from, to, digest: part })),
      );
    }
    if ((await to.client.headManifest(to.path, digest)) !== undefined) continue;
    await to.client.putManifest(to.path, digest, bytes, mediaType);
  }
  return digest;
}
