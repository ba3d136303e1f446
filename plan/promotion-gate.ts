import type { ImageConfig } from "./config";
import type { ExistingRelease } from "./existing-release";
import type { Problem } from "./problem";
import type { PromotionRules, Verdict, VerifyRequest } from "./trust";

/**
 * What has to be proved of a release before it is promoted: the stack's rules, and that what was signed is this image
 * of this commit for these platforms. A base has no version, and so no statement that could say so.
 *
 * @param holding `host/path` of every repository that holds the digest
 */
export function promotionRequest(
  rules: PromotionRules,
  image: Pick<ImageConfig, "addressed">,
  release: ExistingRelease,
  holding: readonly string[],
): VerifyRequest {
  const isBase = image.addressed !== undefined;
  const predicates = isBase ? rules.predicates.filter((rule) => rule !== "statement") : rules.predicates;
  const isStated = predicates.includes("statement");
  return {
    repositories: holding,
    digest: release.digest,
    rules: {
      ...rules,
      predicates,
      platforms: [...new Set([...release.platforms, ...rules.platforms])].sort(),
      ...(isStated ? { image: release.name, revision: release.revision } : {}),
    },
  };
}

/** Fails closed: without a verdict nothing is promoted. @param remedy how it is released there */
export function promotionRefusals(verdicts: readonly Verdict[], remedy: string): Problem[] {
  if (verdicts.length === 0) {
    return [{ code: "verify-missing", path: "promote.verify", message: "nothing was there to be verified" }];
  }
  const hint = `Nothing is promoted that is not proved: sign it where it is released (slipway:sign, then ${remedy}), or correct promote.verify.`;
  return verdicts
    .filter(({ verified }) => !verified)
    .flatMap(({ problems }) => problems.map((problem) => ({ hint, ...problem })));
}
