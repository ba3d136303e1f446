import { z } from "zod";
import { CONTENT_KEY_ANNOTATION, REVISION_ANNOTATION } from "../../plan/annotations";
import { detachedDigests } from "../../plan/detached-attestations";
import { type Digest, shortDigest } from "../../plan/digest";
import { missingPlatforms } from "../../plan/platforms";
import type { FoundImage } from "../../plan/registry-state";
import { lacksSbom, outranks } from "../../plan/sbom";
import { type ContentClaim, parseClaim } from "../../plan/statement";
import { copyContent } from "../../registry/copy";
import { readImage } from "../../registry/read-image";
import type { Location } from "../registries";
import { type Context, resource } from "../resource";
import { digestInput, repositoryInput } from "../schemas";
import { detachIn, gone, isWhole, wholeSource } from "./whole-content";

const inputs = z.object({
  image: z.string(),
  /** The primary first. */
  repositories: z.array(repositoryInput).min(1),
  tag: z.string(),
  contentKey: z.string(),
  revision: z.string(),
  platforms: z.array(z.string()),
  digest: digestInput,
  /** A digest that was just built gives way to the same content that another run has reserved meanwhile. */
  source: z.enum(["build", "found"]),
  /** What the stack claims about the content, signed before the candidate tag is written. Absent: nothing is signed. */
  claim: z.custom<ContentClaim>((value) => parseClaim(value) !== undefined, "is not a claim").optional(),
  /** Whether a build's attestations stay in its index, or are taken out of it and attached as referrers. */
  attestations: z.enum(["index", "referrers"]).default("index"),
});

type CandidateInputs = z.output<typeof inputs>;

/**
 * Content that is verified and can be found again: every platform is there, every registry holds the same index digest
 * (missing ones get it by copy), the stack's signed claim is attached, and the candidate tag points to it. Everything
 * downstream takes its digest from here.
 */
export const candidate = resource({
  token: "slipway-registry:index:Candidate",
  schema: inputs,

  diff: async (context, { urn, olds, news }) => {
    if (news.digest === undefined || olds.outputs.digest !== news.digest || olds.inputs.tag !== news.tag) {
      return { changed: ["digest"] };
    }
    if (news.claim !== undefined && context.signing.isAtHand) {
      const signer = await context.signing.signer();
      // The state is of an older version, or the key is another one: sign the claim again.
      if (signer !== undefined && olds.outputs.signer !== signer.name) return { changed: ["claim"] };
    }
    const missing = await lacking(context, news, news.digest);
    if (missing.length === 0) return { changed: [] };
    await context.log.info(urn, `${news.tag}: will point to this content in ${missing.join(" and ")} too`);
    return { changed: ["repositories"] };
  },

  create: async (context, news, { urn, preview }) => ({
    id: `${news.image}:${news.tag}`,
    outputs: preview ? outputsOf(news, news.digest) : await reserve(context, urn, news),
  }),

  update: async (context, { urn, news }, { preview }) =>
    preview ? outputsOf(news, news.digest) : reserve(context, urn, news),

  // The digest stays the recorded one, whatever the tag points to: with --target, tags and signatures take it from state.
  read: async ({ registries }, { inputs: known, outputs }) => {
    const found = await Promise.all(
      known.repositories.map((repository) => registries.live(repository, known.tag)),
    );
    return found.every((image) => image === undefined) ? undefined : { inputs: known, outputs };
  },
});

function outputsOf(news: CandidateInputs, digest: Digest | undefined): object {
  return { ...news, digest };
}

/**
 * The digest's image in a repository whose tag counts as claimed for it: the tag points to it, or to equal content with
 * the SBOM that this one lacks.
 */
async function heldFor(
  { client, path }: Location,
  live: FoundImage | undefined,
  digest: Digest,
): Promise<FoundImage | undefined> {
  if (live === undefined || live.digest === digest) return live;
  const own = await readImage(client, path, digest, { statements: false });
  return outranks(live.annotations, own?.annotations) ? own : undefined;
}

