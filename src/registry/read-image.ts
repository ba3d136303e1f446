import { IN_TOTO_MEDIA_TYPE, STATEMENT_ARTIFACT_TYPE } from "../plan/annotations";
import { type Digest, isDigest } from "../plan/digest";
import { platformText } from "../plan/image-index";
import type { Problem } from "../plan/problem";
import { isRecord, parseJson } from "../plan/record";
import { parseReference } from "../plan/reference";
import type { FoundImage } from "../plan/registry-state";
import { parseStatement, type ReleaseStatement, type SignedFacts } from "../plan/statement";
import type { RegistryClient } from "./client";
import { RegistryError, repositoryError } from "./errors";
import type { FetchedManifest } from "./manifests";
import { type Descriptor, isIndex, isManifest, isPlatformWord, platforms } from "./manifests";
import { readReferrerLayer } from "./referrers";

/** Real configurations have a few KiB. */
const CONFIG_LIMIT = 8 * 1024 * 1024;
const CONFIG_TYPES = [
  "application/vnd.oci.image.config.v1+json",
  "application/vnd.docker.container.image.v1+json",
];
/** A release statement has a few KiB. */
const STATEMENT_LIMIT = 1024 * 1024;

/**
 * The image under a tag or digest; undefined where there is none.
 *
 * @param options.statements whether its release statements are read too
 */
export async function readImage(
  client: RegistryClient,
  repository: string,
  reference: string,
  options: { readonly statements: boolean },
): Promise<FoundImage | undefined> {
  const found = await client.getManifest(repository, reference);
  if (found === undefined) return undefined;
  const { digest } = found.descriptor;
  return imageOf(
    client,
    repository,
    found,
    options.statements ? await readStatements(client, repository, digest) : [],
  );
}

/** The image of a manifest that has been read already. */
export async function imageOf(
  client: RegistryClient,
  repository: string,
  { descriptor: { digest, mediaType }, json }: FetchedManifest,
  statements: readonly ReleaseStatement[],
): Promise<FoundImage> {
  return {
    digest,
    mediaType,
    platforms: isIndex(json)
      ? platforms(json)
      : isManifest(json)
        ? await configPlatforms(client, repository, json.config)
        : [],
    annotations: isIndex(json) || isManifest(json) ? printable(json.annotations ?? {}) : {},
    statements,
  };
}

/** Without control characters and line breaks: anyone with push rights can write annotations, and they are logged. */
function printable(annotations: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(annotations).map(([name, value]) => [name, value.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, "")]),
  );
}

/** The release statements that refer to a digest. Skips referrers of another shape. */
async function readStatements(
  client: RegistryClient,
  repository: string,
  digest: string,
): Promise<ReleaseStatement[]> {
  const referrers = await client.referrers(repository, digest, STATEMENT_ARTIFACT_TYPE);
  const statements = await Promise.all(
    referrers.map(async (referrer) => {
      const bytes = await readReferrerLayer({ client, repository }, referrer.digest, {
        mediaType: IN_TOTO_MEDIA_TYPE,
        limit: STATEMENT_LIMIT,
      });
      return bytes === undefined ? undefined : predicateOf(bytes, digest);
    }),
  );
  return statements.filter((statement) => statement !== undefined);
}

/** A statement counts only for the digest that it names, whatever it is attached to. */
function predicateOf(bytes: Uint8Array, digest: string): ReleaseStatement | undefined {
  const statement = parseJson(bytes);
  if (!isRecord(statement) || !Array.isArray(statement.subject)) return undefined;
  const isAbout = statement.subject.some(
    (subject: unknown) =>
      isRecord(subject) && isRecord(subject.digest) && `sha256:${subject.digest.sha256}` === digest,
  );
  return isAbout ? parseStatement(statement.predicate) : undefined;
}

