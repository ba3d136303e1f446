import type { Problem } from "../problem";

/**
 * - `off`: the rule is not checked.
 * - `warn`: the plan shows what breaks it, and releases it.
 * - `refuse`: nothing is written.
 */
export type PolicyLevel = "off" | "warn" | "refuse";

interface Rule {
  readonly level: PolicyLevel;
}

interface AllowingRule extends Rule {
  /** Exceptions: exact texts, or `/pattern/` for the whole text. */
  readonly allow: readonly string[];
}

export interface LicenceRules {
  /** SPDX ids, or `/pattern/` for a whole id. */
  readonly licences: readonly string[];
  /** For a package whose licence is not in the SBOM, or is not an SPDX id. @default "allow" */
  readonly unknown: "allow" | "refuse";
}

/** The rules of a team, and how strictly each is applied. `src/settings/` fills in the defaults. */
export interface PolicyConfig {
  /** What is promoted has to be verified: `promote.verify` is set. Default `warn`. */
  readonly unsignedPromotion: Rule;
  /** A registry alone is not trusted (`sign: none`). Default `off`; `refuse` for a stack that promotes. */
  readonly unverifiedContent: Rule;
  /** A version is made from committed files only. Default `warn`. */
  readonly uncommittedVersion: Rule;
  /** Images in a Dockerfile are written with their digest. Default `off`, since every plan pins them. */
  readonly floatingBase: AllowingRule;
  /** Images are built with provenance. With `refuse`, the gate before a promotion requires it too. Default `warn`. */
  readonly missingProvenance: Rule;
  /** An image that should have an SBOM has one. Default `off`; `refuse` for a stack that promotes or requires git tags. */
  readonly missingSbom: Rule;
  /** Actions in the repository's workflows are named by their full commit. Default `warn`. */
  readonly unpinnedAction: AllowingRule;
  /** A pre-release moves no floating tag unless `slipway:override` names the tag. Default `warn`. */
  readonly prereleaseOnFloatingTag: Rule;
  /** Every image has these platforms. Default `off`. */
  readonly requiredPlatforms: Rule & { readonly platforms: readonly string[] };
  /** No package of an image's SBOM has one of these licences. Default `off`. */
  readonly deniedLicences: Rule & LicenceRules;
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
  /** The rule's setting: `slipway:policy.floatingBase`. */
  readonly setting: string;
}

export type Breach = Required<Omit<Problem, "code">>;

/** The breaches of a rule at the level that the team has set. */
export function findings(
  policy: PolicyConfig,
  rule: PolicyRule,
  breaches: () => readonly Breach[],
): PolicyFinding[] {
  const { level } = policy[rule];
  if (level === "off") return [];
  const setting = settingOf(rule);
  // floatingBase -> policy-floating-base
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
