import type { Digest } from "../plan/digest";
import { isRecord } from "../plan/record";
import { TAG_PATTERN } from "../plan/reference";
import { pullScope } from "./challenge";
import type { Answer } from "./http";
import { type Descriptor, isIndex, MANIFEST_LIMIT, MOST_ENTRIES, OCI_INDEX, TOO_MANY_HINT } from "./manifest";
import { get } from "./manifest-calls";
import type { Call, RepositoryApi, Transport } from "./transport";

/** More pages than any list has that memory could hold. */
const MOST_PAGES = 2_000;

/** The target of the first link with `rel="next"`. @see https://www.rfc-editor.org/rfc/rfc8288 */
export function nextLink(header: string | undefined): string | undefined {
  for (const link of (header ?? "").matchAll(/<([^<>]*)>((?:[^",]|"[^"]*")*)/g)) {
    const [, target, parameters = ""] = link;
    if (/;\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next(?=[\s;]|$))/i.test(parameters)) return target;
  }
  return undefined;
}

/** Reads a list page by page, following `Link` headers on the registry's own host. `read` returns false to stop. */
async function readPages(
  transport: Transport,
  call: Call,
  read: (answer: Answer) => Promise<boolean>,
): Promise<void> {
  const seen = new Set<string>();
  for (let target: string | URL | undefined = call.target; target !== undefined; ) {
    const url: URL = transport.resolve(target);
    seen.add(url.href);
    target = await transport.call({ ...call, target: url }, async (answer): Promise<URL | undefined> => {
      if (!(await read(answer))) return undefined;
      const link = nextLink(answer.header("link"));
      if (link === undefined) return undefined;
      const next = URL.canParse(link, url) ? transport.resolve(link, url) : undefined;
      if (next?.origin !== transport.origin.origin) throw answer.bad("a next page on another host");
      if (seen.has(next.href)) throw answer.bad("pages that go in circles");
      if (seen.size >= MOST_PAGES) throw answer.bad(`more than ${MOST_PAGES} pages`);
      return next;
    });
  }
}

/** Tags of one page. Registries that allow fewer answer fewer. */
const PAGE = 1_000;
const PAGE_LIMIT = 8 * 1024 * 1024;
/** Ten times as many as the largest repositories have. */
const MOST_TAGS = 500_000;

export async function listTags({ transport, repository }: RepositoryApi) {
  const tags = new Set<string>();
  const call = {
    method: "GET",
    target: `/v2/${repository}/tags/list?n=${PAGE}`,
    repository,
    scopes: [pullScope(repository)],
    headers: { accept: "application/json" },
    expect: [200, 404],
  } as const;
  await readPages(transport, call, async (answer) => {
    if (answer.status === 404) return false;
    const json = await answer.json(PAGE_LIMIT);
    const page = isRecord(json) ? json.tags : undefined;
    // `null` is what Go writes for an empty list.
    if (page !== null && !Array.isArray(page)) throw answer.bad("no list of tags");
    for (const tag of page ?? []) {
      if (typeof tag !== "string" || !TAG_PATTERN.test(tag)) throw answer.bad("a tag that cannot be one");
      tags.add(tag);
      if (tags.size > MOST_TAGS) throw answer.bad(`more than ${MOST_TAGS} tags`);
    }
    return true;
  });
  return [...tags];
}

/** The tag under which clients list referrers where the registry does not: `sha256-<hex>`. */
export function fallbackTag(digest: Digest): string {
  return digest.replace(":", "-");
}

export async function listReferrers(
  { transport, repository }: RepositoryApi,
  digest: Digest,
  artifactType?: string,
) {
  const listed = await fromApi({ transport, repository }, digest, artifactType);
  const fallback =
    listed === undefined ? (await get({ transport, repository }, fallbackTag(digest)))?.json : undefined;
  const found = listed ?? (isIndex(fallback) ? fallback.manifests : []);
  const unique = new Map(found.map((entry) => [entry.digest, entry]));
  return [...unique.values()]
    .filter((entry) => artifactType === undefined || entry.artifactType === artifactType)
    .sort((a, b) => (a.digest < b.digest ? -1 : 1));
}

/** `undefined` where the registry has no such API: 404, or for some an answer that is no index. */
async function fromApi(
  { transport, repository }: RepositoryApi,
  digest: Digest,
  artifactType: string | undefined,
) {
  if (!transport.mayHaveReferrers) return undefined;
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
    // An API that exists answers errors in JSON: an unknown repository is no unknown route.
    if (answer.status === 404 && answer.mediaType !== "application/json") transport.mayHaveReferrers = false;
    if (!supported) return false;
    const json = await answer.json(MANIFEST_LIMIT);
    if (!isIndex(json)) throw answer.bad("no list of referrers");
    found.push(...json.manifests);
    if (found.length > MOST_ENTRIES) throw answer.bad(`more than ${MOST_ENTRIES} referrers`, TOO_MANY_HINT);
    return true;
  });
  return supported ? found : undefined;
}
