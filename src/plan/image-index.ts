import {
  ATTESTATIONS_ANNOTATION,
  IN_TOTO_MEDIA_TYPE,
  MERGED_ANNOTATION,
  PART_ANNOTATION,
  PREDICATE_TYPE_ANNOTATION,
  SBOM_ANNOTATION,
} from "./annotations";
import { type Digest, digestOf, isDigest } from "./digest";
import type { Problem } from "./problem";
import { sortedRecord } from "./record";
import { lacksSbom, SBOM_UNAVAILABLE } from "./sbom";

/** An entry of an index: an OCI descriptor, which may have further fields. */
export interface IndexEntry {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ImageIndex {
  readonly manifests: readonly IndexEntry[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** BuildKit's annotations on the entry of an attestation manifest. `SUBJECT` is the digest that it is about. */
const KIND = "vnd.docker.reference.type";
const SUBJECT = "vnd.docker.reference.digest";

function isMarkedAttestation({ annotations }: Pick<IndexEntry, "annotations">): boolean {
  return annotations?.[KIND] === "attestation-manifest";
}

/** Whether an entry of an index is an attestation manifest, and not an image for a platform. */
export function isAttestation(entry: Pick<IndexEntry, "annotations" | "platform">): boolean {
  const { platform } = entry;
  return isMarkedAttestation(entry) || (platform?.os === "unknown" && platform.architecture === "unknown");
}

export function platformText({ os, architecture, variant }: NonNullable<IndexEntry["platform"]>): string {
  return [os, architecture, variant].filter(Boolean).join("/");
}

/** An in-toto statement as a referrer. */
interface DetachedStatement {
  /** The platform's manifest that it is about. */
  readonly subject: IndexEntry;
  readonly digest: Digest;
  /** The referrer's manifest. Its layer is the blob that the build pushed. */
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly artifactType: string;
  readonly annotations: Readonly<Record<string, string>>;
}

interface DetachedIndex {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly statements: readonly DetachedStatement[];
}

const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";

/** OCI's empty configuration. The repository has to hold it like any other blob. */
export const EMPTY_CONFIG = Buffer.from("{}");
const EMPTY = {
  mediaType: "application/vnd.oci.empty.v1+json",
  digest: digestOf(EMPTY_CONFIG),
  size: EMPTY_CONFIG.length,
  data: EMPTY_CONFIG.toString("base64"),
};

/**
 * BuildKit's attestations in an index, each with the entry that it is about.
 *
 * @throws Error for an attestation about something that is not in the index.
 */
export function attestationEntries(
  index: ImageIndex,
): { readonly entry: IndexEntry; readonly subject: IndexEntry }[] {
  return index.manifests.flatMap((entry) => {
    if (!isMarkedAttestation(entry)) return [];
    const about = entry.annotations?.[SUBJECT];
    const subject = index.manifests.find(({ digest }) => digest === about);
    if (subject === undefined)
      throw new Error(
        `the attestation ${entry.digest} is about ${about ?? "nothing"}, which is not in its index`,
      );
    return [{ entry, subject }];
  });
}

/**
 * Moves the attestations out of an index: each in-toto statement becomes a referrer of its platform's manifest. An
 * annotation of the new index lists the referrers' digests, so that signing the index covers the statements. The same
 * input gives the same bytes.
 *
 * @param layersOf an attestation manifest's digest -> its layers
 * @returns undefined for an index without attestations
 * @throws Error for an attestation about something that is not in the index, or whose layers are unknown.
 */
export function detachAttestations(
  index: ImageIndex,
  layersOf: ReadonlyMap<Digest, readonly IndexEntry[]>,
): DetachedIndex | undefined {
  const attested = attestationEntries(index);
  if (attested.length === 0) return undefined;
  const statements = attested.flatMap(({ entry, subject }) => {
    const layers = layersOf.get(entry.digest);
    if (layers === undefined) throw new Error(`the attestation ${entry.digest} was not read`);
    return layers
      .filter(({ mediaType }) => mediaType === IN_TOTO_MEDIA_TYPE)
      .map((layer) => detached(subject, layer));
  });
  const pins = [...new Set(statements.map(({ digest }) => digest))].sort().join(",");
  const platforms = {
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: index.manifests.filter((entry) => !isMarkedAttestation(entry)),
    annotations: sortedRecord({ ...index.annotations, [ATTESTATIONS_ANNOTATION]: pins }),
  };
  const bytes = Buffer.from(JSON.stringify(platforms));
  return { digest: digestOf(bytes), bytes, mediaType: OCI_INDEX, statements };
}

/** The digests of the referrers that an index lists as its statements; empty if its attestations are in the index. */
export function detachedDigests(annotations: Readonly<Record<string, string>> | undefined): Digest[] {
  return (annotations?.[ATTESTATIONS_ANNOTATION] ?? "").split(",").filter(isDigest);
}

/** Each statement is a referrer of its own, so that a listing distinguishes provenance from SBOM. */
function detached(subject: IndexEntry, layer: IndexEntry): DetachedStatement {
  const predicateType = layer.annotations?.[PREDICATE_TYPE_ANNOTATION];
  const annotations =
    predicateType === undefined ? undefined : { [PREDICATE_TYPE_ANNOTATION]: predicateType };
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType: IN_TOTO_MEDIA_TYPE,
      config: EMPTY,
      layers: [layer],
      subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
      annotations,
    }),
  );
  return {
    subject,
    digest: digestOf(bytes),
    bytes,
    mediaType: OCI_MANIFEST,
    artifactType: IN_TOTO_MEDIA_TYPE,
    annotations: annotations ?? {},
  };
}

