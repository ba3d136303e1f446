import type { Digest } from "../plan/digest";
import { type Descriptor, isIndex, MANIFEST_LIMIT, MOST_ENTRIES, OCI_INDEX, TOO_MANY_HINT } from "./manifest";
import { get } from "./manifest-calls";
import { readJson, readPages } from "./pages";
import { pullScope } from "./scope";
import type { Transport } from "./transport";

/**
 * The tag under which clients list referrers where the registry does not: `sha256-<hex>`.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#unavailable-referrers-api
 */
export function fallbackTag(digest: Digest): string {
  return digest.replace(":", "-");
}

/** Referrers without repeats, sorted by digest: from the API, else from the fallback tag. */
export async function listReferrers(
  transport: Transport,
  repository: string,
  digest: Digest,
  artifactType?: string,
): Promise<Descriptor[]> {
  const found =
    (await fromApi(transport, repository, digest, artifactType)) ??
    (await fromFallbackTag(transport, repository, digest));
  const unique = new Map(found.map((entry) => [entry.digest, entry]));
  return [...unique.values()]
    .filter((entry) => artifactType === undefined || entry.artifactType === artifactType)
    .sort((a, b) => (a.digest < b.digest ? -1 : 1));
}

/** `undefined` where the registry has no such API: 404, or for some an answer that is no index. */
async function fromApi(
  transport: Transport,
  repository: string,
  digest: Digest,
  artifactType: string | undefined,
): Promise<Descriptor[] | undefined> {
  const found: Descriptor[] = [];
  let supported = true;
  const query = artifactType === undefined ? "" : `?${new URLSearchParams({ artifactType })}`;
  const call = {
    method: "GET",
    target: `/v2/${repository}/referrers/${digest}${query}`,
    repository,
    scopes: [pullScope(repository)],
    headers: { accept: OCI_INDEX },
    expect: [200, 400, 404, 405, 501],
  } as const;
  await readPages(transport, call, async (answer) => {
    supported = answer.status === 200 && answer.mediaType === OCI_INDEX;
    if (!supported) return false;
    const json = await readJson(answer, MANIFEST_LIMIT);
    if (!isIndex(json)) throw answer.bad("no list of referrers");
    found.push(...json.manifests);
    if (found.length > MOST_ENTRIES) throw answer.bad(`more than ${MOST_ENTRIES} referrers`, TOO_MANY_HINT);
    return true;
  });
  return supported ? found : undefined;
}

async function fromFallbackTag(
  transport: Transport,
  repository: string,
  digest: Digest,
): Promise<Descriptor[]> {
  const fallback = await get(transport, repository, fallbackTag(digest));
  return fallback !== undefined && isIndex(fallback.json) ? [...fallback.json.manifests] : [];
}
