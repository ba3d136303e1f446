import {
  CONTENT_KEY_ANNOTATION,
  IN_TOTO_MEDIA_TYPE,
  REVISION_ANNOTATION,
  STATEMENT_ARTIFACT_TYPE,
} from "../plan/annotations";
import { type Digest, shortDigest } from "../plan/digest";
import { missingPlatforms } from "../plan/image-index";
import type { FoundImage } from "../plan/registry-state";
import { candidateName } from "../plan/release-intent";
import type { DesiredContent } from "../plan/resource-inputs";
import { hasMoreSbom, lacksSbom } from "../plan/sbom";
import type { ContentClaim } from "../plan/statement";
import { RegistryError } from "../registry/errors";
import type { Descriptor, FetchedManifest } from "../registry/manifests";
import { imageOf, readImage } from "../registry/read-image";
import { attachReferrer } from "../registry/referrers";
import { claimBytes, imageSignatureBytes, releaseStatementBytes } from "../signing/in-toto";
import type { ReleaseSigner } from "../signing/release-signer";
import { copyWithProgress, detachIn, isWhole, missingContent, wholeSource } from "./copy-content";
import type { Context } from "./operation";
import type { Location } from "./registries";

export interface CompleteContent {
  /** The index digest that everything else uses. */
  readonly digest: Digest;
  /** `host/path@digest` of each referrer. */
  readonly referrers: readonly string[];
  /** The signer's name; empty if unsigned. */
  readonly signer: string;
}

