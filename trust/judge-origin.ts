import { STATEMENT_PREDICATE_TYPE } from "../plan/annotations";
import { matches } from "../plan/pattern";
import type { Problem } from "../plan/problem";
import { parseStatement, type ReleaseStatement } from "../plan/statement";
import type { VerifyRules } from "../plan/trust";
import type { MakeProblem, RefusalCode } from "./codes";
import type { Evidence } from "./evidence";

interface Origin {
  readonly statement?: ReleaseStatement;
  readonly source?: string;
  readonly revision?: string;
}

/**
 * Image, source and revision, which one signed statement has to say together. Where no statement is asked for (a release
 * without a version has none) the commit may also stand in the index, which is signed.
 */
export function statementProblems(
  rules: VerifyRules,
  { accepted, revision: indexed }: Evidence,
  problem: MakeProblem,
): Problem[] {
  const { image, source, revision } = rules;
  if (image === undefined && source === undefined && revision === undefined) return [];
  const certified = accepted.flatMap(({ certificate }) => (certificate === undefined ? [] : [certificate]));
  const stated = accepted.flatMap(({ statement }) => {
    const read =
      statement.predicateType === STATEMENT_PREDICATE_TYPE ? parseStatement(statement.predicate) : undefined;
    return read === undefined ? [] : [read];
  });
  const origins: Origin[] =
    stated.length === 0
      ? withoutStatement(rules, certified, indexed)
      : stated.map((statement) => known(statement, statement.source, statement.revision));
  // What the certificate says comes from the issuer, so it has to agree whatever a statement claims.
  const byCertificate = certified.flatMap((facts) => [
    ...mismatch("verify-source", "source", source, facts.source, "the certificate"),
    ...mismatch("verify-revision", "revision", revision, facts.revision, "the certificate"),
  ]);
  const perOrigin = origins.map((origin) => originProblems(rules, origin));
  const best = perOrigin.find((found) => found.length === 0) ?? perOrigin[0] ?? originProblems(rules, {});
  return [...best, ...byCertificate].map(({ code, message }) => problem(code, message));
}

function withoutStatement(
  { predicates }: VerifyRules,
  certified: readonly { readonly source?: string; readonly revision?: string }[],
  indexed: string | undefined,
): Origin[] {
  const revision = predicates.includes("statement") ? undefined : indexed;
  const origins = certified.map(({ source, revision: commit }) =>
    known(undefined, source, commit ?? revision),
  );
  return origins.length === 0 && revision !== undefined ? [known(undefined, undefined, revision)] : origins;
}

function known(statement: ReleaseStatement | undefined, source?: string, revision?: string): Origin {
  return {
    ...(statement === undefined ? {} : { statement }),
    ...(source === undefined ? {} : { source }),
    ...(revision === undefined ? {} : { revision }),
  };
}

interface Mismatch {
  readonly code: RefusalCode;
  readonly message: string;
}

function originProblems({ image, source, revision }: VerifyRules, origin: Origin): Mismatch[] {
  const by = origin.statement === undefined ? "what is signed" : "the signed release statement";
  return [
    ...required("verify-image", "image", image, origin.statement?.image, by),
    ...required("verify-source", "source", source, origin.source, by),
    ...required("verify-revision", "revision", revision, origin.revision, by),
  ];
}

function required(
  code: RefusalCode,
  what: string,
  wanted: string | undefined,
  found: string | undefined,
  by: string,
): Mismatch[] {
  if (wanted === undefined) return [];
  if (found === undefined) return [{ code, message: `${by} says no ${what}; ${wanted} is wanted` }];
  return mismatch(code, what, wanted, found, by);
}

function mismatch(
  code: RefusalCode,
  what: string,
  wanted: string | undefined,
  found: string | undefined,
  by: string,
): Mismatch[] {
  if (wanted === undefined || found === undefined || matches(wanted, found)) return [];
  return [{ code, message: `${by} says ${what} ${found}, not ${wanted}` }];
}
