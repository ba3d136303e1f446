import { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import { Answer } from "./answer";
import { Deadline } from "./deadline";
import { networkError, type RequestContext } from "./network-errors";
import { Outward } from "./outward";
import { oneLine, type Redactor, safePath } from "./redact";

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";

/** One request as it was answered, for diagnostics: no header, no secret. */
export interface RequestEntry {
  readonly method: string;
  /** The host spoken to, which may be a token service or a CDN. */
  readonly host: string;
  readonly path: string;
  /** Absent where there was no answer. */
  readonly status?: number;
  /** When it was sent, ISO 8601, UTC. */
  readonly at: string;
  /** How long the answer took. */
  readonly ms: number;
  /** The beginning of an error's body, or why there was no answer. */
  readonly body?: string;
}

/** A body that is produced while it is sent. */
export interface StreamBody {
  readonly size: number;
  readonly open: () => Promise<AsyncIterable<Uint8Array>>;
}

export interface WireRequest extends RequestContext {
  readonly method: Method;
  readonly headers?: Readonly<Record<string, string>>;
  readonly authorization?: string;
  readonly body?: Uint8Array | StreamBody;
}

export interface WireOptions {
  /** The longest silence. @default 30000 */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
  readonly onRequest?: (entry: RequestEntry) => void;
  /** Connections. @default kept alive, through HTTP(S)_PROXY where it is set and the host is not this machine */
  readonly dispatcher?: Dispatcher;
}

const DEADLINE_MS = 30_000;
/** Enough of an error's body to recognise what answered, even an HTML page. */
const DIAGNOSTIC_TEXT = 2000;
/** Silence is counted here. */
const CONNECTION = { keepAliveTimeout: 10_000, headersTimeout: 0, bodyTimeout: 0 };

/** Single requests: connections, deadline, diagnostics. No authentication, redirects or retries. */
export class Wire {
  readonly #options: WireOptions;
  readonly #redactor: Redactor;
  readonly #connections: Pick<Outward, "to" | "close">;

  constructor(options: WireOptions, redactor: Redactor) {
    this.#options = options;
    this.#redactor = redactor;
    const { dispatcher } = options;
    this.#connections =
      dispatcher === undefined ? new Outward(CONNECTION) : { to: () => dispatcher, close: async () => {} };
  }

  /** @throws RegistryError where there is no answer; any answer is returned. */
  async send(request: WireRequest): Promise<Answer> {
    const deadlineMs = this.#options.deadlineMs ?? DEADLINE_MS;
    const deadline = new Deadline(deadlineMs, this.#options.signal);
    const started = performance.now();
    const at = new Date().toISOString();
    const { method, url } = request;
    const entry = (): RequestEntry => ({
      method,
      host: url.host,
      path: safePath(url),
      at,
      ms: Math.round(performance.now() - started),
    });
    const upload = new Upload(request.body, deadline);
    try {
      deadline.start();
      const data = await this.#connections.to(url).request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method,
        headers: {
          "user-agent": "slipway",
          ...request.headers,
          ...upload.headers,
          ...(request.authorization === undefined ? {} : { authorization: request.authorization }),
        },
        body: await upload.body(),
        signal: deadline.signal,
      });
      const answer = await Answer.of(request, data, deadline, deadlineMs);
      const text = oneLine(this.#redactor.redact(answer.errorText), DIAGNOSTIC_TEXT);
      this.#options.onRequest?.({
        ...entry(),
        status: answer.status,
        ...(text === "" ? {} : { body: text }),
      });
      return answer;
    } catch (error) {
      deadline.dispose();
      const failure = networkError(request, deadline, deadlineMs, upload.failure ?? error);
      this.#options.onRequest?.({ ...entry(), body: failure.summary });
      throw failure;
    }
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }
}

/** A request's body; it remembers whether its source failed, which is not the receiver's fault. */
class Upload {
  failure: unknown;
  readonly headers: Record<string, string>;
  readonly #source: Uint8Array | StreamBody | undefined;
  readonly #deadline: Deadline;

  constructor(source: Uint8Array | StreamBody | undefined, deadline: Deadline) {
    this.#source = source;
    this.#deadline = deadline;
    const size =
      source === undefined ? undefined : source instanceof Uint8Array ? source.length : source.size;
    this.headers = size === undefined ? {} : { "content-length": String(size) };
  }

  async body(): Promise<Uint8Array | Readable | null> {
    if (this.#source === undefined || this.#source instanceof Uint8Array) return this.#source ?? null;
    try {
      this.#deadline.pause();
      const chunks = await this.#source.open();
      this.#deadline.start();
      return Readable.from(this.#paced(chunks), { objectMode: false });
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }

  /** The countdown stands still while the source is read, and restarts with every chunk. */
  async *#paced(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      this.#deadline.pause();
      for await (const chunk of chunks) {
        this.#deadline.start();
        yield chunk;
        this.#deadline.pause();
      }
    } catch (error) {
      this.failure = error;
      throw error;
    } finally {
      this.#deadline.start();
    }
  }
}
