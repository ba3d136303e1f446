import { type Digest, shortDigest } from "../plan/digest";
import { missingPlatforms } from "../plan/image-index";
import { licenceBreaches } from "../plan/policy/licences";
import type { LicenceRules } from "../plan/policy/policy-config";
import { matches, type Verdict, type VerifyRules } from "../plan/trust";
import { provenanceFacts, sbomPackages } from "./build-statements";
import type { Evidence } from "./evidence";
import { isPredicate } from "./in-toto";
import { statementProblems } from "./judge-origin";
import type { Rejection, RejectionCode } from "./verify-bundle";

interface ToJudge {
  readonly repository: string;
  readonly digest: Digest;
  readonly rules: VerifyRules;
  /** Undefined where the repository does not have the digest. */
  readonly evidence: Evidence | undefined;
  readonly now: Date;
}

interface Finding extends Rejection {
  readonly hint?: string;
}

function finding(code: RejectionCode, message: string, hint?: string): Finding {
  return { code, message, hint };
}

/** Judges the evidence by the rules. Pure; reports every broken rule. */
export function judge({ repository, digest, rules, evidence, now }: ToJudge): Verdict {
  const refused = (findings: readonly Finding[]): Verdict => ({
    repository,
    digest,
    verified: false,
    predicates: [],
    platforms: evidence?.platforms ?? [],
    problems: findings.map((finding) => ({ path: repository, ...finding })),
  });
  if (evidence === undefined) {
    return refused([finding("verify-missing", `${digest} is missing`)]);
  }
  const { accepted, rejected } = evidence;
  if (accepted.length === 0 && rejected.length === 0) {
    return refused([
      finding("verify-unsigned", `${shortDigest(digest)} is not signed: it has no Sigstore bundle`),
    ]);
  }
  if (accepted.length === 0) return refused(few(rejected, "bundle"));
  const madeAt = ageOf(evidence);
  const verdict = refused([
    ...predicateProblems(rules, evidence),
    ...statementProblems(rules, evidence),
    ...builderProblems(rules, evidence),
    ...platformProblems(rules, evidence),
    ...licenceProblems(rules, evidence),
    ...ageProblems(rules, madeAt, now),
  ]);
  const types = [...accepted.map(({ statement }) => statement.predicateType), ...builtEverywhere(evidence)];
  return {
    ...verdict,
    verified: verdict.problems.length === 0,
    predicates: [...new Set(types)].sort(),
    signer: accepted[0]?.signer,
    madeAt: madeAt && { time: madeAt.time.toISOString(), from: madeAt.from },
  };
}

/** Junk is cheap to attach, so the report is limited. */
const MOST_LINES = 20;

function few(rejected: Evidence["rejected"], what: string): Finding[] {
  const shown = rejected.slice(0, MOST_LINES);
  const more = rejected.length - shown.length;
  return [
    ...shown.map(({ code, message, referrer }) =>
      finding(code, `the ${what} ${shortDigest(referrer)} ${message}`),
    ),
    ...(more === 0 ? [] : [finding("verify-malformed", `${more} more of them are refused too`)]),
  ];
}

/** Requires each kind of statement: signed itself, or in the signed index for every platform. */
function predicateProblems(rules: VerifyRules, evidence: Evidence): Finding[] {
  const { accepted, rejected, built, platforms } = evidence;
  return rules.predicates.flatMap((rule) => {
    if (accepted.some(({ statement }) => isPredicate(rule, statement.predicateType))) return [];
    const having = built.filter(({ predicateType }) => isPredicate(rule, predicateType));
    const lacking = platforms.filter(
      (platform) => !having.some((statement) => statement.platform === platform),
    );
    if (having.length > 0 && lacking.length === 0) return [];
    const alike = rejected.filter(({ claims }) => claims !== undefined && isPredicate(rule, claims));
    if (alike.length > 0) return few(alike, rule);
    const found = [...new Set(accepted.map(({ statement }) => statement.predicateType))].sort().join(", ");
    return having.length > 0
      ? [finding("verify-predicate", `has no ${rule} for ${lacking.join(", ")}`)]
      : [finding("verify-predicate", `has no ${rule}; signed are: ${found}`)];
  });
}

/** No provenance may name another builder, whether in the index or signed separately. */
function builderProblems({ builder }: VerifyRules, evidence: Evidence): Finding[] {
  if (builder === undefined) return [];
  const inIndex = evidence.built.filter(({ predicateType }) => isPredicate("provenance", predicateType));
  const signed = evidence.accepted
    .filter(({ statement }) => isPredicate("provenance", statement.predicateType))
    .map(({ statement }) => ({ platform: "all platforms", ...provenanceFacts(statement.predicate) }));
  if (inIndex.length + signed.length === 0) {
    return [
      finding("verify-builder", `has no provenance, so its builder is unknown; ${builder} is required`),
    ];
  }
  const lacking =
    signed.length > 0
      ? []
      : evidence.platforms.filter(
          (platform) => !inIndex.some((statement) => statement.platform === platform),
        );
  return [
    ...lacking.map((platform) => finding("verify-builder", `has no provenance for ${platform}`)),
    ...[...inIndex, ...signed]
      .filter((statement) => !matches(builder, statement.builder ?? ""))
      .map((statement) =>
        finding(
          "verify-builder",
          `was built for ${statement.platform} by ${statement.builder || "a builder without a name"}, not by ${builder}`,
        ),
      ),
  ];
}

