import type { SbomPackage } from "../plan/policy/licences";
import { isRecord } from "../plan/record";

/**
 * The packages of an SBOM, SPDX 2 or CycloneDX, with their licences. What the document is about itself (the image) is
 * none of them. Undefined where it is neither.
 */
export function sbomPackages(predicate: unknown): SbomPackage[] | undefined {
  if (!isRecord(predicate)) return undefined;
  if (typeof predicate.spdxVersion === "string") return spdxPackages(predicate);
  if (predicate.bomFormat === "CycloneDX") return cycloneDxComponents(predicate);
  return undefined;
}

function spdxPackages(document: Readonly<Record<string, unknown>>): SbomPackage[] {
  const described = new Set(
    records(document.relationships)
      .filter(({ relationshipType }) => relationshipType === "DESCRIBES")
      .map(({ relatedSpdxElement }) => relatedSpdxElement),
  );
  return records(document.packages)
    .filter(({ SPDXID }) => !described.has(SPDXID))
    .map((entry) => aPackage(entry.name, entry.versionInfo, spdxLicence(entry)));
}

/** What a reviewer concluded, else what the package declares. */
function spdxLicence({ licenseConcluded, licenseDeclared }: Readonly<Record<string, unknown>>): unknown {
  const says = (licence: unknown) => typeof licence === "string" && !/^(?:NOASSERTION|NONE|)$/.test(licence);
  return [licenseConcluded, licenseDeclared].find(says);
}

/** Several licences of one component hold together: nobody says that one may choose. */
function cycloneDxComponents(document: Readonly<Record<string, unknown>>): SbomPackage[] {
  return records(document.components).map((component) => {
    const licences = records(component.licenses).flatMap(({ expression, license }) => {
      const named = isRecord(license) ? (license.id ?? license.name) : undefined;
      const text = expression ?? named;
      return typeof text === "string" ? [text] : [];
    });
    const together = licences.length > 1 ? licences.map((text) => `(${text})`).join(" AND ") : licences[0];
    return aPackage(component.name, component.version, together);
  });
}

function aPackage(name: unknown, version: unknown, licence: unknown): SbomPackage {
  return {
    name: typeof name === "string" ? name : "a package without a name",
    ...(typeof version === "string" && version !== "" ? { version } : {}),
    ...(typeof licence === "string" ? { licence } : {}),
  };
}

function records(value: unknown): Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
