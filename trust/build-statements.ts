import { IN_TOTO_MEDIA_TYPE } from "../plan/annotations";
import { detachedDigests } from "../plan/detached-attestations";
import type { Digest } from "../plan/digest";
import type { SbomPackage } from "../plan/policy/licences";
import { isRecord } from "../plan/record";
import { type Descriptor, type IndexJson, isManifest, platformText } from "../registry/manifest";
import { parseInToto } from "./in-toto";
import { isPredicate } from "./predicates";
import type { ReadingClient } from "./reading-client";
import { sbomPackages } from "./sbom";

/** More is not a build, but an attempt to keep a verifier busy. */
const MOST_STATEMENTS = 200;
/** An SBOM of a large image is some MiB. A larger statement is not read, and does not count. */
const STATEMENT_LIMIT = 32 * 1024 * 1024;

/** What BuildKit says of one platform's image, inside the index or beside it. */
export interface BuildStatement {
  /** `linux/arm64`. */
  readonly platform: string;
  readonly predicateType: string;
  /** Provenance's builder; empty where a builder without a name made it. */
  readonly builder?: string;
  /** Of an SBOM; absent where it cannot be read. */
  readonly packages?: readonly SbomPackage[];
  /** When the build was done. */
  readonly finishedAt?: Date;
}

/**
 * The statements that BuildKit attached: an attestation manifest for each platform, named by an annotation, or
 * referrers of the platforms whose digests the index names. One that is about another manifest than it is attached to
 * does not count, nor does a referrer that the index does not name: anybody who may push can add one.
 *
 * @see https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md
 */
export async function readBuildStatements(
  client: ReadingClient,
  repository: string,
  index: IndexJson,
): Promise<BuildStatement[]> {
  const detached = detachedDigests(index.annotations).slice(0, MOST_STATEMENTS);
  const found = await Promise.all([
    ...detached.map((digest) => readReferrer(client, repository, index, digest)),
    ...index.manifests
      .filter(subjectOf)
      .slice(0, MOST_STATEMENTS)
      .map(async (entry) => {
        const about = subjectOf(entry);
        const image = index.manifests.find(({ digest }) => digest === about);
        if (about === undefined || image?.platform === undefined) return [];
        const manifest = await client.getManifest(repository, entry.digest);
        return readLayers(client, repository, manifest?.json, about, platformText(image.platform));
      }),
  ]);
  return found.flat();
}

/** Read by its digest: whether a registry lists it does not matter for verification. */
async function readReferrer(
  client: ReadingClient,
  repository: string,
  index: IndexJson,
  digest: Digest,
): Promise<BuildStatement[]> {
  const manifest = await client.getManifest(repository, digest);
  if (manifest === undefined || !isManifest(manifest.json)) return [];
  const about = manifest.json.subject?.digest;
  const image = index.manifests.find((entry) => entry.digest === about);
  if (about === undefined || image?.platform === undefined) return [];
  return readLayers(client, repository, manifest.json, about, platformText(image.platform));
}

function subjectOf({ annotations }: Descriptor): string | undefined {
  return annotations?.["vnd.docker.reference.type"] === "attestation-manifest"
    ? annotations["vnd.docker.reference.digest"]
    : undefined;
}

async function readLayers(
  client: ReadingClient,
  repository: string,
  json: unknown,
  about: string,
  platform: string,
): Promise<BuildStatement[]> {
  if (!isManifest(json)) return [];
  const layers = json.layers.filter(
    ({ mediaType, size }) => mediaType === IN_TOTO_MEDIA_TYPE && size <= STATEMENT_LIMIT,
  );
  const statements = await Promise.all(
    layers.map(async (layer) => {
      const bytes = await client.getBlob(repository, layer.digest, layer.size);
      const statement = bytes === undefined ? undefined : parseInToto(bytes);
      if (statement === undefined || !statement.subjects.some((subject) => subject === about)) return [];
      const { predicateType, predicate } = statement;
      const packages = isPredicate("sbom", predicateType) ? sbomPackages(predicate) : undefined;
      return [
        {
          platform,
          predicateType,
          ...(isPredicate("provenance", predicateType) ? provenanceFacts(predicate) : {}),
          ...(packages === undefined ? {} : { packages }),
        },
      ];
    }),
  );
  return statements.flat();
}

/** Builder and end of a build, from SLSA provenance 0.2 or 1; nothing from other predicates. */
export function provenanceFacts(predicate: unknown): Pick<BuildStatement, "builder" | "finishedAt"> {
  const old = isRecord(predicate) ? predicate : {};
  const run = isRecord(old.runDetails) ? old.runDetails : {};
  const builder = [run.builder, old.builder].find(isRecord)?.id;
  const metadata = [run.metadata, old.metadata].find(isRecord);
  const end = metadata?.finishedOn ?? metadata?.buildFinishedOn;
  const finished = new Date(typeof end === "string" ? end : "");
  return {
    ...(typeof builder === "string" ? { builder } : {}),
    ...(Number.isNaN(finished.getTime()) ? {} : { finishedAt: finished }),
  };
}
