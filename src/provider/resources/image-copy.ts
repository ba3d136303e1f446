import { z } from "zod";
import { type Digest, isDigest, shortDigest } from "../../plan/digest";
import { missingPlatforms } from "../../plan/image-index";
import type { AcceptReferrer } from "../../registry/copy-rules";
import { missingParts } from "../../registry/copy-rules";
import { readImage } from "../../registry/read-image";
import { copyWithProgress, incomplete, isWhole } from "../../release/copy-content";
import type { Context } from "../../release/operation";
import { rulesSigner } from "../../release/provider-config";
import type { Location } from "../../release/registries";
import { digestInput, repositoryInput } from "../properties";
import { resource } from "../resource";
import type { ImageCopyArgs } from "../sdk";

const inputs: z.ZodType<ImageCopyArgs> = z.object({
  image: z.string(),
  source: repositoryInput,
  digest: digestInput,
  repositories: z.array(repositoryInput).min(1),
  platforms: z.array(z.string()),
  signer: rulesSigner.optional(),
});

/**
 * Content that was verified elsewhere, copied by digest to every registry: index, manifests, blobs and referrers. Parts
 * that a registry has are not sent again, so an interrupted copy continues. Deleting the resource keeps the content.
 */
export const imageCopy = resource({
  token: "slipway-registry:index:ImageCopy",
  schema: inputs,

  diff: async (context, { urn, olds, news }) => {
    if (olds.inputs.digest !== news.digest) return { changed: ["digest"] };
    const lacking = await incompleteRepositories(context, news, olds.outputs.referrers);
    if (lacking.length === 0) return { changed: [] };
    await context.log.info(urn, `${lacking.join(" and ")} lost parts of it; will be completed`);
    return { changed: ["repositories"] };
  },

  create: async (context, news, { urn, preview }) => ({
    id: `${news.image}@${news.digest}`,
    outputs: preview ? news : { ...news, referrers: await copyImage(context, urn, news) },
  }),

  update: async (context, { urn, news }, { preview }) =>
    preview ? news : { ...news, referrers: await copyImage(context, urn, news) },

  read: async (context, { inputs: known, outputs }) => {
    const lacking = await incompleteRepositories(context, known, outputs.referrers);
    const repositories = known.repositories.filter((repository) => !lacking.includes(repository));
    if (repositories.length === 0) return undefined;
    return { inputs: { ...known, repositories }, outputs: { ...outputs, repositories } };
  },
});

/** The repositories that lack a part of the content or a referrer that was copied with it. */
async function incompleteRepositories(
  context: Context,
  { repositories, digest }: ImageCopyArgs,
  referrers: unknown,
): Promise<string[]> {
  const copied = Array.isArray(referrers) ? referrers.filter(isDigest) : [];
  const isComplete = await Promise.all(
    repositories.map(async (repository) => {
      const { client, path } = context.registries.at(repository);
      const [missing, listed] = await Promise.all([
        missingParts(client, path, digest),
        copied.length === 0 ? [] : client.referrers(path, digest),
      ]);
      if (missing.length > 0 || !(await isWhole(context.registries.at(repository), digest))) return false;
      const names = new Set(listed.map((entry) => entry.digest));
      return copied.every((referrer) => names.has(referrer));
    }),
  );
  return repositories.filter((_, index) => !isComplete[index]);
}

/** @returns the digests of the referrers that were copied, sorted */
export async function copyImage(
  context: Context,
  urn: string,
  { image, source, digest, repositories, platforms, signer }: ImageCopyArgs,
): Promise<Digest[]> {
  const targets = repositories.map((repository) => context.registries.at(repository));
  const from = await holder([context.registries.at(source), ...targets], digest);
  if (from === undefined) {
    throw new Error(
      `${image}: ${source} does not hold ${digest} any more, and no target does. Release it again there.`,
    );
  }
  const found = await readImage(from.client, from.path, digest, { statements: false });
  const missing = missingPlatforms(found?.platforms ?? [], platforms);
  if (missing.length > 0) {
    throw new Error(`${from.repository}@${digest} lacks ${missing.join(", ")}, so nothing was copied`);
  }
  const accept = await acceptanceBy(context, signer);
  const copied = await Promise.all(
    targets.map(async (to) => {
      if (to.repository === from.repository) return [];
      const { referrers, skippedReferrers } = await copyWithProgress(context.log, urn, {
        digest,
        from,
        to,
        ...(accept === undefined ? {} : { accept }),
      });
      const left = Object.entries(skippedReferrers).map(([why, count]) => `${count} ${why}`);
      // For example `198 of a kind that is not copied, 2 not accepted`.
      if (left.length > 0) {
        await context.log.info(urn, `${to.repository}: referrers left behind: ${left.join(", ")}`);
      }
      return referrers;
    }),
  );
  for (const { repository } of await incomplete(targets, digest)) {
    await context.log.warn(urn, `${repository}@${shortDigest(digest)} lacks attestations of its build`);
  }
  return [...new Set(copied.flat())].sort();
}

/** The first repository that has the index. */
async function holder(places: readonly Location[], digest: Digest): Promise<Location | undefined> {
  for (const place of places) {
    if ((await place.client.headManifest(place.path, digest)) !== undefined) return place;
  }
  return undefined;
}

/** Accepts a statement that the signer signed about the image that it is attached to. */
async function acceptanceBy(
  context: Context,
  signer: ImageCopyArgs["signer"],
): Promise<AcceptReferrer | undefined> {
  if (signer === undefined) return undefined;
  const { verifyByAny } = await import("../../signing/verify-bundle.js");
  const { readTrust } = await import("../../signing/keys.js");
  const trusts = signer.kind === "stack" ? await context.signing.trusts() : [await readTrust(signer)];
  return async (_, { subject }, bytes) =>
    subject !== undefined && "accepted" in verifyByAny(bytes, subject.digest, trusts);
}
