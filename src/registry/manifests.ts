import { z } from "zod";
import { type Digest, digestOf, isDigest } from "../plan/digest";
import { isAttestation, platformText } from "../plan/image-index";
import { isRecord } from "../plan/record";
import { TAG_PATTERN } from "../plan/reference";
import { deleteScope, pullScope, pushScope } from "./auth";
import type { Answer } from "./http";
import type { Call, RepositoryApi } from "./transport";

/** Manifests and indexes, their tags and their referrers: their shapes, and the calls that read and write them. */

export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const OCI_EMPTY = "application/vnd.oci.empty.v1+json";
const DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";

const ACCEPT = [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST].join(", ");

/** The largest manifest that is read: what the distribution specification suggests. */
const MANIFEST_LIMIT = 4 * 1024 * 1024;

/** The most entries of one index, or referrers of one digest. Real ones have some tens. */
export const MOST_ENTRIES = 2_000;

export const TOO_MANY_HINT =
  "Anyone with push rights can attach referrers: delete those that no release made, then run the same command again.";

const text = z.string();
/** Limited to printable characters, since it is logged. */
const mediaTypeSchema = text.regex(/^[\x20-\x7e]{0,255}$/);
/** Limited to plain words, since it is logged. */
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
  /** The content itself in base64. */
  data: text.optional(),
  urls: z.array(text).readonly().optional(),
});

const common = {
  schemaVersion: z.literal(2),
  artifactType: mediaTypeSchema.optional(),
  subject: descriptorSchema.optional(),
  annotations: annotationsSchema.optional(),
};

// Content that fits both shapes is rejected as ambiguous: https://nvd.nist.gov/vuln/detail/CVE-2021-41190
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

/** @see https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md */
export type Descriptor = z.output<typeof descriptorSchema>;

/** An OCI image index or a Docker manifest list. */
export type IndexJson = z.output<typeof indexSchema>;

/** An OCI image manifest or a Docker schema 2 manifest. */
export type ManifestJson = z.output<typeof manifestSchema>;

export function isPlatformWord(value: unknown): value is string {
  return platformWord.safeParse(value).success;
}

