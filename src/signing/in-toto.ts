import canonicalize from "canonicalize";
import {
  CLAIM_PREDICATE_TYPE,
  SIGNATURE_PREDICATE_TYPE,
  STATEMENT_PREDICATE_TYPE,
} from "../plan/annotations";
import type { Digest } from "../plan/digest";
import { isRecord, parseJson } from "../plan/record";
import type { ContentClaim, ReleaseStatement } from "../plan/statement";

/** @see https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md */
const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";
const STATEMENT_TYPES: readonly string[] = [STATEMENT_TYPE, "https://in-toto.io/Statement/v0.1"];

export interface InTotoStatement {
  readonly subjects: readonly Digest[];
  readonly predicateType: string;
  readonly predicate: unknown;
}

/** A release statement about a digest, as canonical JSON: the same bytes each time, so no clock in it. */
export function releaseStatementBytes(image: string, digest: Digest, predicate: ReleaseStatement): Buffer {
  return render({ name: image, digest, predicateType: STATEMENT_PREDICATE_TYPE, predicate });
}

export function claimBytes(digest: Digest, predicate: ContentClaim): Buffer {
  return render({ name: predicate.image, digest, predicateType: CLAIM_PREDICATE_TYPE, predicate });
}

/** The statement that `cosign sign` makes: this digest, and nothing else. */
export function imageSignatureBytes(digest: Digest): Buffer {
  return render({ digest, predicateType: SIGNATURE_PREDICATE_TYPE, predicate: {} });
}

function render(statement: {
  readonly name?: string;
  readonly digest: Digest;
  readonly predicateType: string;
  readonly predicate: object;
}): Buffer {
  const { name, digest, predicateType, predicate } = statement;
  const text = canonicalize({
    _type: STATEMENT_TYPE,
    subject: [{ name, digest: { sha256: digest.slice("sha256:".length) } }],
    predicateType,
    predicate,
  });
  if (text === undefined) throw new Error("the statement cannot be written as JSON");
  return Buffer.from(text);
}

export function parseInToto(bytes: Uint8Array): InTotoStatement | undefined {
  const json = parseJson(bytes);
  if (!isRecord(json) || !STATEMENT_TYPES.some((type) => type === json._type)) return undefined;
  if (typeof json.predicateType !== "string" || !Array.isArray(json.subject)) return undefined;
  const subjects = json.subject.map(subjectDigest);
  if (subjects.length === 0 || subjects.some((subject) => subject === undefined)) return undefined;
  return {
    subjects: subjects.filter((subject) => subject !== undefined),
    predicateType: json.predicateType,
    predicate: json.predicate,
  };
}

function subjectDigest(subject: unknown): Digest | undefined {
  if (!isRecord(subject) || !isRecord(subject.digest)) return undefined;
  const { sha256 } = subject.digest;
  return typeof sha256 === "string" && /^[0-9a-f]{64}$/.test(sha256) ? `sha256:${sha256}` : undefined;
}

const NAMES: Readonly<Record<string, (type: string) => boolean>> = {
  signature: (type) => type === SIGNATURE_PREDICATE_TYPE,
  statement: (type) => type === STATEMENT_PREDICATE_TYPE,
  provenance: (type) => type.startsWith("https://slsa.dev/provenance/"),
  sbom: (type) =>
    type.startsWith("https://spdx.dev/Document") || type.startsWith("https://cyclonedx.org/bom"),
};

/** Whether a predicate type matches a rule, which is one of these names or a type. */
export function isPredicate(rule: string, type: string): boolean {
  return Object.hasOwn(NAMES, rule) ? NAMES[rule]?.(type) === true : rule === type;
}
