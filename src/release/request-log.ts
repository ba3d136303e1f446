import type { RequestEntry } from "../registry/http";
import { scrub } from "../registry/redact";

/** How many requests are worth keeping: enough for every part of one push. */
const KEPT = 50;
const BODY_LIMIT = 2000;

/** The last requests to all registries, without headers and secrets, to explain a failure. */
export class RequestLog {
  readonly #entries: RequestEntry[] = [];

  readonly add = (entry: RequestEntry): void => {
    this.#entries.push({
      ...entry,
      path: scrub(entry.path),
      ...(entry.body === undefined ? {} : { body: scrub(entry.body).slice(0, BODY_LIMIT) }),
    });
    if (this.#entries.length > KEPT) this.#entries.shift();
  };

  /** The oldest first. */
  entries(): readonly RequestEntry[] {
    return [...this.#entries];
  }
}
