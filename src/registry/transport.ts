import pLimit from "p-limit";
import { answerError } from "./answer-errors";
import { Authenticator, type CredentialsSource } from "./auth";
import type { Scope } from "./challenge";
import { type RegistryError, requestError } from "./errors";
import { type Answer, type Method, type StreamBody, Wire, type WireOptions } from "./http";
import { Redactor, safePath } from "./redact";
import { type Clock, type RetryPolicy, systemClock, withRetries } from "./retry";

export interface TransportOptions extends WireOptions {
  readonly host: string;
  /** Where the API answers: `https://registry-1.docker.io`. */
  readonly origin: string;
  readonly credentials: CredentialsSource;
  /** Attempts for each request, the first included. @default 4 */
  readonly attempts?: number;
  /** @default the system's */
  readonly clock?: Clock;
}

/** The API of one repository. Its name has been checked, so it needs no escaping in URLs. */
export interface RepositoryApi {
  readonly transport: Transport;
  readonly repository: string;
}

export interface Call {
  readonly method: Method;
  /** Path and query, or a URL that the registry named. */
  readonly target: string | URL;
  readonly repository?: string;
  readonly scopes: readonly Scope[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | StreamBody;
  readonly expect: readonly number[];
}

const ATTEMPTS = 4;
/** Concurrent requests with small answers; the callers count streams. */
const CONCURRENCY = 32;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const LONGEST_CHAIN = 5;

/** The API with authentication, redirects and retries. */
export class Transport {
  readonly host: string;
  readonly origin: URL;
  readonly auth: Authenticator;
  /** False once the registry has answered that it does not know the referrers API. */
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
      clock: this.#clock,
      redactor: this.#redactor,
    });
    this.#policy = {
      attempts: options.attempts ?? ATTEMPTS,
      clock: this.#clock,
      signal: options.signal,
    };
  }

  /** Runs several requests as one that starts over when any of them fails for the moment. */
  retrying<T>(run: () => Promise<T>): Promise<T> {
    return withRetries(this.#policy, run);
  }

  /** One call, with retries, its body read by `read`. */
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

  /** One call, with retries until it answers; the body is the caller's to read. */
  open(call: Call): Promise<Answer> {
    return this.retrying(() => this.#attempt(call));
  }

  /** Whatever a request without credentials is answered, 401 included; with retries. */
  plain(target: string): Promise<Answer> {
    const call: Call = { method: "GET", target, scopes: [], expect: [200, 401] };
    return this.retrying(async () =>
      this.#expected(call, await this.#send(call, this.resolve(target), undefined)),
    );
  }

  /**
   * A URL that the registry named, relative or absolute. One on the registry's own host is asked as the registry is:
   * behind a proxy many do not know that they are reached by TLS.
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

  async close(): Promise<void> {
    await this.#wire.close();
  }

  async #attempt(call: Call): Promise<Answer> {
    const url = this.resolve(call.target);
    // Credentials are the registry's own: an upload that continues elsewhere goes there without them.
    const own = url.origin === this.origin.origin;
    const used = own ? await this.auth.authorization(call.scopes) : undefined;
    const first = await this.#follow(call, url, used);
    // A challenge counts only from the registry itself: after a redirect it could name any token service.
    const challenged = first.status === 401 && first.context.url.origin === this.origin.origin;
    if (!challenged) return this.#expected(call, first);
    await first.discard();
    const renewed = await this.auth.renew(first.header("www-authenticate"), call.scopes, used);
    return this.#expected(call, renewed === undefined ? first : await this.#follow(call, url, renewed));
  }

  /** Follows redirects of reads. Another origin never sees the credentials, and TLS is never left. */
  async #follow(call: Call, start: URL, authorization: string | undefined): Promise<Answer> {
    let url = start;
    let sent = authorization;
    for (let hop = 0; ; hop++) {
      const answer = await this.#send(call, url, sent);
      if (!REDIRECTS.has(answer.status) || (call.method !== "GET" && call.method !== "HEAD")) return answer;
      await answer.discard();
      const location = answer.header("location");
      if (location === undefined || !URL.canParse(location, url)) throw answer.bad("a redirect to nowhere");
      if (hop === LONGEST_CHAIN) throw answer.bad(`more than ${LONGEST_CHAIN} redirects`);
      const next = this.resolve(location, url);
      if (next.protocol !== "https:" && (next.protocol !== "http:" || url.protocol === "https:")) {
        throw answer.bad("a redirect away from TLS");
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

  mismatch(answer: Answer, wanted: string, got: string): RegistryError {
    const { method, url } = answer.context;
    return requestError(answer.context, {
      code: "registry-digest-mismatch",
      status: answer.status,
      summary: `${this.host} answered ${method} ${safePath(url)} with ${got}, and ${wanted} was asked for`,
      hint: "Content was changed on its way or in the registry: do not use it; look for a proxy or cache in between.",
    });
  }
}
