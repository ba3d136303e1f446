import type { Problem } from "../plan/problem";

/** Why an image, or one bundle about it, is not verified. Codes are stable; texts are not. */
export type RefusalCode =
  /** The rules themselves cannot be used: a key or a trusted root that cannot be read. */
  | "verify-rules"
  /** The repository has no such digest. */
  | "verify-missing"
  /** What the repository serves under the digest is not that content. */
  | "verify-digest"
  /** It is not signed. */
  | "verify-unsigned"
  /** A referrer that is no readable bundle of a signed in-toto statement. */
  | "verify-malformed"
  /** Signed, but by another key. */
  | "verify-key"
  /** Signed with a certificate of another subject, or without one. */
  | "verify-identity"
  /** The subject is vouched for by another issuer. */
  | "verify-issuer"
  /** The certificate is not from an authority that is trusted, or is in no certificate log. */
  | "verify-certificate"
  /** The certificate was not valid at the time of the signature. */
  | "verify-expired"
  /** The transparency log does not vouch for the signature. */
  | "verify-log"
  /** What is signed was changed afterwards. */
  | "verify-payload"
  /** A valid signature about another digest. */
  | "verify-subject"
  /** A statement that is asked for is not there. */
  | "verify-predicate"
  | "verify-image"
  | "verify-source"
  | "verify-revision"
  /** The signed statement is about another version, or the tag names another one. */
  | "verify-version"
  | "verify-lane"
  /** It was made from a working tree with changes that are in no commit. */
  | "verify-dirty"
  | "verify-builder"
  | "verify-platform"
  /** A package has a denied licence, or there is no SBOM that could say so. */
  | "verify-licence"
  | "verify-too-new"
  | "verify-too-old"
  /** Nothing trustworthy says when it was made. */
  | "verify-age-unknown";

/** A reason against an image, where it is. */
export type MakeProblem = (code: RefusalCode, message: string) => Problem;

export interface Rejection {
  readonly code: RefusalCode;
  readonly message: string;
}
