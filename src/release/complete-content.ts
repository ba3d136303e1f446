import {
  CONTENT_KEY_ANNOTATION,
  IN_TOTO_MEDIA_TYPE,
  REVISION_ANNOTATION,
  STATEMENT_ARTIFACT_TYPE,
} from "../plan/annotations";
import { type Digest, shortDigest } from "../plan/digest";
import { missingPlatforms } from "../plan/image-index";
import type { FoundImage } from "../plan/registry-state";
import type { DesiredContent } from "../plan/resource-inputs";
import { lacksSbom, outranks } from "../plan/sbom";
import type { ContentClaim } from "../plan/statement";
import type { Descriptor } from "../registry/manifest";
import type { FetchedManifest } from "../registry/manifest-calls";
import { imageOf, readImage } from "../registry/read-image";
import { attachReferrer } from "../registry/referrers";
import { imageSignatureBytes, releaseStatementBytes } from "../signing/in-toto";
import type { ReleaseSigner } from "../signing/release-signer";
import { copyWithProgress, detachIn, isWhole, missingContent, wholeSource } from "./copy-content";
import type { Context } from "./operation";
import type { Location } from "./registries";

/** What is attached to a digest. */
interface Attached {
  /** `host/path@digest` of each referrer. */
  readonly referrers: readonly string[];
  /** Who signed; empty if unsigned. */
  readonly signer: string;
}

export interface CompleteContent extends Attached {
  /** The index digest that everything else uses. */
  readonly digest: Digest;
}

/**
 * Makes an image's content complete: every platform is there, every registry holds the same index digest (missing ones get it
 * by copy), the stack's signed claim is attached, the candidate tag points to it, and the release statement and the
 * signatures are its referrers. Every step looks first and writes only what is missing; a valid signature by the same signer
 * is found and kept, and a statement is the same bytes each time.
 *
 * @param found the digest that was built or found
 */
