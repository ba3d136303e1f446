import { createHash } from "node:crypto";
import { ATTESTATIONS_ANNOTATION, IN_TOTO_MEDIA_TYPE, PREDICATE_TYPE_ANNOTATION } from "./annotations";
import { type Digest, isDigest } from "./digest";

/** The fields of an OCI descriptor that these functions read; others are kept. */
export interface Part {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An index as a build makes it. */
export interface BuiltIndex {
  readonly mediaType?: string;
  readonly manifests: readonly Part[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** One statement as a referrer of the platform's manifest that it is about. */
export interface DetachedStatement {
  readonly subject: Part;
  readonly digest: Digest;
  /** The referrer's manifest. Its layer is the blob that the build pushed. */
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly artifactType: string;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface DetachedIndex {
  /** The index with nothing but platforms in it. */
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly statements: readonly DetachedStatement[];
}

const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";

/** OCI's empty configuration, which a repository has to hold like any other blob. */
export const EMPTY_CONFIG = Buffer.from("{}");
const EMPTY = {
  mediaType: "application/vnd.oci.empty.v1+json",
  digest: digestOf(EMPTY_CONFIG),
  size: EMPTY_CONFIG.length,
  data: EMPTY_CONFIG.toString("base64"),
};

/** The entries of an index that are BuildKit's attestations, and what each is about. */
export function attestationEntries(index: BuiltIndex): { readonly entry: Part; readonly subject: Part }[] {
  return index.manifests.flatMap((entry) => {
    if (!isAttestation(entry)) return [];
    const about = entry.annotations?.["vnd.docker.reference.digest"];
    const subject = index.manifests.find(({ digest }) => digest === about);
    if (subject === undefined)
      throw new Error(
        `the attestation ${entry.digest} is about ${about ?? "nothing"}, which is not in its index`,
      );
    return [{ entry, subject }];
  });
}

function isAttestation({ annotations }: Part): boolean {
  return annotations?.["vnd.docker.reference.type"] === "attestation-manifest";
}

/**
 * Takes the attestations out of an index: an index of platforms alone, and each in-toto statement as a referrer of its
 * platform's manifest. The index names the referrers' digests in an annotation, so that who signs the index signs the
 * statements too, and none can be added. The same input gives the same bytes.
 *
 * @param layersOf an attestation manifest's digest -> its layers
 * @returns undefined for an index without attestations, which stays what it is
 * @throws Error for an attestation about something that is not in the index, or with no layers known
 */
export function detachAttestations(
  index: BuiltIndex,
  layersOf: ReadonlyMap<Digest, readonly Part[]>,
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
    manifests: index.manifests.filter((entry) => !isAttestation(entry)),
    annotations: sorted({ ...index.annotations, [ATTESTATIONS_ANNOTATION]: pins }),
  };
  const bytes = Buffer.from(JSON.stringify(platforms));
  return { digest: digestOf(bytes), bytes, mediaType: OCI_INDEX, statements };
}

/** The digests of the statements that an index names as its own; none for one that holds its attestations itself. */
export function detachedDigests(annotations: Readonly<Record<string, string>> | undefined): Digest[] {
  return (annotations?.[ATTESTATIONS_ANNOTATION] ?? "").split(",").filter(isDigest);
}

/** One statement for each referrer, so that a listing distinguishes provenance from SBOM. */
function detached(subject: Part, layer: Part): DetachedStatement {
  const predicateType = layer.annotations?.[PREDICATE_TYPE_ANNOTATION];
  const annotations: Record<string, string> =
    predicateType === undefined ? {} : { [PREDICATE_TYPE_ANNOTATION]: predicateType };
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType: IN_TOTO_MEDIA_TYPE,
      config: EMPTY,
      layers: [layer],
      subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
      ...(predicateType === undefined ? {} : { annotations }),
    }),
  );
  return {
    subject,
    digest: digestOf(bytes),
    bytes,
    mediaType: OCI_MANIFEST,
    artifactType: IN_TOTO_MEDIA_TYPE,
    annotations,
  };
}

function sorted(annotations: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