/** @param at the path of a problem: the image and its platform */
export function partIndexProblems(
  {
    at,
    platform,
    contentKey,
    attested,
  }: {
    readonly at: string;
    readonly platform: string;
    readonly contentKey: string;
    readonly attested: boolean;
  },
  index: ImageIndex,
): Problem[] {
  const problem = (code: string, message: string): Problem[] => {
    const hint = `Build it again: npx --no slipway build --platform ${platform}`;
    return [{ code, path: at, message, hint }];
  };
  const partOf = index.annotations?.[PART_ANNOTATION]?.slice(0, 12) || "nothing";
  if (index.annotations?.[PART_ANNOTATION] !== contentKey) {
    return problem(
      "part-wrong-index",
      `its index says that it is a part of ${partOf}, not of ${contentKey.slice(0, 12)}`,
    );
  }
  const runnable = index.manifests.filter((entry) => !isAttestation(entry));
  const [only, ...more] = runnable;
  const found = runnable.map((entry) =>
    entry.platform === undefined ? "an unnamed platform" : platformText(entry.platform),
  );
  if (only === undefined || more.length > 0 || missingPlatforms(found, [platform]).length > 0) {
    return problem(
      "part-wrong-platform",
      `its index has ${found.join(", ") || "no platform"}, not ${platform} alone`,
    );
  }
  const attestations = index.manifests.filter(isAttestation);
  const stray = attestations.find((entry) => entry.annotations?.[SUBJECT] !== only.digest);
  if (stray !== undefined) {
    return problem(
      "part-wrong-index",
      `its attestation ${stray.digest} is about another manifest than its own`,
    );
  }
  return attested && attestations.length === 0
    ? problem("part-not-attested", "has neither provenance nor SBOM, which the settings want")
    : [];
}

/**
 * The annotations of the merged index. Whether it lacks its SBOM depends on the parts and not on this machine's plan,
 * since the builders may reach a generator that this machine cannot reach, and the other way round.
 *
 * @param planned the whole image's annotations in this machine's plan
 */
export function mergedAnnotations(
  parts: readonly { readonly index: ImageIndex }[],
  planned: Readonly<Record<string, string>>,
): Record<string, string> {
  const { [SBOM_ANNOTATION]: _, ...own } = planned;
  return parts.some(({ index }) => lacksSbom(index.annotations))
    ? { ...own, [SBOM_ANNOTATION]: SBOM_UNAVAILABLE, [MERGED_ANNOTATION]: "parts" }
    : own;
}

/**
 * Merges the indexes of several platforms into the one that BuildKit would have made on one machine: the platforms in
 * the given order, then their attestations in the same order. The same parts give the same bytes.
 *
 * @param annotations with the content key
 */
export function mergedIndex(
  parts: readonly { readonly index: ImageIndex }[],
  annotations: Readonly<Record<string, string>>,
): {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  readonly manifests: readonly IndexEntry[];
} {
  const runnable = parts.flatMap(({ index }) => index.manifests.filter((entry) => !isAttestation(entry)));
  const attestations = parts.flatMap(({ index }) => index.manifests.filter(isAttestation));
  const manifests = [...runnable, ...attestations];
  const sorted = Object.fromEntries(
    Object.entries(annotations).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  );
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests, annotations: sorted };
  return { mediaType: OCI_INDEX, bytes: Buffer.from(goJson(index)), manifests };
}

/** Writes JSON as Go's encoder does, which BuildKit uses: one other byte would give another digest. */
function goJson(value: unknown): string {
  return JSON.stringify(value, undefined, 2).replace(
    /[<>&\u2028\u2029]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The required platforms that are missing. Some builders call `linux/arm64` `linux/arm64/v8`. */
export function missingPlatforms(found: readonly string[], required: readonly string[]): string[] {
  return required.filter(
    (platform) =>
      !found.includes(platform) && !(platform === "linux/arm64" && found.includes("linux/arm64/v8")),
  );
}

/** The platforms that BuildKit uses for one that an index does not have, because the same machine can run them. */
const RUNS_TOO: Readonly<Record<string, RegExp>> = {
  "linux/amd64": /^linux\/386$/,
  "linux/arm64": /^linux\/arm(?:\/|$)/,
  "linux/arm/v7": /^linux\/arm(?:\/v[56])?$/,
  "linux/arm/v6": /^linux\/arm\/v5$/,
};

/** The required platforms for which BuildKit finds nothing in a base's index. */
export function missingInBase(found: readonly string[], required: readonly string[]): string[] {
  return missingPlatforms(found, required).filter((platform) => {
    const bare = platform.replace(/^(linux\/amd64)\/v[0-9]$/, "$1");
    return !found.some((it) => it === bare || RUNS_TOO[bare]?.test(it));
  });
}
