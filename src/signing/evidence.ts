import {
  BUNDLE_MEDIA_TYPE,
  CLAIM_PREDICATE_TYPE,
  REVISION_ANNOTATION,
  STATEMENT_PREDICATE_TYPE,
} from "../plan/annotations";
import type { Digest } from "../plan/digest";
import { type ContentClaim, parseClaim, parseStatement, type SignedFacts } from "../plan/statement";
import { type Descriptor, isIndex, platforms } from "../registry/manifests";
import { readReferrerLayer } from "../registry/referrers";
import {
  type BuildStatement,
  type ReadingClient,
  type ReadingPlace,
  readBuildStatements,
} from "./build-statements";
import type { Trust } from "./keys";
import { type BundleReading, type Rejection, type SignedStatement, verifyByAny } from "./verify-bundle";

/** A bundle has some KiB; with an SBOM in it, a few MiB. */
const BUNDLE_LIMIT = 16 * 1024 * 1024;
/** Releases have fewer; more would only keep the verifier busy. */
const MOST_BUNDLES = 1_000;
const MOST_BYTES = 256 * 1024 * 1024;

/** Everything that a repository has about a digest, with every signature verified. */
export interface Evidence {
  readonly platforms: readonly string[];
  /** The commit in the index's annotations, which the signature of the digest covers. */
  readonly revision?: string;
  readonly accepted: readonly SignedStatement[];
  readonly rejected: readonly (Rejection & { readonly referrer: Digest; readonly claims?: string })[];
  /** The build's statements in the index or named by it, which the signature of the digest covers. */
  readonly built: readonly BuildStatement[];
}

export function isBundleReferrer({ artifactType }: Descriptor): boolean {
  return artifactType?.startsWith("application/vnd.dev.sigstore.bundle") === true;
}

/** Undefined where the repository does not have the digest. */
export async function readEvidence(
  at: ReadingPlace,
  digest: Digest,
  trusts: readonly Trust[],
): Promise<Evidence | undefined> {
  const image = await at.client.getManifest(at.repository, digest);
  if (image === undefined) return undefined;
  const index = isIndex(image.json) ? image.json : undefined;
  const referrers = (await at.client.referrers(at.repository, digest)).filter(isBundleReferrer);
  const read = await verifyReferrers(at, digest, referrers, trusts);
  const accepted = read.flatMap(({ reading }) => ("accepted" in reading ? [reading.accepted] : []));
  const rejected: Evidence["rejected"][number][] = read.flatMap(({ referrer, reading }) =>
    "rejected" in reading ? [{ ...reading.rejected, referrer, claims: reading.claims }] : [],
  );
  if (referrers.length > MOST_BUNDLES)
    rejected.push({
      code: "verify-malformed",
      message: `is one of ${referrers.length} bundles, and at most ${MOST_BUNDLES} are read`,
      referrer: referrers[MOST_BUNDLES]?.digest ?? digest,
    });
  return {
    platforms: index === undefined ? [] : platforms(index),
    revision: index?.annotations?.[REVISION_ANNOTATION],
    accepted,
    rejected,
    // Unsigned, they count for nothing, so they are not read.
    built: index !== undefined && accepted.length > 0 ? await readBuildStatements(at, index) : [],
  };
}

/** Reads a limited number and size of bundles, and verifies each by any of the signers. */
function verifyReferrers(
  at: ReadingPlace,
  digest: Digest,
  referrers: readonly Descriptor[],
  trusts: readonly Trust[],
): Promise<{ readonly referrer: Digest; readonly reading: BundleReading }[]> {
  let left = MOST_BYTES;
  return Promise.all(
    referrers.slice(0, MOST_BUNDLES).map(async ({ digest: referrer }) => {
      const bytes = left > 0 ? await bundleBytes(at, referrer) : undefined;
      left -= bytes?.length ?? 0;
      return { referrer, reading: bytes === undefined ? notRead(left) : verifyByAny(bytes, digest, trusts) };
    }),
  );
}

function notRead(left: number): BundleReading {
  const message =
    left > 0
      ? "is listed, but the repository has no such bundle"
      : `is not read: the bundles of this digest have more than ${MOST_BYTES} bytes`;
  return { rejected: { code: "verify-malformed", message } };
}

/** The bundle in a referrer; undefined where it is missing, or is not one layer of that type. */
export function bundleBytes(at: ReadingPlace, referrer: Digest): Promise<Uint8Array | undefined> {
  return readReferrerLayer(at, referrer, { mediaType: BUNDLE_MEDIA_TYPE, limit: BUNDLE_LIMIT });
}

/** Cosign and Slipway write the kind of a bundle's statement here. It is a hint that saves reading other bundles. */
const PREDICATE_TYPE = "dev.sigstore.bundle.predicateType";
const KINDS: readonly string[] = [CLAIM_PREDICATE_TYPE, STATEMENT_PREDICATE_TYPE];

/** The claims and release statements about a digest that one of the signers signed. */
export async function readSignedFacts(
  client: ReadingClient,
  repository: string,
  digest: Digest,
  trusts: readonly Trust[],
): Promise<SignedFacts> {
  if (trusts.length === 0) return { claims: [], statements: [] };
  const referrers = (await client.referrers(repository, digest)).filter(isBundleReferrer).filter(mayHold);
  const read = await verifyReferrers({ client, repository }, digest, referrers, trusts);
  const of = <T>(type: string, parse: (predicate: unknown) => T | undefined) =>
    read
      .flatMap(({ reading }) => ("accepted" in reading ? [reading.accepted.statement] : []))
      .filter(({ predicateType }) => predicateType === type)
      .flatMap(({ predicate }) => parse(predicate) ?? []);
  return {
    claims: of<ContentClaim>(CLAIM_PREDICATE_TYPE, parseClaim),
    statements: of(STATEMENT_PREDICATE_TYPE, parseStatement),
  };
}

function mayHold({ annotations }: Descriptor): boolean {
  const kind = annotations?.[PREDICATE_TYPE];
  return kind === undefined || KINDS.includes(kind);
}
