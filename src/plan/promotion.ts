import type { Config, ImageConfig } from "./config";
import { shortDigest } from "./digest";
import { type ExistingRelease, isCalled, refOfVersion } from "./existing-release";
import { missingPlatforms } from "./image-index";
import { type ManifestImage, parseManifest, type ReleaseManifest } from "./manifest";
import { type PolicyConfig, type PolicyFinding, settingOf } from "./policy/policy-config";
import type { Problem } from "./problem";
import { isRecord } from "./record";
import type { FoundImage } from "./registry-state";
import type { PromotionRules, Verdict, VerifyRequest } from "./trust";

const SCHEMA = 1;

/** Reads another stack's manifest from its outputs. @param value undefined if the stack was never released */
export function readStackManifest(
  stack: string,
  value: unknown,
): { readonly manifest?: ReleaseManifest; readonly problems: readonly Problem[] } {
  const problem = (code: string, message: string, hint: string) => ({
    problems: [{ code, path: "promote.from", message, hint }],
  });
  const release = `Release it first: pulumi up --stack ${stack}`;
  if (value === undefined || value === null) {
    return problem("promotion-never-released", `the stack ${stack} was never released`, release);
  }
  const manifest = parseManifest(value);
  if (manifest !== undefined) return { manifest, problems: [] };
  const schema = isRecord(value) ? value.schema : undefined;
  if (typeof schema === "number" && schema > SCHEMA) {
    return problem(
      "promotion-newer-manifest",
      `the manifest of ${stack} has schema ${schema}, and this Slipway reads ${SCHEMA}`,
      "Use the same Slipway here as there.",
    );
  }
  return problem(
    "promotion-old-manifest",
    schema === SCHEMA
      ? `the manifest of ${stack} is damaged`
      : `the manifest of ${stack} has schema ${JSON.stringify(schema) ?? "none"}, which is older than ${SCHEMA}`,
    `Release it again with this Slipway (it rebuilds nothing): pulumi up --stack ${stack}`,
  );
}

export function manifestRelease(manifest: ReleaseManifest, image: ManifestImage): ExistingRelease {
  const { name, digest, version, contentKey, platforms } = image;
  return {
    name,
    digest,
    version,
    revision: image.revision ?? manifest.revision,
    ref: image.ref ?? refOfVersion(version),
    contentKey,
    platforms,
    repositories: image.repositories,
  };
}

export interface PromotionCheck {
  readonly release: ExistingRelease;
  /** The source, for messages: `stage`, `the statement of v1.2.3`. */
  readonly of: string;
  /** The command that releases it there: `pulumi up --stack stage`. */
  readonly remedy: string;
  readonly platforms: readonly string[];
  /** The requested version (`slipway:version`). */
  readonly asserted: string | undefined;
  readonly requireTag: boolean;
  /** `host/path` -> the image with the release's digest there. */
  readonly found: Readonly<Record<string, FoundImage | undefined>>;
  readonly problems: readonly Problem[];
}

/** Finds the repository that a release is promoted from, or why it cannot be promoted. */
export function checkPromotion(check: PromotionCheck): {
  readonly source?: string;
  readonly problems: readonly Problem[];
} {
  const { release, found, remedy } = check;
  const asserted = assertion(check) ?? [];
  const source = release.repositories.find((repository) => found[repository]?.digest === release.digest);
  if (source === undefined) {
    const gone: Problem = {
      code: "promotion-digest-gone",
      path: release.name,
      message: `${release.digest} is in none of ${release.repositories.join(", ")} any more`,
      hint: `It was cleaned up there; release it again: ${remedy}`,
    };
    return { problems: [asserted, check.problems.length > 0 ? check.problems : gone].flat() };
  }
  return { source, problems: [asserted, platformProblem(check, source) ?? []].flat() };
}

/** The promoted release has to be the requested version. */
function assertion({ release, of, asserted, requireTag, remedy }: PromotionCheck): Problem | undefined {
  if (asserted !== undefined && !isCalled(release, asserted)) {
    return {
      code: "promotion-other-version",
      path: "version",
      message: `${asserted} is asked for, but ${of} has ${release.name} ${release.version ?? "without a version"}`,
      hint: `Release ${asserted} there first (${remedy}), or ask for ${release.version ?? "no version"}.`,
    };
  }
  if (!requireTag || release.version !== undefined) return undefined;
  return {
    code: "promotion-without-version",
    path: "requireTag",
    message: `a tag is required, but ${of} has ${release.name} without a version (commit ${release.revision.slice(0, 12)})`,
    hint: `Tag the commit and release it there first: git tag v1.2.3, ${remedy}`,
  };
}

