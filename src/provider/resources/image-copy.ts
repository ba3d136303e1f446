import { z } from "zod";
import { type Digest, isDigest, shortDigest } from "../../plan/digest";
import { missingPlatforms } from "../../plan/image-index";
import { missingParts } from "../../registry/copy-parts";
import type { AcceptReferrer } from "../../registry/copy-referrers";
import { readImage } from "../../registry/read-image";
import { copyWithProgress, incomplete, isWhole } from "../../release/copy-content";
import type { Context } from "../../release/operation";
import { rulesSigner } from "../../release/provider-config";
import type { Location } from "../../release/registries";
import { resource } from "../resource";
import { repositoryInput } from "../schemas";

const inputs = z.object({
  image: z.string(),
  /** Where the content is taken from. */
  source: repositoryInput,
  digest: z.custom<Digest>(isDigest, "is not a sha256 digest"),
  /** Where it has to be, the primary first. */
  repositories: z.array(repositoryInput).min(1),
  platforms: z.array(z.string()),
  /** Whose bundles are copied too. Absent where the stack's gate asks for no signer: then every bundle is. */
  signer: rulesSigner.optional(),
});

type ImageCopyInputs = z.output<typeof inputs>;

/**
 * Content that was verified elsewhere, whole in every registry: index, manifests, blobs, and everything that refers to
 * it. Copied by digest and never rebuilt; what is there already is not sent again, so a copy that broke off goes on.
 * Deleting keeps the content.
 */
export const imageCopy = resource({
  token: "slipway-registry:index:ImageCopy",
  schema: inputs,

  diff: async (context, { urn, olds, news }) => {
    if (olds.inputs.digest !== news.digest) return { changed: ["digest"] };
    const incomplete = await incompleteRepositories(context, news, olds.outputs.referrers);
    if (incomplete.length === 0) return { changed: [] };
    await context.log.info(urn, `${incomplete.join(" and ")} lost parts of it; will be completed`);
    return { changed: ["repositories"] };
  },

  create: async (context, news, { urn, preview }) => ({
    id: `${news.image}@${news.digest}`,
    outputs: preview ? news : await copy(context, urn, news),
  }),

  update: async (context, { urn, news }, { preview }) => (preview ? news : copy(context, urn, news)),

  read: async (context, { inputs: known, outputs }) => {
    const incomplete = await incompleteRepositories(context, known, outputs.referrers);
    const repositories = known.repositories.filter((repository) => !incomplete.includes(repository));
    if (repositories.length === 0) return undefined;
    return { inputs: { ...known, repositories }, outputs: { ...outputs, repositories } };
  },
});

/** Repositories that lack a part of the content, or a referrer that came along with it. */
async function incompleteRepositories(
  context: Context,
  { repositories, digest }: ImageCopyInputs,
  referrers: unknown,
): Promise<string[]> {
  const wanted = Array.isArray(referrers) ? referrers.filter(isDigest) : [];
  const incomplete = await Promise.all(
    repositories.map(async (repository) => {
      const { client, path } = context.registries.at(repository);
      const [missing, listed] = await Promise.all([
        missingParts(client, path, digest),
        wanted.length === 0 ? [] : client.referrers(path, digest),
      ]);
      const names = new Set(listed.map((entry) => entry.digest));
      if (missing.length === 0 && !(await isWhole(context.registries.at(repository), digest)))
        return repository;
      return missing.length === 0 && wanted.every((referrer) => names.has(referrer)) ? undefined : repository;
    }),
  );
  return incomplete.filter((repository) => repository !== undefined);
}

async function copy(context: Context, urn: string, news: ImageCopyInputs): Promise<object> {
  const { image, digest, platforms } = news;
  const targets = news.repositories.map((repository) => context.registries.at(repository));
  const source = await holder([context.registries.at(news.source), ...targets], digest);
  if (source === undefined) {
    throw new Error(
      `${image}: ${news.source} does not hold ${digest} any more, and no target does. Release it again there.`,
    );
  }
  const found = await readImage(source.client, source.path, digest, { statements: false });
  const missing = missingPlatforms(found?.platforms ?? [], platforms);
  if (missing.length > 0) {
    throw new Error(`${source.repository}@${digest} lacks ${missing.join(", ")}, so nothing was copied`);
  }
  const accept = await accepted(context, news);
  const copied = await Promise.all(
    targets.map((to) => copyTo(context, urn, { digest, from: source, to, ...(accept && { accept }) })),
  );
  for (const { repository } of await incomplete(targets, digest))
    await context.log.warn(urn, `${repository}@${shortDigest(digest)} lacks attestations of its build`);
  return { ...news, referrers: [...new Set(copied.flat())].sort() };
}

/** The first place that has the index. */
async function holder(places: readonly Location[], digest: Digest): Promise<Location | undefined> {
  for (const place of places) {
    if ((await place.client.headManifest(place.path, digest)) !== undefined) return place;
  }
  return undefined;
}

/** What the gate of a promotion accepts: a statement that its signer signed about the image that it is attached to. */
async function accepted(context: Context, { signer }: ImageCopyInputs): Promise<AcceptReferrer | undefined> {
  if (signer === undefined) return undefined;
  const { verifyByAny } = await import("../../signing/verify-bundle.js");
  const { readTrust } = await import("../../signing/keys.js");
  const trusts = signer.kind === "stack" ? await context.signing.trusts() : [await readTrust(signer)];
  return async (_, { subject }, bytes) =>
    subject !== undefined && "accepted" in verifyByAny(bytes, subject.digest, trusts);
}

/** @returns the digest's referrers that were copied */
async function copyTo(
  { log }: Context,
  urn: string,
  copy: {
    readonly digest: Digest;
    readonly from: Location;
    readonly to: Location;
    readonly accept?: AcceptReferrer;
  },
): Promise<readonly Digest[]> {
  if (copy.to.repository === copy.from.repository) return [];
  const { referrers, skippedReferrers } = await copyWithProgress(log, urn, copy);
  const left = Object.entries(skippedReferrers).map(([why, count]) => `${count} ${why}`);
  // For example `198 of a kind that is not copied, 2 not accepted`.
  if (left.length > 0)
    await log.info(urn, `${copy.to.repository}: referrers left behind: ${left.join(", ")}`);
  return referrers;
}
