import type { Problem } from "../problem";

/**
 * - `off`: the rule does not hold.
 * - `warn`: what breaks it is shown in the plan, and released.
 * - `refuse`: nothing is written.
 */
export type PolicyLevel = "off" | "warn" | "refuse";

/** The rules of a team, each with how strictly it holds. `src/settings/` fills in the defaults. */
export interface PolicyConfig {
  /** What is promoted has to be verified: `promote.verify` is set. Default `warn`. */
  readonly unsignedPromotion: { readonly level: PolicyLevel };
  /** Nothing is taken on a registry's word alone (`sign: none`). Default `off`; `refuse` for a stack that promotes. */
  readonly unverifiedContent: { readonly level: PolicyLevel };
  /** A version is made from what is committed. Default `warn`. */
  readonly uncommittedVersion: { readonly level: PolicyLevel };
  /** Images that a Dockerfile takes are written with their digest. Default `off`: every plan pins them. */
  readonly floatingBase: AllowingRule;
  /** Images are built with provenance; where it is refused, the gate before a promotion asks for it. Default `warn`. */
  readonly missingProvenance: { readonly level: PolicyLevel };
  /** An image that should have an SBOM has one. Default `off`; `refuse` for a stack that promotes or requires git tags. */
  readonly missingSbom: { readonly level: PolicyLevel };
  /** Actions in the repository's workflows are named by their full commit. Default `warn`. */
  readonly unpinnedAction: AllowingRule;
  /** A pre-release moves no floating tag. Default `warn`: only `slipway:override` moves one. */
  readonly prereleaseOnFloatingTag: { readonly level: PolicyLevel };
  /** Platforms that every image has to have. Default `off`. */
  readonly requiredPlatforms: { readonly level: PolicyLevel; readonly platforms: readonly string[] };
  /** Licences that no package of an image's SBOM may have. Default `off`. */
  readonly deniedLicences: { readonly level: PolicyLevel } & LicenceRules;
}

export interface AllowingRule {
  readonly level: PolicyLevel;
  /** What is let through: exactly, or `/pattern/` for all of it. */
  readonly allow: readonly string[];
}

export interface LicenceRules {
  /** SPDX ids, exactly, or `/pattern/` for all of one. */
  readonly licences: readonly string[];
  /** What is done with a package whose licence the SBOM does not say, or by no SPDX id. Default `allow`. */
  readonly unknown: "allow" | "refuse";
}

export type PolicyRule = keyof PolicyConfig;

export const DEFAULT_POLICY: PolicyConfig = {
  unsignedPromotion: { level: "warn" },
  unverifiedContent: { level: "off" },
  uncommittedVersion: { level: "warn" },
  floatingBase: { level: "off", allow: [] },
  missingProvenance: { level: "warn" },
  missingSbom: { level: "off" },
  unpinnedAction: { level: "warn", allow: [] },
  prereleaseOnFloatingTag: { level: "warn" },
  requiredPlatforms: { level: "off", platforms: [] },
  deniedLicences: { level: "off", licences: [], unknown: "allow" },
};

export interface PolicyFinding extends Problem {
  readonly rule: PolicyRule;
  readonly level: "warn" | "refuse";
  /** Where the rule is turned on and off: `slipway:policy.floatingBase`. */
  readonly setting: string;
}

export type Breach = Required<Omit<Problem, "code">>;

/** What breaks a rule, as strictly as the team holds it; nothing where it is off. */
export function findings(
  policy: PolicyConfig,
  rule: PolicyRule,
  breaches: () => readonly Breach[],
): PolicyFinding[] {
  const { level } = policy[rule];
  if (level === "off") return [];
  const setting = settingOf(rule);
  // `policy-floating-base`
  const code = `policy-${rule.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  return breaches().map(({ hint, ...breach }) => ({
    ...breach,
    rule,
    level,
    setting,
    code,
    hint: `${hint} The rule is ${setting} (off, warn, refuse).`,
  }));
}

export function refusing(found: readonly PolicyFinding[]): Problem[] {
  return found
    .filter(({ level }) => level === "refuse")
    .map(({ code, path, message, hint }) => ({ code, path, message, hint }));
}

export function settingOf(rule: PolicyRule): string {
  return `slipway:policy.${rule}`;
}
