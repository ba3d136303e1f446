import { X509Certificate } from "node:crypto";
import { type Bundle, bundleFromJSON, isBundleWithDsseEnvelope } from "@sigstore/bundle";
import {
  type ObjectIdentifierValuePair,
  type SignedEntity,
  type Signer,
  toSignedEntity,
  VerificationError,
  Verifier,
} from "@sigstore/verify";
import { IN_TOTO_MEDIA_TYPE } from "../plan/annotations";
import { type Digest, shortDigest } from "../plan/digest";
import { matches } from "../plan/trust";
import { type InTotoStatement, parseInToto } from "./in-toto";
import type { Trust } from "./keys";

/** Why an image, or one of its bundles, is not verified. Codes are stable; texts are not. */
export type RejectionCode =
  /** A key or a trusted root in the rules cannot be read. */
  | "verify-rules"
  | "verify-missing"
  /** The repository serves other content under the digest. */
  | "verify-digest"
  | "verify-unsigned"
  /** A referrer is not a readable bundle of a signed in-toto statement. */
  | "verify-malformed"
  | "verify-key"
  /** The certificate has another subject, or there is none. */
  | "verify-identity"
  | "verify-issuer"
  /** The certificate is not from a trusted authority, or is in no certificate log. */
  | "verify-certificate"
  /** The certificate was not valid at the time of the signature. */
  | "verify-expired"
  /** The transparency log does not confirm the signature. */
  | "verify-log"
  /** The payload was changed after it was signed. */
  | "verify-payload"
  | "verify-subject"
  | "verify-predicate"
  | "verify-image"
  | "verify-source"
  | "verify-revision"
  /** The signed statement or the tag names another version. */
  | "verify-version"
  | "verify-lane"
  /** The working tree had changes that are in no commit. */
  | "verify-dirty"
  | "verify-builder"
  | "verify-platform"
  /** A package has a denied licence, or there is no SBOM. */
  | "verify-licence"
  | "verify-too-new"
  | "verify-too-old"
  /** No trusted source says when it was made. */
  | "verify-age-unknown";

export interface Rejection {
  readonly code: RejectionCode;
  readonly message: string;
}

/** A signed statement about the digest, by a required signer. */
export interface SignedStatement {
  readonly statement: InTotoStatement;
  /** The signed bytes. */
  readonly payload: Uint8Array;
  /** For messages: the certificate's subject, or the key's hint. */
  readonly signer: string;
  /** The earliest time that a transparency log or timestamp authority signed. */
  readonly signedAt?: Date;
  readonly certificate?: CertificateFacts;
}

export type BundleReading =
  | { readonly accepted: SignedStatement }
  /** `claims`: its predicate type, if that can be read. */
  | { readonly rejected: Rejection; readonly claims?: string };

/**
 * The statement about the digest that the trusted signer signed, or why there is none. Never throws: anyone with push
 * rights can attach bundles, and an unreadable one must not hide the others.
 */
export function verifyBundle(bytes: Uint8Array, digest: Digest, trust: Trust): BundleReading {
  try {
    return readAndVerify(bytes, digest, trust);
  } catch {
    return unreadable();
  }
}

function readAndVerify(bytes: Uint8Array, digest: Digest, trust: Trust): BundleReading {
  const bundle = readBundle(bytes);
  if (bundle === undefined || !isBundleWithDsseEnvelope(bundle)) {
    return rejected("verify-malformed", "is not a Sigstore bundle with a signed statement");
  }
  const { payload, payloadType } = bundle.content.dsseEnvelope;
  const statement = payloadType === IN_TOTO_MEDIA_TYPE ? parseInToto(payload) : undefined;
  if (statement === undefined) return rejected("verify-malformed", "holds no in-toto statement");
  const claims = statement.predicateType;
  const checked = trust.kind === "key" ? byKey(bundle, trust) : byIdentity(bundle, trust);
  if ("rejected" in checked) return { ...checked, claims };
  if (!statement.subjects.includes(digest)) {
    const about = statement.subjects.map(shortDigest).join(", ");
    return { ...rejected("verify-subject", `is about ${about}, not ${shortDigest(digest)}`), claims };
  }
  return { accepted: { statement, payload, ...checked } };
}

/** Verifies by each signer: the first acceptance, else the first rejection. */
export function verifyByAny(bytes: Uint8Array, digest: Digest, trusts: readonly Trust[]): BundleReading {
  const readings = trusts.map((trust) => verifyBundle(bytes, digest, trust));
  return (
    readings.find((reading) => "accepted" in reading) ??
    readings[0] ?? { rejected: { code: "verify-rules", message: "cannot be verified: no signer is trusted" } }
  );
}

function rejected(code: RejectionCode, message: string): { readonly rejected: Rejection } {
  return { rejected: { code, message } };
}

