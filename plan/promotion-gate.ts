import type { Config, ImageConfig } from "./config";
import type { ExistingRelease } from "./existing-release";
import { type PolicyConfig, type PolicyFinding, settingOf } from "./policy/policy-config";
import type { Problem } from "./problem";
import type { PromotionRules, Verdict, VerifyRequest } from "./trust";

/** What a stack asks of what it promotes: `promote.verify`, and the rules of its policy that only the gate can judge. */
export function gateRules(verify: PromotionRules, policy: PolicyConfig): PromotionRules {
  const { missingProvenance, deniedLicences } = policy;
  const { level, ...licences } = deniedLicences;
  const isAsked = missingProvenance.level === "refuse" && !verify.predicates.includes("provenance");
  return {
    ...verify,
    predicates: isAsked ? [...verify.predicates, "provenance"] : verify.predicates,
    ...(level === "refuse" ? { licences } : {}),
  };
}

/** Where `promote.verify` is absent: the stack's own signer, or one that `sign.trusted` names. */
const BY_THE_STACK: PromotionRules = {
  signer: { kind: "stack" },
  predicates: ["signature", "statement"],
  platforms: [],
};

/** The rules that content has to pass before it is promoted; undefined where nothing is signed and no rule is set. */
export function promotionGate({
  promote,
  sign,
  policy,
}: Pick<Config, "promote" | "sign" | "policy">): PromotionRules | undefined {
  const verify = promote?.verify ?? (sign.mode === "none" ? undefined : BY_THE_STACK);
  return verify === undefined ? undefined : gateRules(verify, policy);
}

/** The signer whose claims and statements a stack trusts; undefined for its own signers. */
export function wantedSigner(
  config: Pick<Config, "promote" | "sign" | "policy">,
): PromotionRules["signer"] | undefined {
  return config.promote === undefined ? undefined : promotionGate(config)?.signer;
}

/** What is only warned of, asked of what has passed the gate; undefined for nothing. */
export function advisoryRules(rules: PromotionRules, policy: PolicyConfig): PromotionRules | undefined {
  const { level, ...licences } = policy.deniedLicences;
  return level === "warn" ? { ...rules, licences } : undefined;
}

/**
 * What has to be verified before a release is promoted: the stack's rules, and that what was signed is this image
 * of this commit for these platforms. A release without a version has no statement that could say so, so its commit has
 * to stand in what is signed, the index; a base may be of an earlier commit.
 *
 * @param holding `host/path` of every repository that holds the digest
 */
export function promotionRequest(
  rules: PromotionRules,
  image: Pick<ImageConfig, "addressed" | "lane">,
  release: ExistingRelease,
  holding: readonly string[],
): VerifyRequest {
  const isBase = image.addressed !== undefined;
  const hasStatement = !isBase && release.version !== undefined;
  const predicates = hasStatement
    ? rules.predicates
    : rules.predicates.filter((rule) => rule !== "statement");
  const asksForStatement = rules.predicates.includes("statement");
  return {
    repositories: holding,
    digest: release.digest,
    rules: {
      ...rules,
      predicates,
      platforms: [...new Set([...release.platforms, ...rules.platforms])].sort(),
      ...(asksForStatement && !isBase ? { revision: release.revision } : {}),
      ...(asksForStatement && hasStatement
        ? { image: release.name, version: release.version, lane: image.lane ?? "" }
        : {}),
    },
  };
}

/** Fails closed: without a verdict nothing is promoted. @param remedy how it is released there */
export function promotionRefusals(verdicts: readonly Verdict[], remedy: string): Problem[] {
  if (verdicts.length === 0) {
    return [{ code: "verify-missing", path: "promote.verify", message: "nothing was there to be verified" }];
  }
  const hint = `Only what is verified is promoted: sign it where it is released (slipway:sign, then ${remedy}), or correct promote.verify.`;
  return verdicts
    .filter(({ verified }) => !verified)
    .flatMap(({ problems }) => problems.map((problem) => ({ hint, ...problem })));
}

/** Problems that the team's policy only warns of. */
export function promotionWarnings(verdicts: readonly Verdict[]): PolicyFinding[] {
  const rule = "deniedLicences" as const;
  return verdicts
    .flatMap(({ problems }) => problems)
    .map((problem) => ({ ...problem, rule, level: "warn" as const, setting: settingOf(rule) }));
}