function platformProblems(rules: VerifyRules, { platforms }: Evidence): Finding[] {
  const missing = missingPlatforms(platforms, rules.platforms);
  return missing.length === 0
    ? []
    : [
        finding(
          "verify-platform",
          `lacks ${missing.join(", ")} (it has ${platforms.join(", ") || "no platform"})`,
        ),
      ];
}

function licenceProblems({ licences }: VerifyRules, evidence: Evidence): Finding[] {
  if (licences === undefined) return [];
  const hint = "Remove the package, or change slipway:policy.deniedLicences.";
  return licenceMessages(licences, evidence).map((message) => finding("verify-licence", message, hint));
}

interface Age {
  readonly time: Date;
  readonly from: string;
}

/**
 * The earliest signed time: the image is at least that old, and later versions of the same content do not make it newer.
 * Without a log, the end of the last build as its provenance states it.
 */
function ageOf({ accepted, built }: Evidence): Age | undefined {
  const logged = accepted.flatMap(({ signedAt }) => signedAt ?? []);
  if (logged.length > 0) return { time: new Date(Math.min(...logged.map(Number))), from: "transparency log" };
  const finished = built.flatMap(({ finishedAt }) => finishedAt ?? []);
  return finished.length === 0
    ? undefined
    : { time: new Date(Math.max(...finished.map(Number))), from: "provenance" };
}

/** How far the clocks of two machines may differ. */
const CLOCK_SKEW_S = 300;

function ageProblems({ minAge, maxAge }: VerifyRules, made: Age | undefined, now: Date): Finding[] {
  if (minAge === undefined && maxAge === undefined) return [];
  if (made === undefined) {
    return [finding("verify-age-unknown", "no transparency log and no provenance says when it was made")];
  }
  const age = (now.getTime() - made.time.getTime()) / 1000;
  const since = `made at ${made.time.toISOString()} (${made.from})`;
  if (age < -CLOCK_SKEW_S) return [finding("verify-age-unknown", `${since}, which is in the future`)];
  return [
    ...(minAge !== undefined && age < minAge
      ? [finding("verify-too-new", `${since}, less than ${minAge} s ago`)]
      : []),
    ...(maxAge !== undefined && age > maxAge
      ? [finding("verify-too-old", `${since}, more than ${maxAge} s ago`)]
      : []),
  ];
}

/** The predicate types that the index has for every platform. */
function builtEverywhere({ built, platforms }: Evidence): string[] {
  const types = [...new Set(built.map(({ predicateType }) => predicateType))];
  return types.filter((type) =>
    platforms.every((platform) =>
      built.some((statement) => statement.predicateType === type && statement.platform === platform),
    ),
  );
}

/** Packages named in a message. */
const NAMED = 5;

/**
 * Breaches of the licence rules by the SBOMs in the signed index and by those that are signed separately. A platform
 * needs an SBOM, which must list packages if unknown licences are refused.
 */
function licenceMessages(rules: LicenceRules, { built, accepted, platforms }: Evidence): string[] {
  const inIndex = built.filter(({ predicateType }) => isPredicate("sbom", predicateType));
  const signed = accepted
    .filter(({ statement }) => isPredicate("sbom", statement.predicateType))
    .map(({ statement }) => sbomPackages(statement.predicate));
  const listsOf = (platform: string) =>
    [
      ...inIndex.filter((entry) => entry.platform === platform).map((entry) => entry.packages),
      ...signed,
    ].filter((list) => list !== undefined);
  const lacking = platforms.filter((platform) => listsOf(platform).length === 0);
  const empty =
    rules.unknown === "refuse"
      ? platforms.filter(
          (platform) => !lacking.includes(platform) && listsOf(platform).every((list) => list.length === 0),
        )
      : [];
  const packages = [...inIndex.map((entry) => entry.packages), ...signed].flatMap((list) => list ?? []);
  const { denied, unknown } = licenceBreaches(packages, rules);
  return [
    ...(lacking.length === 0
      ? []
      : [`has no readable SBOM for ${lacking.join(", ")}, so its licences are unknown`]),
    ...(empty.length === 0
      ? []
      : [`has an SBOM that lists no package for ${empty.join(", ")}, so its licences are unknown`]),
    ...(denied.length === 0 ? [] : [`has packages with a denied licence: ${shown(denied)}`]),
    ...(unknown.length === 0
      ? []
      : [`has packages without a licence in the SBOM, or without an SPDX id for it: ${shown(unknown)}`]),
  ];
}

function shown(texts: readonly string[]): string {
  const rest = texts.length > NAMED ? ` and ${texts.length - NAMED} more` : "";
  return `${texts.slice(0, NAMED).join("; ")}${rest}`;
}
