import type { Digest } from "../plan/digest";
import { attestationEntries, detachAttestations, detachedDigests, EMPTY_CONFIG } from "../plan/image-index";
import { reasonOf } from "../plan/problem";
import type { RegistryClient, RepositoryAt } from "./client";
import { repositoryError } from "./errors";
import { type Descriptor, type IndexJson, isIndex, isManifest } from "./manifest";
import type { FetchedManifest } from "./manifest-calls";
import { isAttached, publishReferrer, referrerEntry } from "./referrers";

/**
 * Takes the build's attestations out of an index and attaches them as referrers of its platforms; last of all it writes
 * the index that names them, without a tag. Repeating it is no write, so the next run completes one that broke off.
 *
 * @returns the digest of the index without attestations; the given one where it has none
 */
export async function detachStatements(
  client: RegistryClient,
  repository: string,
  digest: Digest,
): Promise<Digest> {
  const at = { client, repository };
  const index = await readIndex(at, digest);
  const detached = index && detachAttestations(index, await readLayers(at, index));
  if (detached === undefined) return digest;
  await client.putBlob(repository, EMPTY_CONFIG);
  await Promise.all(
    detached.statements.map(async ({ subject, bytes, ...entry }) => {
      if (await isAttached(at, subject.digest, entry.digest)) return;
      await publishReferrer(at, subject.digest, { ...entry, size: bytes.length }, bytes);
    }),
  );
  if ((await client.headManifest(repository, detached.digest)) === undefined)
    await client.putManifest(repository, detached.digest, detached.bytes, detached.mediaType);
  return detached.digest;
}

/** The statements that an index names as its own, and that its repository does not hold and list. Writes nothing. */
export async function missingStatements(
  client: RegistryClient,
  repository: string,
  manifest: Digest | FetchedManifest,
): Promise<Digest[]> {
  const found = typeof manifest === "string" ? await client.getManifest(repository, manifest) : manifest;
  const index = isIndex(found?.json) ? found.json : undefined;
  const named = detachedDigests(index?.annotations);
  if (index === undefined || named.length === 0) return [];
  const listings = await Promise.all(
    index.manifests.map((platform) => client.referrers(repository, platform.digest)),
  );
  const listed = new Set(listings.flat().map((entry) => entry.digest));
  const there = await Promise.all(
    named.map(
      async (statement) =>
        listed.has(statement) && (await client.headManifest(repository, statement)) !== undefined,
    ),
  );
  return named.filter((_, at) => !there[at]);
}

/** Lists statements again that are there by their digest, and that a lost or overwritten fallback tag does not name. */
export async function relistStatements(
  client: RegistryClient,
  repository: string,
  statements: readonly Digest[],
): Promise<void> {
  for (const digest of statements) {
    const found = await client.getManifest(repository, digest);
    if (found === undefined || !isManifest(found.json) || found.json.subject === undefined) continue;
    const entry = referrerEntry(found.descriptor, found.json);
    await publishReferrer({ client, repository }, found.json.subject.digest, entry, found.bytes);
  }
}

async function readIndex(
  { client, repository }: RepositoryAt,
  digest: Digest,
): Promise<IndexJson | undefined> {
  const found = await client.getManifest(repository, digest);
  return found !== undefined && isIndex(found.json) ? found.json : undefined;
}

/** Attestation manifest -> its layers. */
async function readLayers(at: RepositoryAt, index: IndexJson): Promise<Map<Digest, readonly Descriptor[]>> {
  const broken = (what: string) =>
    repositoryError(at, "registry-bad-answer", ` has an index that is not whole: ${what}`);
  let entries: ReturnType<typeof attestationEntries>;
  try {
    entries = attestationEntries(index);
  } catch (error) {
    throw broken(reasonOf(error));
  }
  const read = await Promise.all(
    entries.map(async ({ entry }) => {
      const found = await at.client.getManifest(at.repository, entry.digest);
      if (found === undefined || !isManifest(found.json))
        throw broken(`it lacks the attestation ${entry.digest}`);
      return [entry.digest, found.json.layers] as const;
    }),
  );
  return new Map(read);
}
