import { IN_TOTO_MEDIA_TYPE, STATEMENT_ARTIFACT_TYPE } from "../plan/annotations";
import { isRecord } from "../plan/record";
import type { FoundImage } from "../plan/registry-state";
import { parseStatement, type ReleaseStatement } from "../plan/statement";
import type { RegistryClient } from "./client";
import { RegistryError } from "./errors";
import { type Descriptor, isIndex, isManifest, isPlatformWord, platforms, platformText } from "./manifest";
import type { FetchedManifest } from "./manifest-calls";
import { readReferrerLayer } from "./referrers";

/** Configurations of real images have a few KiB. */
const CONFIG_LIMIT = 8 * 1024 * 1024;
const CONFIG_TYPES = [
  "application/vnd.oci.image.config.v1+json",
  "application/vnd.docker.container.image.v1+json",
];
/** A release statement has a few KiB. */
const STATEMENT_LIMIT = 1024 * 1024;

/**
 * What a tag or digest is: digest, platforms, annotations; undefined when it does not exist.
 *
 * @param statements read the release statements among its referrers too
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

/** What a manifest is that was read already. */
export async function imageOf(
  client: RegistryClient,
  repository: string,
  { descriptor, json }: FetchedManifest,
  statements: readonly ReleaseStatement[],
): Promise<FoundImage> {
  const annotations = isIndex(json) || isManifest(json) ? printable(json.annotations ?? {}) : {};
  const offered = isIndex(json)
    ? platforms(json)
    : isManifest(json)
      ? await configPlatforms(client, repository, json.config)
      : [];
  return {
    digest: descriptor.digest,
    mediaType: descriptor.mediaType,
    platforms: offered,
    annotations,
    statements,
  };
}

/** Anybody who may push writes annotations, and they come into logs: no control characters, no line breaks. */
function printable(annotations: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(annotations).map(([name, value]) => [name, value.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, "")]),
  );
}

/** The release statements that refer to a digest. Referrers of another shape are passed over. */
async function readStatements(
  client: RegistryClient,
  repository: string,
  digest: string,
): Promise<ReleaseStatement[]> {
  const referrers = await client.referrers(repository, digest, STATEMENT_ARTIFACT_TYPE);
  const statements = await Promise.all(
    referrers.map(async (referrer) => {
      const bytes = await readReferrerLayer(client, repository, referrer.digest, {
        mediaType: IN_TOTO_MEDIA_TYPE,
        limit: STATEMENT_LIMIT,
      });
      return bytes === undefined ? undefined : predicateOf(bytes, digest);
    }),
  );
  return statements.filter((statement) => statement !== undefined);
}

/** A statement counts for the digest that it names itself, not for whatever it happens to refer to. */
function predicateOf(bytes: Uint8Array, digest: string): ReleaseStatement | undefined {
  try {
    const statement: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof statement !== "object" || statement === null || !("predicate" in statement)) return undefined;
    return isAbout(statement, digest) ? parseStatement(statement.predicate) : undefined;
  } catch {
    return undefined;
  }
}

function isAbout(statement: object, digest: string): boolean {
  const subjects: unknown = "subject" in statement ? statement.subject : undefined;
  if (!Array.isArray(subjects)) return false;
  return subjects.some((subject: unknown) => {
    const digests: unknown =
      typeof subject === "object" && subject !== null && "digest" in subject && subject.digest;
    return (
      typeof digests === "object" &&
      digests !== null &&
      "sha256" in digests &&
      `sha256:${digests.sha256}` === digest
    );
  });
}

/** The one platform that a single manifest's config names; none for artifacts that are no images. */
async function configPlatforms(
  client: RegistryClient,
  repository: string,
  { mediaType, digest }: Descriptor,
): Promise<string[]> {
  if (!CONFIG_TYPES.includes(mediaType)) return [];
  const bytes = await client.getBlob(repository, digest, CONFIG_LIMIT);
  if (bytes === undefined) return [];
  const broken = (what: string) =>
    new RegistryError({
      code: "registry-bad-answer",
      registry: client.host,
      repository,
      summary: `${client.host}/${repository} has an image whose configuration ${digest} ${what}`,
    });
  let config: unknown;
  try {
    config = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    throw broken("is no JSON");
  }
  if (!isRecord(config)) throw broken("is no JSON object");
  const { os, architecture } = config;
  if (os === undefined || architecture === undefined) return [];
  if (!isPlatformWord(os) || !isPlatformWord(architecture)) throw broken("names no platform");
  return [platformText({ os, architecture })];
}
