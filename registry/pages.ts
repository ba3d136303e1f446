import type { Answer } from "./answer";
import type { Call, Transport } from "./transport";

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

/**
 * Reads a list page by page, following `Link` headers on the registry's own host, until there is no further page.
 * `read` gives undefined to stop early, e.g. on 404.
 *
 * @throws RegistryError `registry-bad-answer` for pages that go in circles or elsewhere.
 */
export async function readPages(
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

/** The JSON in an answer's body. @throws RegistryError `registry-bad-answer` */
export async function readJson(answer: Answer, limit: number): Promise<unknown> {
  const bytes = await answer.bytes(limit);
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    throw answer.bad(`something that is no JSON (${answer.mediaType ?? "no type"})`);
  }
}
