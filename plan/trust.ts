import type { Digest } from "./digest";
import type { LicenceRules } from "./policy/policy-config";
import type { Problem } from "./problem";
import type { Secret } from "./secret";

/** How a release is signed. */
export type SignConfig =
  | { readonly mode: "none" }
  | {
      readonly mode: "key";
      /** PEM. Absent where only the engine can read it. */
      readonly key?: Secret;
      /** Of an encrypted key. */
      readonly password?: Secret;
      /** PEM of its public half, which verifies releases without the private key and has to match it. */
      readonly publicKey?: string;
      /** Further signers whose claims and statements are trusted. */
      readonly trusted: readonly WantedSigner[];
    }
  | {
      readonly mode: "keyless";
      /** Server that issues the certificate, `https://fulcio.sigstore.dev`. */
      readonly fulcio: string;
      /** Server of the transparency log, `https://rekor.sigstore.dev`. */
      readonly rekor: string;
      /** JSON of a Sigstore trusted root. Default: the public one, by TUF. */
      readonly trustedRoot?: string;
      /** Further signers whose claims and statements are trusted. */
      readonly trusted: readonly WantedSigner[];
    };

/** Who has to have signed. */
export type WantedSigner =
  /** PEM of the public key. */
  | { readonly kind: "key"; readonly publicKey: string }
  | {
      readonly kind: "identity";
      /** The certificate's subject, exactly, or `/pattern/` for all of it. */
      readonly subject: string;
      /** Who vouches for the subject, exactly: `https://token.actions.githubusercontent.com`. */
      readonly issuer: string;
      /** JSON of a Sigstore trusted root. Default: the public one, by TUF. */
      readonly trustedRoot?: string;
    };

/** What has to be verified about an image. What is absent is not required, except for the signer and the digest. */
export interface VerifyRules {
  /** `stack`: the stack's own signer, or one that `sign.trusted` names. */
  readonly signer: WantedSigner | { readonly kind: "stack" };
  /** Names (`signature`, `statement`, `provenance`, `sbom`) or predicate types. */
  readonly predicates: readonly string[];
  /** Provenance's builder, exactly or `/pattern/`, for every platform. */
  readonly builder?: string;
  /** Where the source is, exactly or `/pattern/`. */
  readonly source?: string;
  /** The commit, 40 hex digits. */
  readonly revision?: string;
  /** The image that the release statement has to be about. */
  readonly image?: string;
  /** Its version, without the form. */
  readonly version?: string;
  /** Its lane; empty for a project without lanes. */
  readonly lane?: string;
  /** The tag by which the image was asked for: a signed statement has to be about the version that it names. */
  readonly tag?: string;
  readonly platforms: readonly string[];
  /** Licences that no package may have, by the SBOM of every platform. */
  readonly licences?: LicenceRules;
  /** Seconds. */
  readonly minAge?: number;
  /** Seconds. */
  readonly maxAge?: number;
}

/** What a promotion asks for; image and revision are the release's own. */
export type PromotionRules = Omit<VerifyRules, "image" | "revision" | "version" | "lane" | "tag">;

/** One digest that is to be verified. */
export interface VerifyRequest {
  /** `host/path` each: it has to be verified in every one. */
  readonly repositories: readonly string[];
  readonly digest: Digest;
  readonly rules: VerifyRules;
}

/** What was found in one repository. */
export interface Verdict {
  /** `host/path`. */
  readonly repository: string;
  readonly digest: Digest;
  readonly verified: boolean;
  /** Predicate types that the wanted signer signed, sorted. */
  readonly predicates: readonly string[];
  /** Who signed, for people; absent if unsigned. */
  readonly signer?: string;
  /** When it was made, ISO 8601, and who says so. */
  readonly madeAt?: { readonly time: string; readonly from: string };
  readonly platforms: readonly string[];
  /** Every rule that is broken, and what was found; empty where it is verified. */
  readonly problems: readonly Problem[];
}