/** Repositories whose candidate tag is not claimed for the digest, or that lost a statement of its build. */
async function lacking(context: Context, news: CandidateInputs, digest: Digest): Promise<string[]> {
  const found = await Promise.all(
    news.repositories.map(async (repository) => {
      const location = context.registries.at(repository);
      const held = await heldFor(location, await context.registries.seen(repository, news.tag), digest);
      if (held === undefined) return repository;
      if (detachedDigests(held.annotations).length === 0) return undefined;
      return (await isWhole(location, digest)) ? undefined : repository;
    }),
  );
  return found.filter((repository) => repository !== undefined);
}

async function reserve(context: Context, urn: string, news: CandidateInputs): Promise<object> {
  const locations = news.repositories.map((repository) => context.registries.at(repository));
  const chosen = await chooseDigest(context, urn, news);
  const isBuilt = news.source === "build" && chosen === news.digest;
  const digest =
    isBuilt && news.attestations === "referrers" ? await detachIn(locations, chosen, news.image) : chosen;
  const holders = await Promise.all(
    locations.map(async (location) => ({
      location,
      holds: (await location.client.headManifest(location.path, digest)) !== undefined,
    })),
  );
  const [first, ...others] = holders.filter(({ holds }) => holds).map(({ location }) => location);
  if (first === undefined) throw gone(news.image, digest);
  const source = await wholeSource(context, urn, digest, [first, ...others]);
  await checkIndex(news, source, digest);
  for (const { location, holds } of holders) {
    if (holds && (location === source || (await isWhole(location, digest)))) continue;
    await context.log.info(urn, `copying ${shortDigest(digest)} to ${location.repository}`);
    await copyContent({
      from: { client: source.client, repository: source.path },
      to: { client: location.client, repository: location.path },
      digest,
    });
  }
  await Promise.all(locations.map((location) => assertDigest(location, digest)));
  const signer = await signClaim(context, news, locations, digest);
  for (const location of locations) await writeCandidateTag(context, news, location, digest);
  return { ...outputsOf(news, digest), signer };
}

/** Who signed the claim; empty where nothing is signed. */
async function signClaim(
  context: Context,
  news: CandidateInputs,
  locations: readonly Location[],
  digest: Digest,
): Promise<string> {
  if (news.claim === undefined) return "";
  const signer = await context.signing.signer();
  if (signer === undefined)
    throw new Error(`${news.image}: a claim has to be signed, and the provider has no signer`);
  const { attachSignature } = await import("../../trust/attach-signature.js");
  const { claimBytes } = await import("../../trust/in-toto.js");
  await attachSignature(locations, digest, claimBytes(digest, news.claim), signer);
  return signer.name;
}

/** Whether a tag points to this image's content; where releases are signed, a claim has to say so. */
async function holdsContent(
  context: Context,
  news: CandidateInputs,
  repository: string,
  live: FoundImage,
): Promise<boolean> {
  if (live.annotations[CONTENT_KEY_ANNOTATION] !== news.contentKey) return false;
  const said = await saidOf(context, news, repository, live);
  return said === undefined || said.some(({ contentKey }) => contentKey === news.contentKey);
}

/** What trusted signers say about content as this image; undefined where nothing is signed. */
async function saidOf(
  context: Context,
  { image, claim }: CandidateInputs,
  repository: string,
  { digest }: FoundImage,
): Promise<ContentClaim[] | undefined> {
  if (!context.signing.isOn) return undefined;
  const { claims, statements } = await context.signing.facts(context.registries.at(repository), digest);
  return [...claims, ...statements].filter(
    (said) =>
      said.image === image &&
      said.lane === (claim?.lane ?? said.lane) &&
      context.signing.isFor(said, repository),
  );
}

