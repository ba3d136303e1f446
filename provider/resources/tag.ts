import { z } from "zod";
import { type Digest, shortDigest } from "../../plan/digest";
import { liveTag } from "../../plan/planned-tags";
import type { FoundImage } from "../../plan/registry-state";
import { decideTag, type LiveTag, newerVersion, type TagWish } from "../../plan/tag-policy";
import type { Location } from "../registries";
import { type Context, resource } from "../resource";
import { digestInput, repositoryInput } from "../schemas";
import { writeTag } from "./write-tag";

const inputs = z.object({
  repository: repositoryInput,
  name: z.string(),
  digest: digestInput,
  class: z.enum(["version", "floating", "revision"]),
  line: z.object({ major: z.number().optional(), minor: z.number().optional() }).optional(),
  form: z.object({ prefix: z.string(), suffix: z.string() }),
  version: z.string().optional(),
  revision: z.string(),
  overruled: z.boolean(),
  /** Whose tag it is. Absent in the state of older versions. */
  of: z.object({ image: z.string(), lane: z.string() }).optional(),
  /** Versions that never count as the newest. */
  bad: z.array(z.string()).default([]),
  /** A floating tag that goes back on purpose, and until which version it holds. */
  rollback: z.object({ until: z.string().optional() }).optional(),
  /** `move`: pre-releases move floating tags too. */
  prereleases: z.literal("move").optional(),
  /** All repositories of the image: a version counts wherever it exists. */
  siblings: z.array(repositoryInput),
  /** What the plan found, and how that commit relates to the one being released. */
  planned: z.object({
    digest: z.string().optional(),
    ancestry: z.enum(["ancestor", "descendant", "diverged", "unknown"]),
  }),
});

export type TagInputs = z.output<typeof inputs>;

/**
 * One tag of one image in one repository. Its identity is the slot (repository, image, rule); the tag's name is a
 * property, and a new name leaves the old tag where it is. Deleting keeps the tag.
 */
export const tag = resource({
  token: "slipway-registry:index:Tag",
  schema: inputs,

  diff: async (context, { urn, olds, news }) => {
    const live = await context.registries.seen(news.repository, news.name);
    const was = olds.inputs;
    const changed = (["repository", "name"] as const).filter((key) => was[key] !== news[key]);
    if (news.digest === undefined || was.digest !== news.digest) return say(["digest", ...changed]);
    return live?.digest === news.digest && changed.length === 0
      ? { changed: [] }
      : say(["digest", ...changed]);

    async function say(names: readonly string[]) {
      await refuseUnlessAllowed(context, news, live);
      await announce(context, urn, news, live);
      return { changed: names };
    }
  },

  create: async (context, news, { urn, preview }) => {
    const id = `${news.repository}:${news.name}`;
    if (!preview) return { id, outputs: await write(context, urn, news) };
    const live = await context.registries.seen(news.repository, news.name);
    await refuseUnlessAllowed(context, news, live);
    await announce(context, urn, news, live);
    return { id, outputs: outputsOf(news, news.digest) };
  },

  update: async (context, { urn, news }, { preview }) =>
    preview ? outputsOf(news, news.digest) : write(context, urn, news),

  read: async (context, { inputs: known, outputs }) => {
    const live = await context.registries.live(known.repository, known.name);
    if (live === undefined) return undefined;
    return {
      inputs: { ...known, digest: live.digest },
      outputs: { ...outputs, digest: live.digest },
    };
  },
});

function outputsOf(news: TagInputs, digest: Digest | undefined): object {
  return {
    ...news,
    digest,
    reference: `${news.repository}:${news.name}`,
  };
}

async function write(context: Context, urn: string, news: TagInputs): Promise<object> {
  const { digest } = news;
  if (digest === undefined) throw new Error(`${news.repository}:${news.name}: the digest is not known`);
  const location: Location = context.registries.at(news.repository);
  const written = await writeTag({
    location,
    name: news.name,
    digest,
    live: () => context.registries.live(news.repository, news.name),
    decide: async (live) =>
      decideTag(
        wishOf(news),
        await verifiedLiveTag(context, news, live),
        await existing(context, news),
        ancestry(news, live),
      ),
    versions: news.class === "floating" ? () => existing(context, news) : async () => [],
    versionDigest: (name, version) => verifiedDigest(context, news, name, version),
    wish: wishOf(news),
  });
  if (written.note !== undefined) await context.log.warn(urn, `${news.name}: ${written.note}`);
  return outputsOf(news, written.digest);
}

