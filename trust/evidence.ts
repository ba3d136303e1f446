import { BUNDLE_MEDIA_TYPE, REVISION_ANNOTATION } from "../plan/annotations";
import type { Digest } from "../plan/digest";
import { type Descriptor, isIndex, platforms } from "../registry/manifest";
import { readReferrerLayer } from "../registry/referrers";
import { type BuildStatement, readBuildStatements } from "./build-statements";
import type { Rejection } from "./codes";
import type { ReadingClient } from "./reading-client";
import type { Trust } from "./trust-material";
import { type BundleReading, type SignedStatement, verifyByAny } from "./verify-bundle";

/** A bundle is some KiB; one with an SBOM in it can be a few MiB. */
const BUNDLE_LIMIT = 16 * 1024 * 1024;
/** More than that is no release, but somebody who wants to keep a verifier busy. */
export const MOST_BUNDLES = 1_000;

/** Everything that a repository has about a digest, with each signature checked. */
export interface Evidence {
  readonly platforms: readonly string[];
  /** The commit that the index names in its annotations: who signed the digest signed that. */
  readonly revision?: string;
  readonly accepted: readonly SignedStatement[];
  readonly rejected: readonly (Rejection & { readonly referrer: Digest; readonly claims?: string })[];
  /** What BuildKit put into the index, or what the index names as its own beside it. It is part of the digest, so who signed the digest signed it too. */
  readonly built: readonly BuildStatement[];
}

/** A referrer that holds a bundle, by its artifact type or, where a listing lacks that, by what it is. */
export function isBundleReferrer({ artifactType }: Descriptor): boolean {
  return artifactType?.startsWith("application/vnd.dev.sigstore.bundle") === true;
}

/** Reads what is known about a digest; undefined where the repository does not hold it. */
export async function readEvidence(
  client: ReadingClient,
  repository: string,
  digest: Digest,
  trusts: readonly Trust[],
): Promise<Evidence | undefined> {
  const image = await client.getManifest(repository, digest);
  if (image === undefined) return undefined;
  const referrers = (await client.referrers(repository, digest)).filter(isBundleReferrer);
  const read = await Promise.all(
    referrers.slice(0, MOST_BUNDLES).map(async (referrer) => ({
      referrer: referrer.digest,
      reading: await readReferrer(client, repository, referrer.digest, digest, trusts),
    })),
  );
  const tooMany: Evidence["rejected"] =
    referrers.length <= MOST_BUNDLES
      ? []
      : [
          {
            code: "verify-malformed",
            message: `is one of ${referrers.length} bundles, and ${MOST_BUNDLES} are read`,
            referrer: referrers[MOST_BUNDLES]?.digest ?? digest,
          },
        ];
  const revision = isIndex(image.json) ? image.json.annotations?.[REVISION_ANNOTATION] : undefined;
  return {
    platforms: isIndex(image.json) ? platforms(image.json) : [],
    ...(revision === undefined ? {} : { revision }),
    accepted: read.flatMap(({ reading }) => ("accepted" in reading ? [reading.accepted] : [])),
    rejected: [
      ...read.flatMap(({ referrer, reading }) => {
        if ("accepted" in reading) return [];
        const claims = reading.claims === undefined ? {} : { claims: reading.claims };
        return [{ ...reading.rejected, referrer, ...claims }];
      }),
      ...tooMany,
    ],
    built: isIndex(image.json) ? await readBuildStatements(client, repository, image.json) : [],
  };
}

async function readReferrer(
  client: ReadingClient,
  repository: string,
  referrer: Digest,
  digest: Digest,
  trusts: readonly Trust[],
): Promise<BundleReading> {
  const bytes = await bundleBytes(client, repository, referrer);
  return bytes === undefined
    ? { rejected: { code: "verify-malformed", message: "is listed, but is not there as a bundle" } }
    : verifyByAny(bytes, digest, trusts);
}

/** The bundle in a referrer; undefined where it is not there, or not one layer of that type. */
export function bundleBytes(
  client: ReadingClient,
  repository: string,
  referrer: Digest,
): Promise<Uint8Array | undefined> {
  return readReferrerLayer(client, repository, referrer, {
    mediaType: BUNDLE_MEDIA_TYPE,
    limit: BUNDLE_LIMIT,
  });
}
