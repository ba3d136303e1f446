import { setTimeout as delay } from "node:timers/promises";
import pLimit from "p-limit";
import { answerError } from "./answer-errors";
import { Authenticator, type CredentialsSource } from "./auth";
import { RegistryError, requestError } from "./errors";
import { type Answer, type Method, type StreamBody, Wire, type WireOptions } from "./http";
import { Redactor, safePath } from "./redact";

export interface TransportOptions extends WireOptions {
  readonly host: string;
  /** Where the API answers: `https://registry-1.docker.io`. */
  readonly origin: string;
  readonly credentials: CredentialsSource;
  /** Attempts for each request, the first included. @default 4 */
  readonly attempts?: number;
  /** @default systemClock */
  readonly clock?: Clock;
}

/** The API of one repository, whose name is valid and so needs no escaping in URLs. */
export interface RepositoryApi {
  readonly transport: Transport;
  readonly repository: string;
}

export interface Call {
  readonly method: Method;
  /** Path and query, or a URL that the registry named. */
  readonly target: string | URL;
  readonly repository?: string;
  readonly scopes: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | StreamBody;
  readonly expect: readonly number[];
}

const ATTEMPTS = 4;
/** Concurrent requests with small answers. The callers limit streams. */
const CONCURRENCY = 32;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const LONGEST_CHAIN = 5;
const MOST_PAGES = 2_000;

/** Requests to one registry, with authentication, redirects, retries and pages. */
export class Transport {
  readonly host: string;
  readonly origin: URL;
  readonly auth: Authenticator;
  /** False once the registry has answered that it has no referrers API. */
  mayHaveReferrers = true;
  readonly #wire: Wire;
  readonly #redactor = new Redactor();
  readonly #clock: Clock;
  readonly #policy: RetryPolicy;
  readonly #limit = pLimit(CONCURRENCY);

  constructor(options: TransportOptions) {
    this.host = options.host;
    this.origin = new URL(options.origin);
    this.#clock = options.clock ?? systemClock;
    this.#wire = new Wire(options, this.#redactor);
    this.auth = new Authenticator({
      registry: options.host,
      origin: this.origin,
      credentials: options.credentials,
      send: (request) => this.#wire.send(request),
      now: () => this.#clock.now(),
      redactor: this.#redactor,
    });
    this.#policy = {
      attempts: options.attempts ?? ATTEMPTS,
      clock: this.#clock,
      signal: options.signal,
    };
  }

  /** Runs several requests as one unit, which starts over after a transient failure of any of them. */
  retrying<T>(run: () => Promise<T>): Promise<T> {
    return withRetries(this.#policy, run);
  }

  /** One call with retries; `read` reads its body. */
  call<T>(call: Call, read: (answer: Answer) => T | Promise<T>): Promise<T> {
    return this.retrying(() => this.#limit(() => this.once(call, read)));
  }

  /** One call without retries, for use within `retrying`. */
  async once<T>(call: Call, read: (answer: Answer) => T | Promise<T>): Promise<T> {
    const answer = await this.#attempt(call);
    try {
      return await read(answer);
    } finally {
      await answer.discard();
    }
  }

  /** One call with retries. The caller reads the body or discards it. */
  open(call: Call): Promise<Answer> {
    return this.retrying(() => this.#attempt(call));
  }

  /** Calls `read` for each page of a list until it returns false. Pages on another host are refused. */
  async pages(call: Call, read: (answer: Answer) => Promise<boolean>): Promise<void> {
    const seen = new Set<string>();
    for (let target: string | URL | undefined = call.target; target !== undefined; ) {
      const url: URL = this.resolve(target);
      seen.add(url.href);
      target = await this.call({ ...call, target: url }, async (answer): Promise<URL | undefined> => {
        if (!(await read(answer))) return undefined;
        const link = nextLink(answer.header("link"));
        if (link === undefined) return undefined;
        const next = URL.canParse(link, url) ? this.resolve(link, url) : undefined;
        if (next?.origin !== this.origin.origin) throw answer.bad("a next page on another host");
        if (seen.has(next.href)) throw answer.bad("pages that go in circles");
        if (seen.size >= MOST_PAGES) throw answer.bad(`more than ${MOST_PAGES} pages`);
        return next;
      });
    }
  }

  /** The answer to a request without credentials, 401 included; with retries. */
  plain(target: string): Promise<Answer> {
    const call: Call = { method: "GET", target, scopes: [], expect: [200, 401] };
    return this.retrying(async () =>
      this.#expected(call, await this.#send(call, this.resolve(target), undefined)),
    );
  }

  /**
   * A URL that the registry named, relative or absolute. On the registry's own host it becomes https where the registry
   * is reached by https: behind a proxy, many registries do not know that.
   */
  resolve(target: string | URL, base: URL = this.origin): URL {
    const url = new URL(target, base);
    if (
      url.hostname === this.origin.hostname &&
      url.protocol === "http:" &&
      this.origin.protocol === "https:"
    ) {
      url.protocol = "https:";
      if (url.port === "" || url.port === "80") url.port = this.origin.port;
    }
    return url;
  }

  close(): Promise<void> {
    return this.#wire.close();
  }

  async #attempt(call: Call): Promise<Answer> {
    const url = this.resolve(call.target);
    // An upload can continue on another host, which must not see the registry's credentials.
    const own = url.origin === this.origin.origin;
    const used = own ? await this.auth.authorization(call.scopes) : undefined;
    const first = await this.#follow(call, url, used);
    // After a redirect, the challenge of another host could name any token service.
    const challenged = first.status === 401 && first.context.url.origin === this.origin.origin;
    if (!challenged) return this.#expected(call, first);
    await first.discard();
    const renewed = await this.auth.renew(first.header("www-authenticate"), call.scopes, used);
    return this.#expected(call, renewed === undefined ? first : await this.#follow(call, url, renewed));
  }

  /** Follows redirects of reads. Never sends credentials to another origin, and never goes from https to http. */
  async #follow(call: Call, start: URL, authorization: string | undefined): Promise<Answer> {
    let url = start;
    let sent = authorization;
    for (let hop = 0; ; hop++) {
      const answer = await this.#send(call, url, sent);
      if (!REDIRECTS.has(answer.status) || (call.method !== "GET" && call.method !== "HEAD")) return answer;
      await answer.discard();
      const location = answer.header("location");
      if (location === undefined || !URL.canParse(location, url))
        throw answer.bad("a redirect without a valid location");
      if (hop === LONGEST_CHAIN) throw answer.bad(`more than ${LONGEST_CHAIN} redirects`);
      const next = this.resolve(location, url);
      if (next.protocol !== "https:" && (next.protocol !== "http:" || url.protocol === "https:")) {
        throw answer.bad("a redirect from https to http");
      }
      if (next.origin !== url.origin) sent = undefined;
      url = next;
    }
  }

  #send(call: Call, url: URL, authorization: string | undefined): Promise<Answer> {
    const { method, repository, headers, body } = call;
    return this.#wire.send({ registry: this.host, repository, method, url, headers, body, authorization });
  }

  async #expected(call: Call, answer: Answer): Promise<Answer> {
    if (call.expect.includes(answer.status)) return answer;
    await answer.discard();
    const caller = { ...this.auth.caller, role: "registry", now: this.#clock.now() } as const;
    throw answerError(answer, caller, (text) => this.#redactor.redact(text));
  }

  mismatch(answer: Answer, expected: string, actual: string): RegistryError {
    const { method, url } = answer.context;
    return requestError(answer.context, {
      code: "registry-digest-mismatch",
      status: answer.status,
      summary: `${this.host} answered ${method} ${safePath(url)} with ${actual} instead of ${expected}`,
      hint: "The content was changed in the registry or on the way. Do not use it; look for a proxy or cache in between.",
    });
  }
}

