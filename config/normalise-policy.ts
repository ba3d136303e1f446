import { DEFAULT_POLICY, type PolicyConfig, type PolicyLevel } from "../plan/policy/policy-config";
import type { CheckedConfig } from "./schema";

type CheckedPolicy = NonNullable<CheckedConfig["policy"]>;

/** One form for rules that may be written as their level alone. */
export function normalisePolicy(written: CheckedPolicy | undefined): PolicyConfig {
  if (written === undefined) return DEFAULT_POLICY;
  const { unsignedPromotion, missingProvenance, prereleaseOnFloatingTag } = written;
  const { requiredPlatforms, deniedLicences } = written;
  return {
    unsignedPromotion: { level: unsignedPromotion },
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