function isMediaType(value: unknown): value is string {
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

export interface FetchedManifest {
  readonly descriptor: Descriptor;
  /** Exactly as the registry has them, so that a copy keeps the digest. */
  readonly bytes: Uint8Array;
  /** Narrow it by `isIndex` or `isManifest`. */
  readonly json: unknown;
}

export interface PushedManifest {
  readonly descriptor: Descriptor;
  /** The registry answered `OCI-Subject`: it lists the manifest as a referrer. */
  readonly subjectListed: boolean;
}

function reading(repository: string, reference: string, method: "GET" | "HEAD"): Call {
  return {
    method,
    target: `/v2/${repository}/manifests/${reference}`,
    repository,
    scopes: [pullScope(repository)],
    headers: { accept: ACCEPT },
    expect: [200, 404],
  };
}

export async function head({ transport, repository }: RepositoryApi, reference: string) {
  const found = await transport.call(reading(repository, reference, "HEAD"), (answer) => {
    if (answer.status === 404) return undefined;
    const digest = answer.header("docker-content-digest");
    const { length: size, mediaType } = answer;
    if (!isDigest(digest) || size === undefined || mediaType === undefined) return "incomplete" as const;
    if (isDigest(reference) && digest !== reference) throw transport.mismatch(answer, reference, digest);
    return { mediaType, digest, size };
  });
  if (found !== "incomplete") return found;
  return (await get({ transport, repository }, reference))?.descriptor;
}

export function get({ transport, repository }: RepositoryApi, reference: string) {
  return transport.call(reading(repository, reference, "GET"), async (answer) => {
    if (answer.status === 404) return undefined;
    const bytes = await answer.bytes(MANIFEST_LIMIT);
    const digest = digestOf(bytes);
    const expected = [reference, answer.header("docker-content-digest")].find(isDigest);
    if (expected !== undefined && digest !== expected) throw transport.mismatch(answer, expected, digest);
    const json = answer.parse(bytes);
    // The type in the manifest takes precedence over the header's, because the digest covers it.
    const own = isRecord(json) && isMediaType(json.mediaType) ? json.mediaType : "";
    const mediaType = own || (answer.mediaType ?? "application/octet-stream");
    checkShape(answer, json, mediaType);
    return { descriptor: { mediaType, digest, size: bytes.length }, bytes, json };
  });
}

function checkShape(answer: Answer, json: unknown, mediaType: string): void {
  if (isIndexType(mediaType) && !isIndex(json)) throw answer.bad("an index that is not valid");
  if (isManifestType(mediaType) && !isManifest(json)) throw answer.bad("a manifest that is not valid");
  if (isIndex(json) && json.manifests.length > MOST_ENTRIES)
    throw answer.bad(
      `an index of ${json.manifests.length} entries; at most ${MOST_ENTRIES} are read`,
      TOO_MANY_HINT,
    );
}

export function put(
  { transport, repository }: RepositoryApi,
  reference: string,
  bytes: Uint8Array,
  mediaType: string,
) {
  const digest = digestOf(bytes);
  const call: Call = {
    method: "PUT",
    target: `/v2/${repository}/manifests/${reference}`,
    repository,
    scopes: [pushScope(repository)],
    headers: { "content-type": mediaType },
    body: bytes,
    // The specification says 201; some registries answer 200 or 202.
    expect: [200, 201, 202],
  };
  return transport.call(call, (answer) => {
    const answered = answer.header("docker-content-digest");
    const wrong = [isDigest(reference) ? reference : digest, answered ?? digest].find(
      (other) => other !== digest,
    );
    if (wrong !== undefined) throw transport.mismatch(answer, digest, wrong);
    return {
      descriptor: { mediaType, digest, size: bytes.length },
      subjectListed: answer.header("oci-subject") !== undefined,
    };
  });
}

export function remove({ transport, repository }: RepositoryApi, reference: string) {
  const call: Call = {
    method: "DELETE",
    target: `/v2/${repository}/manifests/${reference}`,
    repository,
    scopes: [deleteScope(repository)],
    expect: [200, 202, 204, 404],
  };
  return transport.call(call, ({ status }) => status !== 404);
}

/** Tags of one page. Registries may answer fewer. */
const PAGE = 1_000;
const PAGE_LIMIT = 8 * 1024 * 1024;
/** Ten times as many as the largest repositories have. */
const MOST_TAGS = 500_000;

export async function listTags({ transport, repository }: RepositoryApi) {
  const tags = new Set<string>();
  const call = {
    method: "GET",
    target: `/v2/${repository}/tags/list?n=${PAGE}`,
    repository,
    scopes: [pullScope(repository)],
    headers: { accept: "application/json" },
    expect: [200, 404],
  } as const;
  await transport.pages(call, async (answer) => {
    if (answer.status === 404) return false;
    const json = await answer.json(PAGE_LIMIT);
    const page = isRecord(json) ? json.tags : undefined;
    // Go writes an empty list as null.
    if (page !== null && !Array.isArray(page)) throw answer.bad("something that is not a list of tags");
    for (const tag of page ?? []) {
      if (typeof tag !== "string" || !TAG_PATTERN.test(tag)) throw answer.bad("an invalid tag");
      tags.add(tag);
      if (tags.size > MOST_TAGS) throw answer.bad(`more than ${MOST_TAGS} tags`);
    }
    return true;
  });
  return [...tags];
}

/** The tag that lists referrers where a registry has no API for them: `sha256-<hex>`. */
export function fallbackTag(digest: Digest): string {
  return digest.replace(":", "-");
}

export async function listReferrers(
  { transport, repository }: RepositoryApi,
  digest: Digest,
  artifactType?: string,
) {
  const listed = await fromApi({ transport, repository }, digest, artifactType);
  const fallback =
    listed === undefined ? (await get({ transport, repository }, fallbackTag(digest)))?.json : undefined;
  const found = listed ?? (isIndex(fallback) ? fallback.manifests : []);
  const unique = new Map(found.map((entry) => [entry.digest, entry]));
  return [...unique.values()]
    .filter((entry) => artifactType === undefined || entry.artifactType === artifactType)
    .sort((a, b) => (a.digest < b.digest ? -1 : 1));
}

/** Undefined where the registry has no referrers API. Some registries then answer 200 with another media type. */
async function fromApi(
  { transport, repository }: RepositoryApi,
  digest: Digest,
  artifactType: string | undefined,
) {
  if (!transport.mayHaveReferrers) return undefined;
  const found: Descriptor[] = [];
  let supported = true;
  const query = artifactType === undefined ? "" : `?${new URLSearchParams({ artifactType })}`;
  const call = {
    method: "GET",
    target: `/v2/${repository}/referrers/${digest}${query}`,
    repository,
    scopes: [pullScope(repository)],
    headers: { accept: OCI_INDEX },
    expect: [200, 400, 404, 405, 501],
  } as const;
  await transport.pages(call, async (answer) => {
    supported = answer.status === 200 && answer.mediaType === OCI_INDEX;
    // A 404 in JSON is about the repository; any other is about the route.
    if (answer.status === 404 && answer.mediaType !== "application/json") transport.mayHaveReferrers = false;
    if (!supported) return false;
    const json = await answer.json(MANIFEST_LIMIT);
    if (!isIndex(json)) throw answer.bad("something that is not a list of referrers");
    found.push(...json.manifests);
    if (found.length > MOST_ENTRIES) throw answer.bad(`more than ${MOST_ENTRIES} referrers`, TOO_MANY_HINT);
    return true;
  });
  return supported ? found : undefined;
}
