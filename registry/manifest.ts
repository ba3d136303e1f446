import { createHash } from "node:crypto";
import { type Digest, isDigest } from "../plan/digest";
import { isRecord } from "../plan/record";

/**
 * The shapes that a registry stores: descriptors, manifests and indexes.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md
 */

export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const OCI_EMPTY = "application/vnd.oci.empty.v1+json";
const DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";

/** Every kind of manifest that is asked for, the preferred ones first. */
export const MANIFEST_TYPES = [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST] as const;

/** The largest manifest that is read or written, as the distribution specification suggests: 4 MiB. */
export const MANIFEST_LIMIT = 4 * 1024 * 1024;

/** The most entries of one index, or referrers of one digest, that are read. Real ones have some tens. */
export const MOST_ENTRIES = 2_000;

export const TOO_MANY_HINT =
  "Anyone who may push there can attach referrers: delete those that no release made, then run the same again.";

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly artifactType?: string;
  /** Content of at most a few bytes, in base64, for those who need not ask for it. */
  readonly data?: string;
  readonly urls?: readonly string[];
}

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly "os.version"?: string;
  readonly "os.features"?: readonly string[];
}

/** An OCI image index or a Docker manifest list. */
export interface IndexJson {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An OCI image manifest or a Docker schema 2 manifest. */
export interface ManifestJson {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

export function isDescriptor(value: unknown): value is Descriptor {
  return (
    isRecord(value) &&
    isMediaType(value.mediaType) &&
    isDigest(value.digest) &&
    typeof value.size === "number" &&
    Number.isSafeInteger(value.size) &&
    value.size >= 0 &&
    isAbsentOr(value.platform, isPlatform) &&
    isAbsentOr(value.annotations, isTexts) &&
    isAbsentOr(value.artifactType, isMediaType) &&
    isAbsentOr(value.data, isText) &&
    isAbsentOr(value.urls, (urls) => Array.isArray(urls) && urls.every(isText))
  );
}

/** Whether the fields that are read are plain words, since they go into logs. */
function isPlatform(value: unknown): boolean {
  return isRecord(value) && [value.os, value.architecture, value.variant ?? ""].every(isPlatformWord);
}

export function isPlatformWord(value: unknown): value is string {
  return typeof value === "string" && /^[\w.+-]{0,64}$/.test(value);
}

/** Printable, since it goes into logs. */
export function isMediaType(value: unknown): value is string {
  return typeof value === "string" && /^[\x20-\x7e]{0,255}$/.test(value);
}

function isTexts(value: unknown): boolean {
  return isRecord(value) && Object.values(value).every(isText);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isAbsentOr(value: unknown, isValid: (value: unknown) => boolean): boolean {
  return value === undefined || isValid(value);
}

function hasValidRest(value: Readonly<Record<string, unknown>>): boolean {
  return (
    value.schemaVersion === 2 &&
    isAbsentOr(value.subject, isDescriptor) &&
    isAbsentOr(value.annotations, isTexts) &&
    isAbsentOr(value.artifactType, isMediaType)
  );
}

/** Content that could also be read as a manifest is neither. @see https://nvd.nist.gov/vuln/detail/CVE-2021-41190 */
export function isIndex(value: unknown): value is IndexJson {
  return (
    isRecord(value) &&
    Array.isArray(value.manifests) &&
    value.manifests.every(isDescriptor) &&
    value.config === undefined &&
    value.layers === undefined &&
    isAbsentOr(value.mediaType, (type) => isText(type) && isIndexType(type)) &&
    hasValidRest(value)
  );
}

export function isManifest(value: unknown): value is ManifestJson {
  return (
    isRecord(value) &&
    isDescriptor(value.config) &&
    Array.isArray(value.layers) &&
    value.layers.every(isDescriptor) &&
    value.manifests === undefined &&
    isAbsentOr(value.mediaType, (type) => isText(type) && isManifestType(type)) &&
    hasValidRest(value)
  );
}

export function isIndexType(mediaType: string): boolean {
  return mediaType === OCI_INDEX || mediaType === DOCKER_LIST;
}

export function isManifestType(mediaType: string): boolean {
  return mediaType === OCI_MANIFEST || mediaType === DOCKER_MANIFEST;
}

/** `linux/arm64/v8`: os, architecture and, where there is one, variant. */
export function platformText(platform: Platform): string {
  return [platform.os, platform.architecture, platform.variant].filter(Boolean).join("/");
}

/** Whether an index's entry is BuildKit's attestation manifest, which is no platform that could run. */
function isAttestation(entry: Descriptor): boolean {
  return (
    entry.annotations?.["vnd.docker.reference.type"] === "attestation-manifest" ||
    (entry.platform?.os === "unknown" && entry.platform.architecture === "unknown")
  );
}

/** The platforms that an index offers, sorted, without attestation manifests. */
export function platforms(index: IndexJson): string[] {
  const found = index.manifests.flatMap((entry) =>
    entry.platform === undefined || isAttestation(entry) ? [] : [platformText(entry.platform)],
  );
  return [...new Set(found)].sort();
}

export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
