import pLimit from "p-limit";
import type { Digest } from "../plan/digest";
import type { RegistryClient } from "./client";
import { checkTotal, contentsOf } from "./copy-parts";

/** Requests on their way at once. */
const WIDTH = 8;

/**
 * The parts of an index or manifest that a repository does not hold: manifests and blobs. Asks with HEAD where that is
 * enough, reads each manifest once and writes nothing. None means that the content is whole.
 */
export async function missingParts(
  client: RegistryClient,
  repository: string,
  digest: Digest,
): Promise<Digest[]> {
  const limit = pLimit(WIDTH);
  const missing = new Set<Digest>();
  const asked = new Set<Digest>();
  let count = 0;
  const manifest = async (part: Digest, depth: number): Promise<void> => {
    if (asked.has(part)) return;
    asked.add(part);
    checkTotal(client.host, repository, digest, ++count);
    const found = await limit(() => client.getManifest(repository, part));
    if (found === undefined) {
      missing.add(part);
      return;
    }
    const { blobs, manifests } = contentsOf(client.host, repository, found, depth);
    await Promise.all([
      ...manifests.map((child) => manifest(child.digest, depth + 1)),
      ...blobs.map((child) => blob(child.digest)),
    ]);
  };
  const blob = async (part: Digest): Promise<void> => {
    if (asked.has(part)) return;
    asked.add(part);
    if ((await limit(() => client.headBlob(repository, part))) === undefined) missing.add(part);
  };
  await manifest(digest, 0);
  return [...missing].sort();
}