/** The first verified content of a key wins, so that a needless rebuild harms nothing. */
async function chooseDigest(context: Context, urn: string, news: CandidateInputs): Promise<Digest> {
  if (news.digest === undefined) throw new Error(`${news.image}: the build gave no digest`);
  if (news.source === "found") return news.digest;
  for (const repository of news.repositories) {
    const live = await context.registries.live(repository, news.tag);
    if (live === undefined || !(await holdsContent(context, news, repository, live))) continue;
    if (lacksSbom(live.annotations) && !(await builtWithoutSbom(context, news, news.digest))) continue;
    if (live.digest !== news.digest) {
      await context.log.info(
        urn,
        `${repository}:${news.tag} already holds this content as ${shortDigest(live.digest)}`,
      );
    }
    return live.digest;
  }
  return news.digest;
}

/** A build that has its SBOM does not give way to one that had to do without. */
async function builtWithoutSbom(context: Context, news: CandidateInputs, digest: Digest): Promise<boolean> {
  for (const repository of news.repositories) {
    const { client, path } = context.registries.at(repository);
    const built = await readImage(client, path, digest, { statements: false });
    if (built !== undefined) return lacksSbom(built.annotations);
  }
  return false;
}

async function checkIndex(news: CandidateInputs, location: Location, digest: Digest): Promise<void> {
  const index = await readImage(location.client, location.path, digest, { statements: false });
  const at = `${location.repository}@${digest}`;
  if (index === undefined) throw new Error(`${at} is gone`);
  const missing = missingPlatforms(index.platforms, news.platforms);
  if (missing.length > 0) {
    throw new Error(
      `${at} lacks ${missing.join(", ")} (it has ${index.platforms.join(", ") || "no platform"}), so no tag was moved. ` +
        "Check the Dockerfile and the builder's platforms.",
    );
  }
  if (news.source === "build" && index.annotations[CONTENT_KEY_ANNOTATION] !== news.contentKey) {
    throw new Error(`${at} does not carry the content key that was built, so no tag was moved`);
  }
}

async function assertDigest({ client, path, repository }: Location, digest: Digest): Promise<void> {
  const found = await client.headManifest(path, digest);
  if (found?.digest === digest) return;
  throw new Error(`${repository} answers ${found?.digest ?? "nothing"} for ${digest}, so no tag was moved`);
}

async function writeCandidateTag(
  context: Context,
  news: CandidateInputs,
  location: Location,
  digest: Digest,
): Promise<void> {
  const { client, path, repository } = location;
  const live = await context.registries.live(repository, news.tag);
  if (live?.digest === digest) return;
  const isTrusted = live !== undefined && (await isVerified(context, news, location, live));
  if (isTrusted && (await heldFor(location, live, digest)) !== undefined) return;
  if (live !== undefined && isTrusted && !mayReplace(news, live)) {
    throw new Error(
      `${repository}:${news.tag} belongs to other content (${shortDigest(live.digest)}, commit ` +
        `${live.annotations[REVISION_ANNOTATION] ?? "unknown"}) and was left alone`,
    );
  }
  const manifest = await client.getManifest(path, digest);
  if (manifest === undefined) throw new Error(`${repository}@${digest} is gone`);
  await client.putManifest(path, news.tag, manifest.bytes, manifest.descriptor.mediaType);
  await context.registries.live(repository, news.tag);
}

/** Where releases are signed, an image that no trusted signer vouches for cannot hold a tag. */
async function isVerified(
  context: Context,
  news: CandidateInputs,
  { repository }: Location,
  live: FoundImage,
): Promise<boolean> {
  const said = await saidOf(context, news, repository, live);
  return said === undefined || said.length > 0;
}

/** A commit's tag moves to other content of the same commit; a `candidate-` tag only between equal contents. */
function mayReplace(news: CandidateInputs, live: FoundImage): boolean {
  return (
    live.annotations[REVISION_ANNOTATION] === news.revision ||
    live.annotations[CONTENT_KEY_ANNOTATION] === news.contentKey
  );
}