function wishOf(news: TagInputs): TagWish {
  return {
    name: news.name,
    class: news.class,
    ...(news.line === undefined
      ? {}
      : {
          line: {
            ...(news.line.major === undefined ? {} : { major: news.line.major }),
            ...(news.line.minor === undefined ? {} : { minor: news.line.minor }),
          },
        }),
    form: news.form,
    ...(news.version === undefined ? {} : { version: news.version }),
    revision: news.revision,
    ...(news.digest === undefined ? {} : { digest: news.digest }),
    overruled: news.overruled,
    bad: news.bad,
    ...(news.rollback === undefined
      ? {}
      : { rollback: news.rollback.until === undefined ? {} : { until: news.rollback.until } }),
    ...(news.prereleases === undefined ? {} : { prereleases: news.prereleases }),
  };
}

/** Only what the plan looked at has a known relation; anything newer has to be judged by the next plan. */
function ancestry(news: TagInputs, live: FoundImage | undefined): TagInputs["planned"]["ancestry"] {
  return live?.digest === news.planned.digest ? news.planned.ancestry : "unknown";
}

async function existing(context: Context, news: TagInputs): Promise<string[]> {
  const lists = await Promise.all(
    news.siblings.map((repository) => {
      const { client, path } = context.registries.at(repository);
      return client.listTags(path);
    }),
  );
  let names = [...new Set(lists.flat())];
  if (!context.signing.isOn) return names;
  // A version that appeared since the plan counts only if a trusted signer states it.
  for (;;) {
    const newer = newerVersion(wishOf(news), names);
    const name = newer && `${news.form.prefix}${newer.text}${news.form.suffix}`;
    if (newer === undefined || name === undefined || (await isStated(context, news, name, newer.text)))
      return names;
    names = names.filter((known) => known !== name);
  }
}

async function isStated(
  context: Context,
  { of, siblings }: TagInputs,
  name: string,
  version: string,
): Promise<boolean> {
  for (const repository of siblings)
    if ((await statedDigest(context, of, repository, name, version)) !== undefined) return true;
  return false;
}

/** What a version tag points to, where a trusted signer states that it is this version. */
async function statedDigest(
  { registries, signing }: Context,
  of: TagInputs["of"],
  repository: string,
  name: string,
  version: string,
): Promise<Digest | undefined> {
  const image = await registries.live(repository, name);
  if (image === undefined) return undefined;
  const { statements } = await signing.facts(registries.at(repository), image.digest);
  const isStated = statements.some(
    (stated) =>
      stated.version === version &&
      signing.isFor(stated, repository) &&
      (of === undefined || (stated.image === of.image && stated.lane === of.lane)),
  );
  return isStated ? image.digest : undefined;
}

/** A newer version's digest in this repository; undefined where releases are signed and no trusted signer states it. */
async function verifiedDigest(
  context: Context,
  { of, repository }: TagInputs,
  name: string,
  version: string,
): Promise<Digest | undefined> {
  return context.signing.isOn
    ? statedDigest(context, of, repository, name, version)
    : (await context.registries.live(repository, name))?.digest;
}

/** What a tag points to and, where releases are signed, whether a trusted signer vouches for it as this image. */
async function verifiedLiveTag(
  context: Context,
  { repository, of }: TagInputs,
  live: FoundImage | undefined,
): Promise<LiveTag | undefined> {
  if (live === undefined) return undefined;
  const read = liveTag(live);
  if (!context.signing.isOn) return read;
  const { claims, statements } = await context.signing.facts(context.registries.at(repository), live.digest);
  const isVerified = [...claims, ...statements].some(
    (said) => context.signing.isFor(said, repository) && (of === undefined || said.image === of.image),
  );
  return isVerified ? read : { digest: live.digest, unverified: true };
}

/** A write-once tag that points elsewhere is an error in the preview already. */
async function refuseUnlessAllowed(
  context: Context,
  news: TagInputs,
  live: FoundImage | undefined,
): Promise<void> {
  if (news.class === "floating" || news.digest === undefined) return;
  const found = await verifiedLiveTag(context, news, live);
  const decision = decideTag(wishOf(news), found, [], ancestry(news, live));
  if (decision.action === "refuse") throw new Error(`${news.repository}: ${decision.reason}`);
}

/** `latest: sha256:756867c07ffa (1.9.3) → sha256:01e0d8f536d9 (2.0.0)`, on the resource's own line. */
async function announce(
  context: Context,
  urn: string,
  news: TagInputs,
  live: FoundImage | undefined,
): Promise<void> {
  if (live !== undefined && live.digest === news.digest) return;
  const target = named(news.digest, news.version);
  if (live === undefined) {
    await context.log.info(urn, `${news.name}: new → ${target}`);
    return;
  }
  const { version } = liveTag(live);
  const back = news.rollback === undefined ? "" : ", a rollback";
  await context.log.info(urn, `${news.name}: ${named(live.digest, version)} → ${target}${back}`);
}

function named(digest: Digest | undefined, version: string | undefined): string {
  const text = digest === undefined ? "to be built" : shortDigest(digest);
  return version === undefined
    ? text
    : digest === undefined
      ? `${version} (${text})`
      : `${text} (${version})`;
}
