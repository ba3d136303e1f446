import canonicalize from "canonicalize";
import { z } from "zod";
import { digestOf } from "../../plan/digest";
import type { DesiredContent } from "../../plan/resource-inputs";
import { type ContentClaim, parseClaim, parseStatement, type ReleaseStatement } from "../../plan/statement";
import { completeContent, signerOf } from "../../release/complete-content";
import { isWhole } from "../../release/copy-content";
import type { Context } from "../../release/operation";
import { digestInput, type Properties, pendingDigestInput, repositoryInput, UNKNOWN } from "../properties";
import { type Operation, plannedResource } from "../resource";

const plan: z.ZodType<DesiredContent> = z.object({
  image: z.string(),
  repositories: z.array(repositoryInput).min(1),
  tag: z.string(),
  replaces: z.array(digestInput).optional(),
  contentKey: z.string(),
  revision: z.string(),
  platforms: z.array(z.string()),
  source: z.enum(["build", "found"]),
  attestations: z.enum(["index", "referrers"]),
  claim: z.custom<ContentClaim>((value) => parseClaim(value) !== undefined, "is not a claim").optional(),
  statement: z
    .custom<ReleaseStatement>((value) => parseStatement(value) !== undefined, "is not a release statement")
    .optional(),
  sign: z.enum(["none", "key", "keyless"]),
  incomplete: z.array(repositoryInput),
});

const inputs = z.object({
  image: z.string(),
  repositories: z.array(repositoryInput),
  /** The candidate tag. */
  tag: z.string(),
  digest: pendingDigestInput,
  /** A hash of the release statement; absent if there is none. */
  statement: z.string().optional(),
  sign: z.enum(["none", "key", "keyless"]),
});

/**
 * One image's content: verified in every registry, found by its candidate tag, stated and signed. Later resources take
 * the digest from it. Deleting the resource keeps the content.
 */
export const content = plannedResource(
  {
    declared: z.object({ digest: pendingDigestInput }),
    plan,
    inputs: ({ digest = UNKNOWN }, { image, repositories, tag, statement, sign }) => ({
      image,
      repositories,
      tag,
      digest,
      statement: statement && digestOf(Buffer.from(canonicalize(statement) ?? "")),
      sign,
    }),
  },
  {
    token: "slipway-registry:index:Content",
    schema: inputs,

    diff: async (context, { urn, olds, news, plan: desired }) => {
      const before = olds.inputs;
      if (news.digest === undefined || olds.outputs.digest !== news.digest) return { changed: ["digest"] };
      const changed = (["tag", "statement", "sign"] as const).filter((name) => before[name] !== news[name]);
      if (changed.length > 0) return { changed };
      // Without a program there is no key, and nothing is signed.
      if (desired !== undefined && context.signing.isAtHand) {
        const signer = await signerOf(context, desired);
        if (olds.outputs.signer !== (signer?.name ?? "")) return { changed: ["sign"] };
      }
      const known = Array.isArray(before.repositories) ? before.repositories : [];
      const missing = new Set([
        ...news.repositories.filter((repository) => !known.includes(repository)),
        ...(desired?.incomplete ?? []),
        ...(await withoutReferrers(context, news, olds.outputs)),
        // The plan has read the tag, which shows that the index is there, but not that its statements are.
        ...(desired?.attestations === "referrers" ? await withoutContent(context, news) : []),
      ]);
      if (missing.size === 0) return { changed: [] };
      await context.log.info(urn, `will be completed in ${[...missing].join(" and ")}`);
      return { changed: ["repositories"] };
    },

    create: async (context, news, operation, desired) => ({
      id: `${news.image}:${news.tag}`,
      outputs: await completed(context, news, operation, desired),
    }),

    update: (context, { news }, operation, desired) => completed(context, news, operation, desired),

    // Keep the recorded digest, wherever the tag points to: tags and signatures take it from state.
    read: async (context, { inputs: known, outputs }) => {
      const missing = [
        ...(await withoutContent(context, known)),
        ...(await withoutReferrers(context, known, outputs)),
      ];
      const repositories = known.repositories.filter((repository) => !missing.includes(repository));
      if (repositories.length === 0) return undefined;
      return { inputs: { ...known, repositories }, outputs: { ...outputs, repositories } };
    },
  },
);

async function completed(
  context: Context,
  news: z.output<typeof inputs>,
  { urn, preview }: Operation,
  desired: DesiredContent,
): Promise<object> {
  if (!preview) return { ...news, ...(await completeContent(context, urn, desired, news.digest)) };
  // A preview reports a key that cannot be read.
  await signerOf(context, desired);
  return news;
}

/** The repositories that do not list a referrer that was attached to the digest there. */
async function withoutReferrers(
  { registries }: Context,
  { repositories, digest }: z.output<typeof inputs>,
  outputs: Properties,
): Promise<string[]> {
  const attached = Array.isArray(outputs.referrers) ? outputs.referrers.map(String) : [];
  if (digest === undefined || attached.length === 0) return [];
  return select(repositories, async (repository) => {
    const { client, path } = registries.at(repository);
    const own = attached.filter((reference) => reference.startsWith(`${repository}@`));
    const listed = (await client.referrers(path, digest)).map(
      (referrer) => `${repository}@${referrer.digest}`,
    );
    return own.length === 0 || own.some((reference) => !listed.includes(reference));
  });
}

/** The repositories that do not hold the digest, or lost a statement of its build. */
function withoutContent(
  { registries }: Context,
  { repositories, digest }: z.output<typeof inputs>,
): Promise<string[]> {
  return select(repositories, async (repository) => {
    const location = registries.at(repository);
    if (digest === undefined) return false;
    const isThere = (await location.client.headManifest(location.path, digest)) !== undefined;
    return !isThere || !(await isWhole(location, digest));
  });
}

async function select<T>(all: readonly T[], test: (one: T) => Promise<boolean>): Promise<T[]> {
  const selected = await Promise.all(all.map(test));
  return all.filter((_, at) => selected[at]);
}
