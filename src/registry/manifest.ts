import { z } from "zod";
import { type Digest, isDigest } from "../plan/digest";
import { isAttestation, platformText } from "../plan/image-index";

/** What a registry stores. @see https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md */

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

const text = z.string();
/** Printable, since it is logged. */
const mediaTypeSchema = text.regex(/^[\x20-\x7e]{0,255}$/);
/** A plain word, since it is logged. */
const platformWord = text.regex(/^[\w.+-]{0,64}$/);
const annotationsSchema = z.record(text, text);

const platformSchema = z.object({
  os: platformWord,
  architecture: platformWord,
  variant: platformWord.optional(),
});

const descriptorSchema = z.object({
  mediaType: mediaTypeSchema,
  digest: z.custom<Digest>(isDigest),
  size: z.int().min(0),
  platform: platformSchema.optional(),
  annotations: annotationsSchema.optional(),
  artifactType: mediaTypeSchema.optional(),
  /** The content itself in base64, where it has only a few bytes. */
  data: text.optional(),
  urls: z.array(text).readonly().optional(),
});

const common = {
  schemaVersion: z.literal(2),
  artifactType: mediaTypeSchema.optional(),
  subject: descriptorSchema.optional(),
  annotations: annotationsSchema.optional(),
};

// Content that could be read as an index and as a manifest is neither.
// See https://nvd.nist.gov/vuln/detail/CVE-2021-41190
const indexSchema = z.object({
  ...common,
  mediaType: text.refine(isIndexType).optional(),
  manifests: z.array(descriptorSchema).readonly(),
  config: z.undefined().optional(),
  layers: z.undefined().optional(),
});

const manifestSchema = z.object({
  ...common,
  mediaType: text.refine(isManifestType).optional(),
  config: descriptorSchema,
  layers: z.array(descriptorSchema).readonly(),
  manifests: z.undefined().optional(),
});

/** What one piece of content is: its type, its digest and its size in bytes. */
export type Descriptor = z.output<typeof descriptorSchema>;

/** An OCI image index or a Docker manifest list. */
export type IndexJson = z.output<typeof indexSchema>;

/** An OCI image manifest or a Docker schema 2 manifest. */
export type ManifestJson = z.output<typeof manifestSchema>;

export function isDescriptor(value: unknown): value is Descriptor {
  return descriptorSchema.safeParse(value).success;
}

export function isPlatformWord(value: unknown): value is string {
  return platformWord.safeParse(value).success;
}

export function isMediaType(value: unknown): value is string {
  return mediaTypeSchema.safeParse(value).success;
}

export function isIndex(value: unknown): value is IndexJson {
  return indexSchema.safeParse(value).success;
}

export function isManifest(value: unknown): value is ManifestJson {
  return manifestSchema.safeParse(value).success;
}

export function isIndexType(mediaType: string): boolean {
  return mediaType === OCI_INDEX || mediaType === DOCKER_LIST;
}

export function isManifestType(mediaType: string): boolean {
  return mediaType === OCI_MANIFEST || mediaType === DOCKER_MANIFEST;
}

/** The platforms that an index offers, sorted, without attestation manifests. */
export function platforms(index: IndexJson): string[] {
  const found = index.manifests.flatMap((entry) =>
    entry.platform === undefined || isAttestation(entry) ? [] : [platformText(entry.platform)],
  );
  return [...new Set(found)].sort();
}

/** JSON in UTF-8; undefined for anything else. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