function readBundle(bytes: Uint8Array): Bundle | undefined {
  try {
    return bundleFromJSON(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
  } catch {
    return undefined;
  }
}

type Checked =
  | { readonly rejected: Rejection }
  | { readonly signer: string; readonly signedAt?: Date; readonly certificate?: CertificateFacts };

/** Without certificate, log and time, so that releases can be verified offline. */
function byKey(bundle: Bundle, trust: Extract<Trust, { kind: "key" }>): Checked {
  const { content } = bundle.verificationMaterial;
  if (content.$case !== "publicKey") {
    return rejected("verify-key", `is signed with a certificate, not with the key ${trust.hint}`);
  }
  const verifier = new Verifier(trust.material, {
    ctlogThreshold: 0,
    tlogThreshold: 0,
    timestampThreshold: 0,
  });
  try {
    verifier.verify({ ...toSignedEntity(bundle), tlogEntries: [], timestamps: [] });
    return { signer: `key ${trust.hint}` };
  } catch (error) {
    if (!(error instanceof VerificationError)) return unreadable();
    const { hint } = content.publicKey;
    return hint === trust.hint
      ? rejected("verify-payload", "names the right key, but its signature does not match its payload")
      : rejected("verify-key", `is signed with the key ${hint || "without a name"}, not with ${trust.hint}`);
  }
}

function byIdentity(bundle: Bundle, trust: Extract<Trust, { kind: "identity" }>): Checked {
  const { content } = bundle.verificationMaterial;
  if (content.$case !== "certificate") {
    return rejected("verify-identity", "is signed with a key, so no issuer confirms the signer");
  }
  let signer: Signer;
  let signedAt: Date | undefined;
  try {
    const entity = toSignedEntity(bundle);
    signedAt = signedTime(entity);
    signer = new Verifier(trust.material).verify(entity);
  } catch (error) {
    if (!(error instanceof VerificationError)) return unreadable();
    return { rejected: certificateRejection(error, content.certificate.rawBytes, signedAt) };
  }
  const { subjectAlternativeName: subject = "", extensions } = signer.identity ?? {};
  const issuer = extensions?.issuer ?? "";
  if (!matches(trust.issuer, issuer)) {
    return rejected("verify-issuer", `is confirmed by ${issuer || "no issuer"}, not by ${trust.issuer}`);
  }
  if (!matches(trust.subject, subject)) {
    return rejected("verify-identity", `is signed by ${subject || "no subject"}, not by ${trust.subject}`);
  }
  return {
    signer: subject,
    signedAt,
    certificate: certificateFacts(signer.identity?.oids ?? []),
  };
}

function unreadable(): { readonly rejected: Rejection } {
  return rejected("verify-malformed", "holds a signature or certificate that cannot be read");
}

function certificateRejection(
  error: VerificationError,
  certificate: Uint8Array,
  at: Date | undefined,
): Rejection {
  const { code, message } = error;
  switch (code) {
    case "SIGNATURE_ERROR":
      return { code: "verify-payload", message: "has a signature that does not match its payload" };
    case "TLOG_BODY_ERROR":
      return {
        code: "verify-payload",
        message: "differs from the entry in the transparency log: the payload was changed",
      };
    case "CERTIFICATE_ERROR": {
      const validity = at === undefined ? undefined : outside(certificate, at);
      return validity === undefined
        ? { code: "verify-certificate", message: `has a certificate that is not trusted: ${message}` }
        : { code: "verify-expired", message: validity };
    }
    default:
      return { code: "verify-log", message: `is not confirmed by the transparency log: ${message}` };
  }
}

function outside(certificate: Uint8Array, at: Date): string | undefined {
  const { validFrom, validTo } = new X509Certificate(certificate);
  if (at >= new Date(validFrom) && at <= new Date(validTo)) return undefined;
  return `was signed at ${at.toISOString()}, but its certificate is valid from ${iso(validFrom)} to ${iso(validTo)}`;
}

function iso(text: string): string {
  return new Date(text).toISOString();
}

/**
 * The earliest signed time: of a log's inclusion promise, or of a timestamp authority. Without a promise no signature
 * covers an entry's time. The verifier checks those signatures before the time counts.
 */
function signedTime({ timestamps }: SignedEntity): Date | undefined {
  const times = timestamps.flatMap((entry) => {
    if (entry.$case === "timestamp-authority") return [entry.timestamp.signingTime.getTime()];
    const { inclusionPromise, integratedTime } = entry.tlogEntry;
    return inclusionPromise === undefined ? [] : [Number(integratedTime) * 1000];
  });
  const real = times.filter((time) => !Number.isNaN(new Date(time).getTime()));
  return real.length === 0 ? undefined : new Date(Math.min(...real));
}

/** What Fulcio writes into a certificate about the workflow. */
interface CertificateFacts {
  /** `https://github.com/octo/app`. */
  readonly source?: string;
  readonly revision?: string;
}

/** @see https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md */
const SOURCE = "1.3.6.1.4.1.57264.1.12";
const REVISION = "1.3.6.1.4.1.57264.1.13";

function certificateFacts(extensions: readonly ObjectIdentifierValuePair[]): CertificateFacts {
  const text = (oid: string): string | undefined => {
    const found = extensions.find((extension) => extension.oid?.id.join(".") === oid);
    return found === undefined ? undefined : utf8String(found.value);
  };
  return { source: text(SOURCE), revision: text(REVISION) };
}

/** DER of a UTF8String of less than 64 KiB. */
function utf8String(der: Buffer): string | undefined {
  if (der[0] !== 0x0c) return undefined;
  const first = der[1] ?? 0;
  const extra = first < 0x80 ? 0 : first - 0x80;
  if (extra > 2) return undefined;
  const length = extra === 0 ? first : der.readUIntBE(2, extra);
  return der.subarray(2 + extra, 2 + extra + length).toString("utf8");
}