function platformProblem(
  { release, found, platforms, remedy }: PromotionCheck,
  source: string,
): Problem | undefined {
  const offered = found[source]?.platforms ?? [];
  const required = [...new Set([...release.platforms, ...platforms])].sort();
  const missing = missingPlatforms(offered, required);
  if (missing.length === 0) return undefined;
  return {
    code: "promotion-platform-missing",
    path: release.name,
    message:
      `${source}@${shortDigest(release.digest)} lacks ${missing.join(", ")} ` +
      `(it has ${offered.join(", ") || "no platform"})`,
    hint: `Release it there for these platforms (images[].platforms, ${remedy}), or ask for fewer here.`,
  };
}

/** The rules for what a stack promotes: `promote.verify`, and those of its policy that only the gate can check. */
export function gateRules(verify: PromotionRules, policy: PolicyConfig): PromotionRules {
  const { missingProvenance, deniedLicences } = policy;
  const { level, ...licences } = deniedLicences;
  const isAsked = missingProvenance.level === "refuse" && !verify.predicates.includes("provenance");
  return {
    ...verify,
    predicates: isAsked ? [...verify.predicates, "provenance"] : verify.predicates,
    licences: level === "refuse" ? licences : verify.licences,
  };
}

/** The default of `promote.verify`: the stack's own signer, or one that `sign.trusted` names. */
const BY_THE_STACK: PromotionRules = {
  signer: { kind: "stack" },
  predicates: ["signature", "statement"],
  platforms: [],
};

/** The rules that content has to pass before it is promoted; undefined if nothing is signed and no rule is set. */
export function promotionGate({
  promote,
  sign,
  policy,
}: Pick<Config, "promote" | "sign" | "policy">): PromotionRules | undefined {
  const verify = promote?.verify ?? (sign.mode === "none" ? undefined : BY_THE_STACK);
  return verify === undefined ? undefined : gateRules(verify, policy);
}

/** The signer whose claims and statements a promotion trusts; undefined for the stack's own signers. */
export function promotionSigner(
  config: Pick<Config, "promote" | "sign" | "policy">,
): PromotionRules["signer"] | undefined {
  return config.promote === undefined ? undefined : promotionGate(config)?.signer;
}

/** The rules that only warn, to be checked once the gate has passed; undefined for none. */
export function advisoryRules(rules: PromotionRules, policy: PolicyConfig): PromotionRules | undefined {
  const { level, ...licences } = policy.deniedLicences;
  return level === "warn" ? { ...rules, licences } : undefined;
}

/**
 * What has to be verified before a release is promoted: the stack's rules, and that this image of this commit for these
 * platforms was signed. A release without a version has no statement with its commit, so the signed index has to name it.
 * A base may be from an earlier commit.
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
      revision: asksForStatement && !isBase ? release.revision : undefined,
      ...(asksForStatement && hasStatement
        ? { image: release.name, version: release.version, lane: image.lane ?? "" }
        : undefined),
    },
  };
}

/** Fails closed: without a verdict, nothing is promoted. @param remedy the command that releases it at the source */
export function promotionRefusals(verdicts: readonly Verdict[], remedy: string): Problem[] {
  if (verdicts.length === 0) {
    return [{ code: "verify-missing", path: "promote.verify", message: "there was nothing to verify" }];
  }
  const hint = `Only what is verified is promoted: sign it where it is released (slipway:sign, then ${remedy}), or correct promote.verify.`;
  return verdicts
    .filter(({ verified }) => !verified)
    .flatMap(({ problems }) => problems.map((problem) => ({ hint, ...problem })));
}

/** Problems for which the team's policy has the level `warn`. */
export function promotionWarnings(verdicts: readonly Verdict[]): PolicyFinding[] {
  const rule = "deniedLicences" as const;
  return verdicts
    .flatMap(({ problems }) => problems)
    .map((problem) => ({ ...problem, rule, level: "warn" as const, setting: settingOf(rule) }));
}
