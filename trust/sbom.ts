import type { SbomPackage } from "../plan/policy/licences";
import { isRecord } from "../plan/record";

/**
 * The packages of an SBOM, SPDX 2 or CycloneDX, with their licences. What the document is about itself (the image) is
 * one of them only where its licence is stated. Undefined where it is neither.
 */
export function sbomPackages(predicate: unknown): SbomPackage[] | undefined {
  if (!isRecord(predicate)) return undefined;
  if (typeof predicate.spdxVersion === "string")
    return isList(predicate.packages) ? spdxPackages(predicate) : undefined;
  if (predicate.bomFormat === "CycloneDX")
    return isList(predicate.components) ? cycloneDxComponents(predicate) : undefined;
  return undefined;
}

/** Both formats may leave the list out; what stands there instead of one is nothing that anybody has read. */
function isList(value: unknown): boolean {
  return value === undefined || Array.isArray(value);
}

/** An image's document describes one package, the image; one that describes several is a list of packages. */
function spdxPackages(document: Readonly<Record<string, unknown>>): SbomPackage[] {
  const described = new Set(
    records(document.relationships)
      .filter(({ relationshipType }) => relationshipType === "DESCRIBES")
      .map(({ relatedSpdxElement }) => relatedSpdxElement),
  );
  return records(document.packages).flatMap((entry) => {
    const licence = spdxLicence(entry);
    const isImage = described.size === 1 && described.has(entry.SPDXID);
    return isImage && licence === undefined ? [] : [aPackage(entry.name, entry.versionInfo, licence)];
  });
}

/** What a reviewer concluded, else what the package declares. */
function spdxLicence({ licenseConcluded, licenseDeclared }: Readonly<Record<string, unknown>>): unknown {
  const says = (licence: unknown) => typeof licence === "string" && !/^(?:NOASSERTION|NONE|)$/.test(licence);
  return [licenseConcluded, licenseDeclared].find(says);
}

/** Components in the order of the document, each before those within it. */
function cycloneDxComponents(document: Readonly<Record<string, unknown>>): SbomPackage[] {
  const image = isRecord(document.metadata) ? document.metadata.component : undefined;
  // A stack of its own, so that a document that nests without end costs its length and no more.
  const waiting = [...records([image]), ...records(document.components)].reverse();
  const found: SbomPackage[] = [];
  for (let component = waiting.pop(); component !== undefined; component = waiting.pop()) {
    const licence = cycloneDxLicence(component);
    if (component !== image || licence !== undefined)
      found.push(aPackage(component.name, component.version, licence));
    for (const inner of records(component.components).reverse()) waiting.push(inner);
  }
  return found;
}

/** Several licences of one component all apply, since no choice between them is stated. */
function cycloneDxLicence(component: Readonly<Record<string, unknown>>): string | undefined {
  const licences = records(component.licenses).flatMap(({ expression, license }) => {
    const named = isRecord(license) ? (license.id ?? license.name) : undefined;
    const text = expression ?? named;
    return typeof text === "string" ? [text] : [];
  });
  return licences.length > 1 ? licences.map((text) => `(${text})`).join(" AND ") : licences[0];
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
