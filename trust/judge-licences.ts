import { licenceBreaches } from "../plan/policy/licences";
import type { LicenceRules } from "../plan/policy/policy-config";
import type { Evidence } from "./evidence";
import { isPredicate } from "./predicates";
import { sbomPackages } from "./sbom";

/** A reason names so many packages. */
const NAMED = 5;

/**
 * What the SBOMs say against the licences of an image: those inside the signed index, one for each platform, and those
 * that were signed beside it. A platform without one is not verified, nor one whose SBOM lists nothing where a licence
 * that is not stated is refused.
 *
 * @returns messages; none where nothing is denied
 */
export function licenceMessages(rules: LicenceRules, { built, accepted, platforms }: Evidence): string[] {
  const inside = built.filter(({ predicateType }) => isPredicate("sbom", predicateType));
  const beside = accepted
    .filter(({ statement }) => isPredicate("sbom", statement.predicateType))
    .map(({ statement }) => sbomPackages(statement.predicate));
  const listsOf = (platform: string) =>
    [
      ...inside.filter((entry) => entry.platform === platform).map((entry) => entry.packages),
      ...beside,
    ].filter((list) => list !== undefined);
  const lacking = platforms.filter((platform) => listsOf(platform).length === 0);
  const empty =
    rules.unknown === "refuse"
      ? platforms.filter(
          (platform) => !lacking.includes(platform) && listsOf(platform).every((list) => list.length === 0),
        )
      : [];
  const packages = [...inside.map((entry) => entry.packages), ...beside].flatMap((list) => list ?? []);
  const { denied, unknown } = licenceBreaches(packages, rules);
  return [
    ...(lacking.length === 0
      ? []
      : [`has no SBOM that can be read for ${lacking.join(", ")}, so nobody knows its licences`]),
    ...(empty.length === 0
      ? []
      : [`has an SBOM that lists no package for ${empty.join(", ")}, so nobody knows its licences`]),
    ...(denied.length === 0 ? [] : [`has packages with a denied licence: ${shown(denied)}`]),
    ...(unknown.length === 0
      ? []
      : [`has packages whose licence the SBOM does not say, or by no SPDX id: ${shown(unknown)}`]),
  ];
}

function shown(texts: readonly string[]): string {
  const rest = texts.length > NAMED ? ` and ${texts.length - NAMED} more` : "";
  return `${texts.slice(0, NAMED).join("; ")}${rest}`;
}
