import { STATEMENT_PREDICATE_TYPE } from "../plan/annotations";
import { sourceAddress } from "../plan/reference";
import { parseStatement, type ReleaseStatement } from "../plan/statement";
import { matches, type VerifyRules } from "../plan/trust";
import type { Evidence } from "./evidence";
import type { Rejection } from "./verify-bundle";

interface Origin {
  readonly statement?: ReleaseStatement;
  readonly source?: string;
  readonly revision?: string;
}

/**
 * Image, source, revision, version and lane, which one signed statement must name together. Releases without a version
 * have no statement; then the commit in the signed index counts.
 */
export function statementProblems(
  rules: VerifyRules,
  { accepted, revision: indexed }: Evidence,
): Rejection[] {
  const { image, revision, version, lane } = rules;
  const source = rules.source === undefined ? undefined : sourceAddress(rules.source);
  const asked = { image, source, revision, version, lane };
  const certified = accepted.flatMap(({ certificate }) => (certificate === undefined ? [] : [certificate]));
  const stated = accepted.flatMap(({ statement }) => {
    const read =
      statement.predicateType === STATEMENT_PREDICATE_TYPE ? parseStatement(statement.predicate) : undefined;
    return read === undefined ? [] : [read];
  });
  const tagged = rules.tag === undefined ? [] : tagProblems(rules.tag, stated);
  if (tagged.length > 0) return tagged;
  if (Object.values(asked).every((value) => value === undefined)) {
    const isClean = stated.length === 0 || stated.some(({ dirty }) => dirty !== true);
    return isClean ? [] : [DIRTY];
  }
  const origins: Origin[] =
    stated.length === 0
      ? withoutStatement(rules, certified, indexed)
      : stated.map((statement) => known(statement, statement.source, statement.revision));
  // The certificate's facts come from the issuer, so they must agree, whatever a statement claims.
  const byCertificate = certified.flatMap((facts) => [
    ...mismatch("source", source, facts.source && sourceAddress(facts.source), "the certificate"),
    ...mismatch("revision", revision, facts.revision, "the certificate"),
  ]);
  const perOrigin = origins.map((origin) => originProblems(asked, origin));
  const best = perOrigin.find((found) => found.length === 0) ?? perOrigin[0] ?? originProblems(asked, {});
  return [...best, ...byCertificate];
}

/**
 * A tag is not signed: anyone with push rights can point `9.9.9` to a release that is signed as 1.2.3. So the tag must
 * name a signed version, a part of one (`1.2`), or none (`latest`).
 */
function tagProblems(tag: string, stated: readonly ReleaseStatement[]): Rejection[] {
  if (stated.length === 0 || stated.some((statement) => namesVersion(tag, statement))) return [];
  const versions = stated.map(({ version }) => version).join(", ");
  const message = `the tag is ${tag}, and the signed release statement is about ${versions}`;
  return [{ code: "verify-version", message }];
}

function namesVersion(tag: string, { version, revision }: ReleaseStatement): boolean {
  const commit = /^sha-([0-9a-f]{7,40})$/.exec(tag)?.[1];
  if (commit !== undefined) return revision.startsWith(commit);
  const plain = version.replace(/^v(?=\d)/, "").replace("+", "-");
  const named = versionsIn(tag);
  if (named.length === 0 || tag === version) return true;
  const fits = ({ text, at }: NamedVersion) => {
    const rest = tag.slice(at);
    const isWhole = rest.startsWith(plain) && /^(?:$|[^0-9A-Za-z.])/.test(rest.slice(plain.length));
    return isWhole || plain.startsWith(`${text}.`);
  };
  // `php-8.3-v1.2.3` is 1.2.3, and `9.9.9-1.2.3` is not.
  const [first] = named;
  return first?.at === 0 && /\..*\./.test(first.text) ? fits(first) : named.some(fits);
}

interface NamedVersion {
  readonly text: string;
  readonly at: number;
}

/** Numbers in a tag that can be a version: with dots, after `v`, at its start or at its end, but not inside a word. */
function versionsIn(tag: string): NamedVersion[] {
  return [...tag.matchAll(/(?<![0-9A-Za-z.])(v?)(\d+(?:\.\d+)*)/g)].flatMap(
    ({ index, 0: all, 1: v = "", 2: text = "" }) => {
      const isVersion = v === "v" || text.includes(".") || index === 0 || index + all.length === tag.length;
      return isVersion ? [{ text, at: index + v.length }] : [];
    },
  );
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
    statement,
    // Older statements have the remote's address as it was cloned.
    source: source && sourceAddress(source),
    revision,
  };
}

const DIRTY: Rejection = {
  code: "verify-dirty",
  message: "the signed release statement says that the working tree had changes that are in no commit",
};

const FIELDS = ["image", "source", "revision", "version", "lane"] as const;
type Field = (typeof FIELDS)[number];

function originProblems(
  asked: Pick<VerifyRules, Field>,
  { statement, source, revision }: Origin,
): Rejection[] {
  const by = statement === undefined ? "what is signed" : "the signed release statement";
  const { image, version, lane } = statement ?? {};
  const found = { image, source, revision, version, lane };
  return [
    ...(statement?.dirty === true ? [DIRTY] : []),
    ...FIELDS.flatMap((field): Rejection[] =>
      asked[field] !== undefined && found[field] === undefined
        ? [{ code: `verify-${field}`, message: `${by} says no ${field}; ${asked[field]} is required` }]
        : mismatch(field, asked[field], found[field], by),
    ),
  ];
}

function mismatch(
  field: Field,
  required: string | undefined,
  found: string | undefined,
  by: string,
): Rejection[] {
  if (required === undefined || found === undefined || matches(required, found)) return [];
  return [{ code: `verify-${field}`, message: `${by} says ${field} ${found}, not ${required}` }];
}
