import { DEFAULT_POLICY, type PolicyConfig, type PolicyLevel } from "../plan/policy/policy-config";
import type { CheckedConfig } from "./schema";

type CheckedPolicy = NonNullable<CheckedConfig["policy"]>;

/** One form for rules that may be written as their level alone. */
export function normalisePolicy(
  written: CheckedPolicy | undefined,
  stack: { readonly promotes: boolean },
): PolicyConfig {
  const unverifiedContent = {
    level: written?.unverifiedContent ?? (stack.promotes ? "refuse" : DEFAULT_POLICY.unverifiedContent.level),
  };
  if (written === undefined) return { ...DEFAULT_POLICY, unverifiedContent };
  const { unsignedPromotion, missingProvenance, prereleaseOnFloatingTag } = written;
  const { requiredPlatforms, deniedLicences } = written;
  return {
    unsignedPromotion: { level: unsignedPromotion },
    unverifiedContent,
    uncommittedVersion: { level: written.uncommittedVersion },
    floatingBase: allowing(written.floatingBase),
    missingProvenance: { level: missingProvenance },
    unpinnedAction: allowing(written.unpinnedAction),
    prereleaseOnFloatingTag: { level: prereleaseOnFloatingTag },
    requiredPlatforms: requiredPlatforms === "off" ? DEFAULT_POLICY.requiredPlatforms : requiredPlatforms,
    deniedLicences: deniedLicences === "off" ? DEFAULT_POLICY.deniedLicences : deniedLicences,
  };
}

function allowing(
  written: PolicyLevel | { level: PolicyLevel; allow: string[] },
): PolicyConfig["floatingBase"] {
  return typeof written === "string" ? { level: written, allow: [] } : written;
}
