import { licenceBreaches } from "../plan/policy/licences";
import type { LicenceRules } from "../plan/policy/policy-config";
import type { Evidence } from "./evidence";
import { isPredicate } from "./predicates";
import { sbomPackages } from "./sbom";

/** A reason names so many packages. */
const NAMED = 5;

/**
 * What the SBOMs say against the licences of an image: those inside the signed index, one for each platform, and those
 * that were signed beside it. A platform without one is not proved.
 *
 * @returns messages; none where nothing is denied
 */
export function licenceMessages(rules: LicenceRules, { built, accepted, platforms }: Evidence): string[] {
  const inside = built.filter(({ predicateType }) => isPredicate("sbom", predicateType));
  const beside = accepted
    .filter(({ statement }) => isPredicate("sbom", statement.predicateType))
    .map(({ statement }) => sbomPackages(statement.predicate));
  const lacking = beside.some((packages) => packages !== undefined)
    ? []
    : platforms.filter(
        (platform) => !inside.some((entry) => entry.platform === platform && entry.packages !== undefined),
      );
  const packages = [...inside.map((entry) => entry.packages), ...beside].flatMap((list) => list ?? []);
  const { denied, unknown } = licenceBreaches(packages, rules);
  return [
    ...(lacking.length === 0
      ? []
      : [`has no SBOM that can be read for ${lacking.join(", ")}, so nobody knows its licences`]),
    ...(denied.length === 0 ? [] : [`has packages with a denied licence: ${shown(denied)}`]),
    ...(unknown.length === 0 ? [] : [`has packages whose licence the SBOM does not say: ${shown(unknown)}`]),
  ];
}

function shown(texts: readonly string[]): string {
  const rest = texts.length > NAMED ? ` and ${texts.length - NAMED} more` : "";
  return `${texts.slice(0, NAMED).join("; ")}${rest}`;
}
