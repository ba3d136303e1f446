import { CONTENT_KEY_ANNOTATION, REVISION_ANNOTATION } from "./annotations";
import type { Config } from "./config";
import type { Digest } from "./digest";
import type { ReleaseManifest } from "./manifest";
import type { Problem } from "./problem";
import type { ContentClaim, ReleaseStatement, SignedFacts } from "./statement";

/** The part of the registries' contents that a plan needs. It is read once, before planning. */
export interface RegistryState {
  readonly access: Readonly<Record<string, RegistryAccess>>;
  /** `host/path` -> its state. Repositories of skipped or refused registries are absent. */
  readonly repositories: Readonly<Record<string, RepositoryState>>;
}

export type RegistryAccess =
  | { readonly status: "ready"; readonly credentials: string }
  /** The registry is optional, and has no credentials. */
  | { readonly status: "skipped"; readonly reason: string }
  | { readonly status: "refused"; readonly problem: Problem };

export interface RepositoryState {
  readonly tags: readonly string[];
  /** What the requested tags point to. A tag that does not exist has no entry. */
  readonly found: Readonly<Record<string, FoundImage>>;
}

export interface FoundImage {
  readonly digest: Digest;
  readonly mediaType: string;
  /** Platforms of the index, without attestation manifests. */
  readonly platforms: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
  /** Unverified release statements among the digest's referrers, which are read for version tags only. */
  readonly statements: readonly ReleaseStatement[];
  /** What trusted signers say about the digest; absent if it was not read. */
  readonly signed?: SignedFacts;
}

/**
 * Why an image in a registry counts as verified:
 *
 * - `state`: this stack recorded the digest when it released it.
 * - `signature`: a trusted signer claims or states it.
 * - `adopt`: the setting `slipway:adopt` names the digest.
 * - `registry`: nothing is signed (`sign: none`), so the registry is trusted.
 */
export type VerifiedBy = "state" | "signature" | "adopt" | "registry";

/** What is verified about an image in a registry. */
export interface VerifiedImage {
  readonly by: VerifiedBy;
  /** Empty if unknown. */
  readonly contentKey: string;
  readonly revision?: string;
  readonly claim?: ContentClaim;
  /** The statements that count for this image. Unsigned ones only count if nothing is signed. */
  readonly statements: readonly ReleaseStatement[];
}

/** What decides which images in registries a stack trusts. */
export interface Verification {
  readonly name: string;
  readonly lane: string;
  /** Whether this stack signs, or promotes only what is signed, and so trusts nothing else. */
  readonly signing: boolean;
  readonly adopt: readonly string[];
  readonly previous: ReleaseManifest | undefined;
  /** The stack promotes, so its content was signed for the repositories that it came from. @default false */
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
 * Verifies an image in a registry; undefined if it is not verified. Tags and annotations alone are not trusted.
 *
 * @param repository `host/path` of the image: a claim counts only in the repositories that it names
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
  // Annotations are part of the digest that the user checked; without signatures there is nothing better.
  return {
    by: isAdopted ? "adopt" : "registry",
    contentKey: found.annotations[CONTENT_KEY_ANNOTATION] ?? "",
    revision: found.annotations[REVISION_ANNOTATION],
    statements: isAdopted ? [] : statements,
  };
}