/** The target of the first link with `rel="next"`. @see https://www.rfc-editor.org/rfc/rfc8288 */
export function nextLink(header: string | undefined): string | undefined {
  for (const link of (header ?? "").matchAll(/<([^<>]*)>((?:[^",]|"[^"]*")*)/g)) {
    const [, target, parameters = ""] = link;
    if (/;\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next(?=[\s;]|$))/i.test(parameters)) return target;
  }
  return undefined;
}

/** Time and randomness, as an argument for tests. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  random(): number;
}

export const systemClock: Clock = {
  now: Date.now,
  sleep: (ms, signal) => delay(ms, undefined, { signal }),
  random: Math.random,
};

/** A registry that asks for a longer wait fails at once. */
const LONGEST_WAIT_MS = 60_000;

const FIRST_WAIT_MS = 400;
const LONGEST_BACKOFF_MS = 10_000;

export interface RetryPolicy {
  readonly attempts: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/**
 * How long to wait after a failed attempt: what the registry asked for, else a doubling backoff with a random part, so
 * that clients which failed together do not retry together.
 */
export function waitAfter(error: RegistryError, attempt: number, random: () => number): number {
  if (error.retryAfterMs !== undefined) return error.retryAfterMs;
  const full = Math.min(FIRST_WAIT_MS * 2 ** (attempt - 1), LONGEST_BACKOFF_MS);
  return Math.round(full / 2 + (full / 2) * random());
}

/**
 * Runs `run` until it succeeds, fails for good or attempts are used up. `run` must be safe to repeat.
 *
 * @throws RegistryError the last failure, no longer transient, so that an outer loop does not multiply attempts.
 */
export async function withRetries<T>(policy: RetryPolicy, run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof RegistryError) || !error.transient) throw error;
      if (attempt >= policy.attempts) throw error.final(attempt === 1 ? "1 attempt" : `${attempt} attempts`);
      const waitMs = waitAfter(error, attempt, policy.clock.random);
      if (waitMs > LONGEST_WAIT_MS) {
        const asked = Math.ceil(waitMs / 1000);
        throw error.final(
          `it asks to wait ${asked} s, and Slipway waits ${LONGEST_WAIT_MS / 1000} s at most`,
        );
      }
      await sleepUnlessCancelled(policy, waitMs, error);
    }
  }
}

async function sleepUnlessCancelled(policy: RetryPolicy, ms: number, error: RegistryError): Promise<void> {
  try {
    await policy.clock.sleep(ms, policy.signal);
  } catch (interrupted) {
    if (policy.signal?.aborted) throw error.final("stopped while waiting to retry");
    throw interrupted;
  }
}
