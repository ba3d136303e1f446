import { IN_TOTO_MEDIA_TYPE } from "../plan/annotations";
import type { Digest } from "../plan/digest";
import { detachedDigests, platformText } from "../plan/image-index";
import type { SbomPackage } from "../plan/policy/licences";
import { isRecord } from "../plan/record";
import type { RegistryClient } from "../registry/client";
import { type Descriptor, type IndexJson, isManifest, type ManifestJson } from "../registry/manifests";
import { isPredicate, parseInToto } from "./in-toto";

/** What verification needs of a registry client. */
export type ReadingClient = Pick<RegistryClient, "getManifest" | "referrers" | "getBlob">;

export interface ReadingPlace {
  readonly client: ReadingClient;
  readonly repository: string;
}

/** No build has more; a larger number would only keep the verifier busy. */
const MOST_STATEMENTS = 200;
/** An SBOM of a large image has some MiB. Larger statements are ignored. */
const STATEMENT_LIMIT = 32 * 1024 * 1024;

/** BuildKit's statement about one platform's image, inside the index or attached to it. */
export interface BuildStatement {
  readonly platform: string;
  readonly predicateType: string;
  /** Of provenance; empty for a builder without a name. */
  readonly builder?: string;
  /** Of an SBOM; absent if it cannot be read. */
  readonly packages?: readonly SbomPackage[];
  readonly finishedAt?: Date;
}

/**
 * The statements of a build: in the index, as attestation manifests that an annotation assigns to a platform, or attached
 * as referrers whose digests the index names. Ignores statements about another manifest, and referrers that the index
 * does not name, since anyone with push rights can add those.
 *
 * @see https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md
 */
export async function readBuildStatements(at: ReadingPlace, index: IndexJson): Promise<BuildStatement[]> {
  const read = async (digest: Digest, named?: string): Promise<BuildStatement[]> => {
    const manifest = await at.client.getManifest(at.repository, digest);
    if (manifest === undefined || !isManifest(manifest.json)) return [];
    const about = named ?? manifest.json.subject?.digest;
    const platform = index.manifests.find((entry) => entry.digest === about)?.platform;
    if (about === undefined || platform === undefined) return [];
    return readLayers(at, manifest.json, about, platformText(platform));
  };
  // Read by digest, whether or not the registry lists them.
  const detached = detachedDigests(index.annotations).slice(0, MOST_STATEMENTS);
  const inIndex = index.manifests.filter(subjectOf).slice(0, MOST_STATEMENTS);
  const found = await Promise.all([
    ...detached.map((digest) => read(digest)),
    ...inIndex.map((entry) => read(entry.digest, subjectOf(entry))),
  ]);
  return found.flat();
}

function subjectOf({ annotations }: Descriptor): string | undefined {
  return annotations?.["vnd.docker.reference.type"] === "attestation-manifest"
    ? annotations["vnd.docker.reference.digest"]
    : undefined;
}

async function readLayers(
  { client, repository }: ReadingPlace,
  manifest: ManifestJson,
  about: string,
  platform: string,
): Promise<BuildStatement[]> {
  const layers = manifest.layers.filter(
    ({ mediaType, size }) => mediaType === IN_TOTO_MEDIA_TYPE && size <= STATEMENT_LIMIT,
  );
  const statements = await Promise.all(
    layers.map(async (layer) => {
      const bytes = await client.getBlob(repository, layer.digest, layer.size);
      const statement = bytes === undefined ? undefined : parseInToto(bytes);
      if (statement === undefined || !statement.subjects.some((subject) => subject === about)) return [];
      const { predicateType, predicate } = statement;
      return [
        {
          platform,
          predicateType,
          ...(isPredicate("provenance", predicateType) ? provenanceFacts(predicate) : {}),
          packages: isPredicate("sbom", predicateType) ? sbomPackages(predicate) : undefined,
        },
      ];
    }),
  );
  return statements.flat();
}

/** From SLSA provenance 0.2 or 1. */
export function provenanceFacts(predicate: unknown): Pick<BuildStatement, "builder" | "finishedAt"> {
  const old = isRecord(predicate) ? predicate : {};
  const run = isRecord(old.runDetails) ? old.runDetails : {};
  const builder = [run.builder, old.builder].find(isRecord)?.id;
  const metadata = [run.metadata, old.metadata].find(isRecord);
  const end = metadata?.finishedOn ?? metadata?.buildFinishedOn;
  const finished = new Date(typeof end === "string" ? end : "");
  return {
    builder: typeof builder === "string" ? builder : undefined,
    finishedAt: Number.isNaN(finished.getTime()) ? undefined : finished,
  };
}

/**
 * The packages of an SBOM (SPDX 2 or CycloneDX) with their licences; undefined for another document. Includes the image
 * that the document describes only if its licence is stated.
 */
export function sbomPackages(predicate: unknown): SbomPackage[] | undefined {
  if (!isRecord(predicate)) return undefined;
  if (typeof predicate.spdxVersion === "string")
    return isList(predicate.packages) ? spdxPackages(predicate) : undefined;
  if (predicate.bomFormat === "CycloneDX")
    return isList(predicate.components) ? cycloneDxComponents(predicate) : undefined;
  return undefined;
}

/** Both formats may leave the list out. */
function isList(value: unknown): boolean {
  return value === undefined || Array.isArray(value);
}

/** A document that describes exactly one package describes the image. */
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

/** The licence that a reviewer concluded, else the one that the package declares. */
function spdxLicence({ licenseConcluded, licenseDeclared }: Readonly<Record<string, unknown>>): unknown {
  const isStated = (licence: unknown) =>
    typeof licence === "string" && !/^(?:NOASSERTION|NONE|)$/.test(licence);
  return [licenseConcluded, licenseDeclared].find(isStated);
}

/** Components in the order of the document, each before its inner ones. */
function cycloneDxComponents(document: Readonly<Record<string, unknown>>): SbomPackage[] {
  const image = isRecord(document.metadata) ? document.metadata.component : undefined;
  // Not recursive: a hostile document could nest deeper than the call stack.
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

/** Several licences of one component all apply: the format states a choice as an expression. */
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
    version: typeof version === "string" && version !== "" ? version : undefined,
    licence: typeof licence === "string" ? licence : undefined,
  };
}

function records(value: unknown): Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