/**
 * Makes an image's content complete: reserves it, then attaches the release statement and the signatures as referrers.
 * Every step reads first and writes only what is missing. A valid signature by the same signer is kept, and a statement
 * is the same bytes each time.
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
 * Makes every platform and every registry have the same index digest (those that lack it get a copy), attaches the
 * stack's signed claim, then points the candidate tag to it.
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
  return new Reservation(context, urn, desired).reserve(found);
}

class Reservation {
  readonly #context: Context;
  readonly #urn: string;
  readonly #desired: DesiredContent;
  readonly #locations: readonly Location[];

  constructor(context: Context, urn: string, desired: DesiredContent) {
    this.#context = context;
    this.#urn = urn;
    this.#desired = desired;
    this.#locations = desired.repositories.map((repository) => context.registries.at(repository));
  }

  async reserve(found: Digest): Promise<FetchedManifest> {
    const { image, source, attestations } = this.#desired;
    const chosen = await this.#chooseDigest(found);
    const isDetached = source === "build" && chosen === found && attestations === "referrers";
    const digest = isDetached ? await detachIn(this.#locations, chosen, image) : chosen;
    const manifest = await this.#spread(digest);
    await this.#attachClaim(digest);
    for (const location of this.#locations) {
      await this.#writeCandidateTag(location, manifest);
      this.#context.registries.remember(location, manifest);
    }
    return manifest;
  }

  /** The first verified content of a key wins, so that a needless rebuild does no harm. */
  async #chooseDigest(found: Digest): Promise<Digest> {
    const { source, tag } = this.#desired;
    if (source === "found") return found;
    for (const location of this.#locations) {
      const live = await this.#context.registries.live(location.repository, tag);
      if (live === undefined || !(await this.#isSameContent(location, live))) continue;
      // A build that has its SBOM does not give way to one without.
      if (lacksSbom(live.annotations) && !(await this.#lacksSbom(found))) continue;
      if (live.digest !== found) {
        await this.#context.log.info(
          this.#urn,
          `${location.repository}:${tag} already has this content as ${shortDigest(live.digest)}`,
        );
      }
      return live.digest;
    }
    return found;
  }

  /** Whether a tag points to this image's content. If releases are signed, a trusted signer has to claim it. */
  async #isSameContent(location: Location, live: FoundImage): Promise<boolean> {
    const { contentKey } = this.#desired;
    if (live.annotations[CONTENT_KEY_ANNOTATION] !== contentKey) return false;
    const claims = await this.#trustedClaims(location, live);
    return claims === undefined || claims.some((claim) => claim.contentKey === contentKey);
  }

  /** What trusted signers claim or state about content as this image; undefined if releases are not signed. */
  async #trustedClaims(location: Location, { digest }: FoundImage): Promise<ContentClaim[] | undefined> {
    const { signing } = this.#context;
    const { image, claim } = this.#desired;
    if (!signing.isOn) return undefined;
    const { claims, statements } = await signing.factsAs(image, location, digest);
    return [...claims, ...statements].filter(({ lane }) => lane === (claim?.lane ?? lane));
  }

  async #lacksSbom(digest: Digest): Promise<boolean> {
    for (const { client, path } of this.#locations) {
      const built = await readImage(client, path, digest, { statements: false });
      if (built !== undefined) return lacksSbom(built.annotations);
    }
    return false;
  }

  /** Checks the manifest, and copies it to the repositories that lack it or one of its statements. */
  async #spread(digest: Digest): Promise<FetchedManifest> {
    const { log } = this.#context;
    const manifests = await Promise.all(
      this.#locations.map(({ client, path }) => client.getManifest(path, digest)),
    );
    const manifest = manifests.find((one) => one !== undefined);
    const [first, ...others] = this.#locations.filter((_, at) => manifests[at] !== undefined);
    if (first === undefined || manifest === undefined) throw missingContent(this.#desired.image, digest);
    const source = await wholeSource(this.#context, this.#urn, manifest, [first, ...others]);
    await this.#checkManifest(source, manifest);
    for (const [at, location] of this.#locations.entries()) {
      if (manifests[at] !== undefined && (location === source || (await isWhole(location, manifest))))
        continue;
      await copyWithProgress(log, this.#urn, { from: source, to: location, digest });
      if ((await location.client.headManifest(location.path, digest)) === undefined)
        throw new Error(`${location.repository} does not have ${digest} after the copy, so no tag was moved`);
    }
    return manifest;
  }

  /** @throws Error if it lacks a platform or, if it was just built, its content key */
  async #checkManifest({ client, path, repository }: Location, manifest: FetchedManifest): Promise<void> {
    const { platforms, source, contentKey } = this.#desired;
    const at = `${repository}@${manifest.descriptor.digest}`;
    const index = await imageOf(client, path, manifest, []);
    const missing = missingPlatforms(index.platforms, platforms);
    if (missing.length > 0) {
      throw new Error(
        `${at} lacks ${missing.join(", ")} (it has ${index.platforms.join(", ") || "no platform"}), so no tag was moved. ` +
          "Check the Dockerfile and the builder's platforms.",
      );
    }
    if (source === "build" && index.annotations[CONTENT_KEY_ANNOTATION] !== contentKey)
      throw new Error(`${at} does not carry the content key that was built, so no tag was moved`);
  }

  async #attachClaim(digest: Digest): Promise<void> {
    const { image, claim } = this.#desired;
    if (claim === undefined) return;
    const signer = await this.#context.signing.signer();
    if (signer === undefined)
      throw new Error(`${image}: a claim has to be signed, and the provider has no signer`);
    const { attachSignature } = await import("../signing/attach-signature.js");
    await attachSignature(this.#locations, digest, claimBytes(digest, claim), signer);
  }

  async #writeCandidateTag(location: Location, manifest: FetchedManifest): Promise<void> {
    const { client, path, repository } = location;
    const { tag, source, contentKey, replaces } = this.#desired;
    const moves = replaces !== undefined;
    if (moves && source === "found") return;
    const put = (name: string) =>
      client.putManifest(path, name, manifest.bytes, manifest.descriptor.mediaType);
    const live = await this.#context.registries.live(repository, tag);
    if (live?.digest === manifest.descriptor.digest) return;
    if (live !== undefined && (await this.#isTrusted(location, live))) {
      // Equal content that has the SBOM which this one lacks keeps the tag.
      const own = await readImage(client, path, manifest.descriptor.digest, { statements: false });
      if (own !== undefined && hasMoreSbom(live.annotations, own.annotations)) return;
      if (!this.#mayReplace(live)) {
        if (!moves) {
          throw new Error(
            `${repository}:${tag} belongs to other content (${shortDigest(live.digest)}, commit ` +
              `${live.annotations[REVISION_ANNOTATION] ?? "unknown"}) and was left alone`,
          );
        }
        await put(candidateName(contentKey));
        return;
      }
    }
    try {
      await put(tag);
    } catch (error) {
      const isImmutable = error instanceof RegistryError && error.code === "registry-tag-immutable";
      if (!moves || !isImmutable) throw error;
      await put(candidateName(contentKey));
    }
  }

  /** If releases are signed, an image that no trusted signer claims cannot keep a tag. */
  async #isTrusted(location: Location, live: FoundImage): Promise<boolean> {
    const claims = await this.#trustedClaims(location, live);
    return claims === undefined || claims.length > 0;
  }

  /**
   * A commit's tag moves to other content of the same commit, and a `candidate-` tag only between equal contents. The
   * candidate tag that moves leaves what the plan saw, but not what another release has reserved since.
   */
  #mayReplace({ digest, annotations }: FoundImage): boolean {
    const { revision, contentKey, replaces } = this.#desired;
    if (annotations[CONTENT_KEY_ANNOTATION] === contentKey) return true;
    return replaces?.includes(digest) ?? annotations[REVISION_ANNOTATION] === revision;
  }
}

/** The signer of an image's statements; undefined if the image is not signed. */
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

/** Attaches the release statement, and the signatures of the digest and of the statement. */
async function attest(
  context: Context,
  desired: DesiredContent,
  subject: Descriptor,
): Promise<Omit<CompleteContent, "digest">> {
  const { image, repositories, statement } = desired;
  const locations = repositories.map((repository) => context.registries.at(repository));
  const payloads = [imageSignatureBytes(subject.digest)];
  const referrers: string[] = [];
  if (statement !== undefined) {
    const bytes = releaseStatementBytes(image, subject.digest, statement);
    payloads.push(bytes);
    referrers.push(...(await attachStatement(locations, subject, bytes)));
  }
  const signer = await signerOf(context, desired);
  if (signer === undefined) return { referrers, signer: "" };
  const { attachSignature } = await import("../signing/attach-signature.js");
  // One after the other: registries without the referrers API keep one list for all.
  for (const payload of payloads) {
    const signatures = await attachSignature(locations, subject.digest, payload, signer);
    referrers.push(...signatures.map(({ repository, referrer }) => `${repository}@${referrer}`));
  }
  return { referrers, signer: signer.name };
}

/** The statement without a signature too, for those who plan releases by it. */
function attachStatement(
  locations: readonly Location[],
  subject: Descriptor,
  bytes: Uint8Array,
): Promise<string[]> {
  return Promise.all(
    locations.map(async ({ repository, client, path }) => {
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
