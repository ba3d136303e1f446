import { TAG_PATTERN } from "../plan/reference";
import { readJson, readPages } from "./pages";
import { pullScope } from "./scope";
import type { Transport } from "./transport";

/** Tags of one page. Registries that allow fewer answer fewer. */
const PAGE = 1_000;
const PAGE_LIMIT = 8 * 1024 * 1024;
/** Ten times as many as the largest repositories have. */
const MOST_TAGS = 500_000;

/** Every tag of a repository; none where the repository does not exist. */
export async function listTags(transport: Transport, repository: string): Promise<string[]> {
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
    const json = await readJson(answer, PAGE_LIMIT);
    const page: unknown = typeof json === "object" && json !== null ? Reflect.get(json, "tags") : undefined;
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
