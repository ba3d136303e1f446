import { CLAIM_PREDICATE_TYPE, STATEMENT_PREDICATE_TYPE } from "../plan/annotations";
import type { Digest } from "../plan/digest";
import { type ContentClaim, parseClaim, parseStatement, type SignedFacts } from "../plan/statement";
import type { Descriptor } from "../registry/manifest";
import { isBundleReferrer, verifyReferrers } from "./evidence";
import type { ReadingClient } from "./reading-client";
import type { Trust } from "./trust-material";

/** Where cosign and Slipway write what kind of statement a bundle holds; a hint that saves reading the others. */
const PREDICATE_TYPE = "dev.sigstore.bundle.predicateType";
const KINDS: readonly string[] = [CLAIM_PREDICATE_TYPE, STATEMENT_PREDICATE_TYPE];

/** The claims and release statements about a digest that one of the signers made. Everything else counts for nothing. */
export async function readSignedFacts(
  client: ReadingClient,
  repository: string,
  digest: Digest,
  trusts: readonly Trust[],
): Promise<SignedFacts> {
  if (trusts.length === 0) return { claims: [], statements: [] };
  const referrers = (await client.referrers(repository, digest)).filter(isBundleReferrer).filter(mayHold);
  const read = await verifyReferrers(client, repository, digest, referrers, trusts);
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
