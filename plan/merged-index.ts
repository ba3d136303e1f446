import { MERGED_ANNOTATION, PART_ANNOTATION, SBOM_ANNOTATION } from "./annotations";
import type { Digest } from "./digest";
import { missingPlatforms } from "./platforms";
import type { Problem } from "./problem";
import { lacksSbom, SBOM_UNAVAILABLE } from "./sbom";

/** OCI's. */
const MEDIA_TYPE = "application/vnd.oci.image.index.v1+json";
/** BuildKit: which manifest of the index an attestation manifest is about. */
const SUBJECT = "vnd.docker.reference.digest";
const KIND = "vnd.docker.reference.type";
const ATTESTATION = "attestation-manifest";

/** An entry of an index: a descriptor, of which everything is kept that is not named here. */
export interface IndexEntry {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The index that one platform's build pushed. */
export interface PartIndex {
  readonly manifests: readonly IndexEntry[];
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface PlatformIndex {
  readonly platform: string;
  readonly index: PartIndex;
}

export interface PartWish {
  /** What a problem's path names: the image and its platform. */
  readonly at: string;
  readonly platform: string;
  readonly contentKey: string;
  /** Provenance or an SBOM is wanted. */
  readonly attested: boolean;
}

/** What keeps an index from being the part that it is said to be. */
export function partIndexProblems(wish: PartWish, index: PartIndex): Problem[] {
  const { at, platform, contentKey, attested } = wish;
  const problem = (code: string, message: string): Problem => ({
    code,
    path: at,
    message,
    hint: `Build it again: npx --no slipway build --platform ${platform}`,
  });
  const told = index.annotations?.[PART_ANNOTATION] ?? "";
  const runnable = index.manifests.filter((entry) => !isAttestation(entry));
  const [only, ...more] = runnable;
  const found = runnable.map((entry) => platformOf(entry));
  if (told !== contentKey) {
    return [
      problem(
        "part-wrong-index",
        `its index says that it is a part of ${told === "" ? "nothing" : told.slice(0, 12)}, not of ${contentKey.slice(0, 12)}`,
      ),
    ];
  }
  if (only === undefined || more.length > 0 || missingPlatforms(found, [platform]).length > 0) {
    return [
      problem(
        "part-wrong-platform",
        `its index has ${found.join(", ") || "no platform"}, not ${platform} alone`,
      ),
    ];
  }
  const attestations = index.manifests.filter(isAttestation);
  const stray = attestations.find((entry) => entry.annotations?.[SUBJECT] !== only.digest);
  if (stray !== undefined) {
    return [
      problem("part-wrong-index", `its attestation ${stray.digest} is about another manifest than its own`),
    ];
  }
  return attested && attestations.length === 0
    ? [problem("part-not-attested", "has neither provenance nor SBOM, which the settings want")]
    : [];
}

/**
 * What the index of all parts says. Whether it has its SBOM depends on the parts: the machine that merges may reach a
 * generator that a builder could not, and the other way round. Where it does not, it says too that it was merged.
 *
 * @param planned the whole image's annotations, as this machine's plan has them
 */
export function mergedAnnotations(
  parts: readonly PlatformIndex[],
  planned: Readonly<Record<string, string>>,
): Record<string, string> {
  const { [SBOM_ANNOTATION]: _, ...own } = planned;
  return parts.some(({ index }) => lacksSbom(index.annotations))
    ? { ...own, [SBOM_ANNOTATION]: SBOM_UNAVAILABLE, [MERGED_ANNOTATION]: "parts" }
    : own;
}

export interface MergedIndex {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  readonly manifests: readonly IndexEntry[];
}

/**
 * One index of several platforms' parts, as BuildKit would have made it on one machine: the platforms in the order
 * given, then what attests them in the same order. The same parts give the same bytes.
 *
 * @param annotations of the index, content key included
 */
export function mergedIndex(
  parts: readonly PlatformIndex[],
  annotations: Readonly<Record<string, string>>,
): MergedIndex {
  const runnable = parts.flatMap(({ index }) => index.manifests.filter((entry) => !isAttestation(entry)));
  const attestations = parts.flatMap(({ index }) => index.manifests.filter(isAttestation));
  const manifests = [...runnable, ...attestations];
  const sorted = Object.fromEntries(
    Object.entries(annotations).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  );
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPE, manifests, annotations: sorted };
  return { mediaType: MEDIA_TYPE, bytes: new TextEncoder().encode(goJson(index)), manifests };
}

/** JSON as Go's encoder writes it, which BuildKit uses: what differs in one byte has another digest. */
function goJson(value: unknown): string {
  return JSON.stringify(value, undefined, 2).replace(
    /[<>&\u2028\u2029]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function isAttestation({ annotations, platform }: IndexEntry): boolean {
  return (
    annotations?.[KIND] === ATTESTATION || (platform?.os === "unknown" && platform.architecture === "unknown")
  );
}

function platformOf({ platform }: IndexEntry): string {
  if (platform === undefined) return "an unnamed platform";
  return [platform.os, platform.architecture, platform.variant].filter(Boolean).join("/");
}
