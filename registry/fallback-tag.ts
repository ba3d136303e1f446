import { setTimeout as delay } from "node:timers/promises";
import type { Digest } from "../plan/digest";
import type { RegistryClient } from "./client";
import { RegistryError } from "./errors";
import { type Descriptor, type IndexJson, isIndex, MOST_ENTRIES, OCI_INDEX, TOO_MANY_HINT } from "./manifest";
import { fallbackTag } from "./referrer-calls";

/** Rounds of read, write and read again, before others who write the same tag are named as the reason. */
const ROUNDS = 6;

const turns = new Map<string, Promise<unknown>>();

/** One at a time for each key within this process: the registry offers no compare-and-swap. */
async function inTurn<T>(key: string, run: () => Promise<T>): Promise<T> {
  const turn = (turns.get(key) ?? Promise.resolve()).then(run, run);
  turns.set(key, turn);
  try {
    return await turn;
  } finally {
    if (turns.get(key) === turn) turns.delete(key);
  }
}

/**
 * Lists `entry` among the referrers of `subject` where the registry does not do so by itself: adds it to the index
 * under the fallback tag, reads that again, and repairs it until it holds this entry and everybody else's that was
 * ever seen in it. Already listed is no write.
 *
 * @throws RegistryError `registry-conflict` where others keep overwriting it.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests-with-subject
 */
export function ensureListed(
  client: RegistryClient,
  repository: string,
  subject: Digest,
  entry: Descriptor,
): Promise<void> {
  const tag = fallbackTag(subject);
  return inTurn(`${client.host}/${repository}:${tag}`, async () => {
    const listed = await client.referrers(repository, subject);
    if (listed.some(({ digest }) => digest === entry.digest)) return;

    const wanted = new Map<Digest, Descriptor>([[entry.digest, entry]]);
    for (let round = 1; round <= ROUNDS; round++) {
      const current = await readFallback(client, repository, tag);
      const present = new Set(current?.manifests.map(({ digest }) => digest));
      for (const other of current?.manifests ?? [])
        wanted.set(other.digest, wanted.get(other.digest) ?? other);
      if ([...wanted.keys()].every((digest) => present.has(digest))) return;
      if (wanted.size > MOST_ENTRIES) throw full(client.host, repository, tag);
      // What was not there in a later round was lost to another writer or is read from a stale cache.
      if (round > 1) await delay(50 * round * (1 + Math.random()));
      await client.putManifest(repository, tag, renderFallback(current, wanted), OCI_INDEX);
    }
    throw new RegistryError({
      code: "registry-conflict",
      registry: client.host,
      repository,
      summary: `${client.host}/${repository}:${tag} does not keep its list of referrers: others write it at the same time`,
      hint: "Let only one release at a time attach to this digest, then run the same again.",
    });
  });
}

/** A longer list would be refused by its readers. */
function full(registry: string, repository: string, tag: string): RegistryError {
  return new RegistryError({
    code: "registry-too-large",
    registry,
    repository,
    summary: `${registry}/${repository}:${tag} lists ${MOST_ENTRIES} referrers already, and takes no more`,
    hint: TOO_MANY_HINT,
  });
}

async function readFallback(
  client: RegistryClient,
  repository: string,
  tag: string,
): Promise<IndexJson | undefined> {
  const found = await client.getManifest(repository, tag);
  if (found === undefined) return undefined;
  if (isIndex(found.json)) return found.json;
  throw new RegistryError({
    code: "registry-conflict",
    registry: client.host,
    repository,
    summary: `${client.host}/${repository}:${tag} is no list of referrers, but a ${found.descriptor.mediaType}`,
    hint: "The tag belongs to OCI's referrers fallback; delete it or rename what is there.",
  });
}

/** Sorted, so that the same set always gives the same bytes. */
function renderFallback(
  current: IndexJson | undefined,
  entries: ReadonlyMap<Digest, Descriptor>,
): Uint8Array {
  const manifests = [...entries.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1));
  const annotations = current?.annotations === undefined ? {} : { annotations: current.annotations };
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests, ...annotations }));
}