export async function completeContent(
  context: Context,
  urn: string,
  desired: DesiredContent,
  found: Digest | undefined,
): Promise<CompleteContent> {
  const { descriptor } = await reserveContent(context, urn, desired, found);
  return { digest: descriptor.digest, ...(await attest(context, desired, descriptor)) };
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

/**
 * Content that is verified, complete in every registry, claimed, and found by its candidate tag.
 *
 * @returns its manifest, an index for several platforms
 */
export async function reserveContent(
  context: Context,
  urn: string,
  desired: DesiredContent,
  found: Digest | undefined,
): Promise<FetchedManifest> {
  if (found === undefined) throw new Error(`${desired.image}: the build gave no digest`);
  const locations = desired.repositories.map((repository) => context.registries.at(repository));
  const chosen = await chooseDigest(context, urn, desired, found);
  const isBuilt = desired.source === "build" && chosen === found;
  const digest =
    isBuilt && desired.attestations === "referrers"
      ? await detachIn(locations, chosen, desired.image)
      : chosen;
  const manifests = await Promise.all(locations.map(({ client, path }) => client.getManifest(path, digest)));
  const manifest = manifests.find((one) => one !== undefined);
  const [first, ...others] = locations.filter((_, at) => manifests[at] !== undefined);
  if (first === undefined || manifest === undefined) throw missingContent(desired.image, digest);
  const source = await wholeSource(context, urn, manifest, [first, ...others]);
  await checkManifest(desired, source, manifest);
  for (const [at, location] of locations.entries()) {
    const holds = manifests[at] !== undefined;
    if (holds && (location === source || (await isWhole(location, manifest)))) continue;
    await copyWithProgress(context.log, urn, { from: source, to: location, digest });
    if ((await location.client.headManifest(location.path, digest)) === undefined)
      throw new Error(`${location.repository} does not hold ${digest} after the copy, so no tag was moved`);
  }
  if (desired.claim !== undefined) {
    const signer = await context.signing.signer();
    if (signer === undefined)
      throw new Error(`${desired.image}: a claim has to be signed, and the provider has no signer`);
    const { attachSignature } = await import("../signing/attach-signature.js");
    const { claimBytes } = await import("../signing/in-toto.js");
    await attachSignature(locations, digest, claimBytes(digest, desired.claim), signer);
  }
  for (const location of locations) {
    await writeCandidateTag(context, desired, location, manifest);
    context.registries.remember(location, manifest);
  }
  return manifest;
}

/** Whether a tag points to this image's content; where releases are signed, a claim has to say so. */
async function holdsContent(
  context: Context,
  desired: DesiredContent,
  repository: string,
  live: FoundImage,
): Promise<boolean> {
  if (live.annotations[CONTENT_KEY_ANNOTATION] !== desired.contentKey) return false;
  const said = await saidOf(context, desired, repository, live);
  return said === undefined || said.some(({ contentKey }) => contentKey === desired.contentKey);
}

/** What trusted signers say about content as this image; undefined where nothing is signed. */
async function saidOf(
  context: Context,
  { image, claim }: DesiredContent,
  repository: string,
  { digest }: FoundImage,
): Promise<ContentClaim[] | undefined> {
  if (!context.signing.isOn) return undefined;
  const { claims, statements } = await context.signing.factsAs(
    image,
    context.registries.at(repository),
    digest,
  );
  return [...claims, ...statements].filter(({ lane }) => lane === (claim?.lane ?? lane));
}

/** The first verified content of a key wins, so that a needless rebuild harms nothing. */
async function chooseDigest(
  context: Context,
  urn: string,
  desired: DesiredContent,
  found: Digest,
): Promise<Digest> {
  if (desired.source === "found") return found;
  for (const repository of desired.repositories) {
    const live = await context.registries.live(repository, desired.tag);
    if (live === undefined || !(await holdsContent(context, desired, repository, live))) continue;
    if (lacksSbom(live.annotations) && !(await builtWithoutSbom(context, desired, found))) continue;
    if (live.digest !== found) {
      await context.log.info(
        urn,
        `${repository}:${desired.tag} already holds this content as ${shortDigest(live.digest)}`,
      );
    }
    return live.digest;
  }
  return found;
}

/** A build that has its SBOM does not give way to one without. */
async function builtWithoutSbom(context: Context, desired: DesiredContent, digest: Digest): Promise<boolean> {
  for (const repository of desired.repositories) {
    const { client, path } = context.registries.at(repository);
    const built = await readImage(client, path, digest, { statements: false });
    if (built !== undefined) return lacksSbom(built.annotations);
  }
  return false;
}

/** @throws Error if it lacks a platform or, when it was just built, its content key */
async function checkManifest(
  desired: DesiredContent,
  { client, path, repository }: Location,
  manifest: FetchedManifest,
): Promise<void> {
  const at = `${repository}@${manifest.descriptor.digest}`;
  const index = await imageOf(client, path, manifest, []);
  const missing = missingPlatforms(index.platforms, desired.platforms);
  if (missing.length > 0) {
    throw new Error(
      `${at} lacks ${missing.join(", ")} (it has ${index.platforms.join(", ") || "no platform"}), so no tag was moved. ` +
        "Check the Dockerfile and the builder's platforms.",
    );
  }
  if (desired.source === "build" && index.annotations[CONTENT_KEY_ANNOTATION] !== desired.contentKey) {
    throw new Error(`${at} does not carry the content key that was built, so no tag was moved`);
  }
}

async function writeCandidateTag(
  context: Context,
  desired: DesiredContent,
  location: Location,
  { bytes, descriptor: { digest, mediaType } }: FetchedManifest,
): Promise<void> {
  const { client, path, repository } = location;
  const live = await context.registries.live(repository, desired.tag);
  if (live?.digest === digest) return;
  const isTrusted = live !== undefined && (await isVerified(context, desired, location, live));
  if (isTrusted && (await heldFor(location, live, digest)) !== undefined) return;
  if (live !== undefined && isTrusted && !mayReplace(desired, live)) {
    throw new Error(
      `${repository}:${desired.tag} belongs to other content (${shortDigest(live.digest)}, commit ` +
        `${live.annotations[REVISION_ANNOTATION] ?? "unknown"}) and was left alone`,
    );
  }
  await client.putManifest(path, desired.tag, bytes, mediaType);
}

/** Where releases are signed, an image that no trusted signer vouches for cannot hold a tag. */
async function isVerified(
  context: Context,
  desired: DesiredContent,
  { repository }: Location,
  live: FoundImage,
): Promise<boolean> {
  const said = await saidOf(context, desired, repository, live);
  return said === undefined || said.length > 0;
}

/** A commit's tag moves to other content of the same commit; a `candidate-` tag only between equal contents. */
function mayReplace(desired: DesiredContent, live: FoundImage): boolean {
  return (
    live.annotations[REVISION_ANNOTATION] === desired.revision ||
    live.annotations[CONTENT_KEY_ANNOTATION] === desired.contentKey
  );
}

export async function signerOf(
  { signing }: Context,
  { sign: mode }: DesiredContent,
): Promise<ReleaseSigner | undefined> {
  if (mode === "none") return undefined;
  const signer = await signing.signer();
  if (signer === undefined)
    throw new Error(`signing is requested (${mode}), but the provider is not configured for it`);
  return signer;
}

/** The release statement, and the signatures of the digest and of the statement. */
async function attest(context: Context, desired: DesiredContent, subject: Descriptor): Promise<Attached> {
  const { image, statement } = desired;
  const bytes = statement === undefined ? undefined : releaseStatementBytes(image, subject.digest, statement);
  const stated = bytes === undefined ? [] : await attachStatement(context, desired, subject, bytes);
  const signed = await sign(context, desired, subject.digest, bytes);
  return { referrers: [...stated, ...signed.referrers], signer: signed.signer };
}

/** The statement as it is, for those who plan releases by it. */
function attachStatement(
  context: Context,
  { repositories }: DesiredContent,
  subject: Descriptor,
  bytes: Uint8Array,
): Promise<string[]> {
  return Promise.all(
    repositories.map(async (repository) => {
      const { client, path } = context.registries.at(repository);
      const { descriptor } = await attachReferrer({
        client,
        repository: path,
        subject,
        artifactType: STATEMENT_ARTIFACT_TYPE,
        layers: [{ bytes, mediaType: IN_TOTO_MEDIA_TYPE }],
      });
      return `${repository}@${descriptor.digest}`;
    }),
  );
}

/** The digest itself, and the statement about it, each in a bundle of its own: one after the other, by one listing. */
async function sign(
  context: Context,
  desired: DesiredContent,
  digest: Digest,
  statement: Buffer | undefined,
): Promise<Attached> {
  const signer = await signerOf(context, desired);
  if (signer === undefined) return { referrers: [], signer: "" };
  const { attachSignature } = await import("../signing/attach-signature.js");
  const places = desired.repositories.map((repository) => context.registries.at(repository));
  const referrers: string[] = [];
  for (const payload of [imageSignatureBytes(digest), ...(statement === undefined ? [] : [statement])]) {
    const signatures = await attachSignature(places, digest, payload, signer);
    referrers.push(...signatures.map(({ repository, referrer }) => `${repository}@${referrer}`));
  }
  return { referrers, signer: signer.name };
}