/** The platform in the configuration of a single manifest; none for artifacts that are not images. */
async function configPlatforms(
  client: RegistryClient,
  repository: string,
  { mediaType, digest }: Descriptor,
): Promise<string[]> {
  if (!CONFIG_TYPES.includes(mediaType)) return [];
  const bytes = await client.getBlob(repository, digest, CONFIG_LIMIT);
  if (bytes === undefined) return [];
  const broken = (what: string) =>
    repositoryError(
      { client, repository },
      "registry-bad-answer",
      ` has an image whose configuration ${digest} ${what}`,
    );
  const config = parseJson(bytes);
  if (config === undefined) throw broken("is not JSON");
  if (!isRecord(config)) throw broken("is not a JSON object");
  const { os, architecture } = config;
  if (os === undefined || architecture === undefined) return [];
  if (!isPlatformWord(os) || !isPlatformWord(architecture)) throw broken("names no platform");
  return [platformText({ os, architecture })];
}

/** Reads what trusted signers signed about a digest. @param repository `host/path` */
export type ReadSigned = (repository: string, digest: Digest) => Promise<SignedFacts>;

export interface InspectedImages {
  /** By reference. A reference without an image has no entry. */
  readonly found: Readonly<Record<string, FoundImage>>;
  /** For references that could not be read; `path` is the reference. */
  readonly problems: readonly Problem[];
}

/** The images of references (`host/path:tag`, `host/path@digest`), with release statements. Needs pull rights only. */
export async function inspectImages(
  references: readonly string[],
  connect: (host: string) => RegistryClient,
  readSigned?: ReadSigned,
): Promise<InspectedImages> {
  const found: Record<string, FoundImage> = {};
  const problems: Problem[] = [];
  await Promise.all(
    references.map(async (reference) => {
      const { host, path, tag, digest } = parseReference(reference);
      try {
        const image = await readImage(connect(host), path, digest ?? tag ?? "latest", { statements: true });
        if (image === undefined) return;
        found[reference] = { ...image, signed: await readSigned?.(`${host}/${path}`, image.digest) };
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
        problems.push({ ...error.toProblem(), path: reference });
      }
    }),
  );
  return { found, problems };
}

/** The platforms of each index. Everything else has no entry: BuildKit reports it with more detail. */
export async function readIndexPlatforms(
  references: readonly string[],
  connect: (host: string) => RegistryClient,
): Promise<Readonly<Record<string, readonly string[]>>> {
  const found = await Promise.all(
    references.map(async (reference): Promise<[string, string[]][]> => {
      const { host, path, tag, digest } = parseReference(reference);
      try {
        const manifest = await connect(host).getManifest(path, digest ?? tag ?? "latest");
        return manifest !== undefined && isIndex(manifest.json)
          ? [[reference, platforms(manifest.json)]]
          : [];
      } catch (error) {
        if (error instanceof RegistryError) return [];
        throw error;
      }
    }),
  );
  return Object.fromEntries(found.flat());
}

/** Short timeouts, for reads that a release does not depend on. */
export const QUICK = { attempts: 2, deadlineMs: 5_000 } as const;

/** What each reference points to now. References with a digest need no request. */
export async function resolveImageDigests(
  references: readonly string[],
  connect: (host: string) => RegistryClient,
): Promise<{ digests: Readonly<Record<string, Digest>>; problems: readonly Problem[] }> {
  const digests: Record<string, Digest> = {};
  const problems: Problem[] = [];
  await Promise.all(
    references.map(async (reference) => {
      const { host, path, tag, digest } = parseReference(reference);
      if (isDigest(digest)) {
        digests[reference] = digest;
        return;
      }
      try {
        const found = await connect(host).headManifest(path, tag ?? "latest");
        if (found !== undefined) digests[reference] = found.digest;
        else
          problems.push({
            code: "base-not-found",
            path: reference,
            message: "the Dockerfile builds on this image, and its registry does not have it",
            hint: "Check the name and the tag, or sign in to its registry.",
          });
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
        problems.push({ ...error.toProblem(), path: reference });
      }
    }),
  );
  return { digests, problems };
}
