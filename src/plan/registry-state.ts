import { CONTENT_KEY_ANNOTATION, REVISION_ANNOTATION } from "./annotations";
import type { Config } from "./config";
import type { Digest } from "./digest";
import type { ReleaseManifest } from "./manifest";
import type { Problem } from "./problem";
import type { ContentClaim, ReleaseStatement, SignedFacts } from "./statement";

/** What the registries hold, as far as a plan has to know it. Read once, before planning. */
export interface RegistryState {
  readonly access: Readonly<Record<string, RegistryAccess>>;
  /** By `host/path`. Repositories of skipped or refused registries are absent. */
  readonly repositories: Readonly<Record<string, RepositoryState>>;
}

export type RegistryAccess =
  | { readonly status: "ready"; readonly credentials: string }
  /** Optional, and no credentials were found. */
  | { readonly status: "skipped"; readonly reason: string }
  | { readonly status: "refused"; readonly problem: Problem };

export interface RepositoryState {
  readonly tags: readonly string[];
  /** What the tags that were asked about point to. A tag that does not exist has no entry. */
  readonly found: Readonly<Record<string, FoundImage>>;
}

export interface FoundImage {
  readonly digest: Digest;
  readonly mediaType: string;
  /** Platforms of the index, attestation manifests left out. */
  readonly platforms: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
  /** Release statements among the digest's referrers, which anyone who may push can write; asked for version tags only. */
  readonly statements: readonly ReleaseStatement[];
  /** What trusted signers say about the digest; absent where that was not asked. */
  readonly signed?: SignedFacts;
}

/**
 * Why a fact from a registry counts as verified:
 *
 * - `state`: this stack recorded the digest when it released it.
 * - `signature`: a trusted signer claims or states it.
 * - `adopt`: the setting `slipway:adopt` names the digest.
 * - `registry`: nothing is signed (`sign: none`), so the registry is trusted.
 */
export type VerifiedBy = "state" | "signature" | "adopt" | "registry";

/** An image of a registry, as far as it is verified. */
export interface VerifiedImage {
  readonly by: VerifiedBy;
  /** Empty where the image does not say. */
  readonly contentKey: string;
  readonly revision?: string;
  readonly claim?: ContentClaim;
  /** Every statement that counts for this image; unsigned ones under `registry` only. */
  readonly statements: readonly ReleaseStatement[];
}

export interface Verification {
  readonly name: string;
  readonly lane: string;
  /** Whether this stack signs, or promotes only what is signed, and so trusts nothing else. */
  readonly signing: boolean;
  readonly adopt: readonly string[];
  readonly previous: ReleaseManifest | undefined;
  /** The stack promotes: what it holds was signed for the repositories that it came from. Default: false. */
  readonly promotes?: boolean;
}

export function verificationOf(
  { sign, promote, adopt = [] }: Pick<Config, "sign" | "promote" | "adopt">,
  image: { readonly name: string; readonly lane?: string | undefined },
  previous: ReleaseManifest | undefined,
): Verification {
  const signing = sign.mode !== "none" || promote?.verify !== undefined;
  return {
    name: image.name,
    lane: image.lane ?? "",
    signing,
    adopt,
    previous,
    promotes: promote !== undefined,
  };
}

/**
 * What is verified of an image that a registry shows; undefined for nothing. A tag and an annotation are hints.
 *
 * @param repository `host/path`, where it was found: a claim counts only in the repositories that it names
 */
export function verifiedImage(
  { name, lane, signing, adopt, previous, promotes = false }: Verification,
  repository: string,
  found: FoundImage,
): VerifiedImage | undefined {
  const isOwn = (said: ContentClaim) =>
    said.image === name && said.lane === lane && (promotes || said.repositories.includes(repository));
  const unsigned = signing ? [] : found.statements.filter((stated) => stated.image === name);
  const statements = [...(found.signed?.statements ?? []).filter(isOwn), ...unsigned];
  const claim = found.signed?.claims.find(isOwn);
  const recorded = previous?.images.find((image) => image.name === name && image.digest === found.digest);
  if (previous !== undefined && recorded !== undefined) {
    const { contentKey, revision = previous.revision } = recorded;
    return { by: "state", contentKey, revision, statements, claim };
  }
  const said = claim ?? (signing ? statements[0] : undefined);
  if (said !== undefined) {
    const { contentKey, revision } = said;
    return { by: "signature", contentKey, revision, statements, claim };
  }
  const isAdopted = adopt.includes(`${name}@${found.digest}`);
  if (signing && !isAdopted) return undefined;
  // A person checked the digest, and the annotations are part of it; without signatures there is nothing better.
  return {
    by: isAdopted ? "adopt" : "registry",
    contentKey: found.annotations[CONTENT_KEY_ANNOTATION] ?? "",
    revision: found.annotations[REVISION_ANNOTATION],
    statements: isAdopted ? [] : statements,
  };
}
