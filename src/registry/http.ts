import { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import { Connections, Deadline, networkError } from "./connections";
import { hostOf, type RegistryError, type RequestContext, requestError } from "./errors";
import { oneLine, type Redactor, safePath } from "./redact";

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";

/** One request and its answer, for diagnostics: no header and no secret. */
export interface RequestEntry {
  readonly method: string;
  /** May be a token service or a CDN. */
  readonly host: string;
  readonly path: string;
  readonly status?: number;
  /** When it was sent, ISO 8601, UTC. */
  readonly at: string;
  readonly ms: number;
  /** The start of an error's body, or why there was no answer. */
  readonly body?: string;
}

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
  /** The longest time without a byte from the other side. @default 30000 */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
  readonly onRequest?: (entry: RequestEntry) => void;
  /** @default `Connections`, kept alive */
  readonly dispatcher?: Dispatcher;
}

const DEADLINE_MS = 30_000;
/** Enough of an error's body to recognise what answered, even if it is an HTML page. */
const DIAGNOSTIC_TEXT = 2000;
/** undici's own timeouts are off: `Deadline` replaces them. */
const CONNECTION = { keepAliveTimeout: 10_000, headersTimeout: 0, bodyTimeout: 0 };

/** Single requests: connections, deadline, diagnostics. No authentication, redirects or retries. */
export class Wire {
  readonly #options: WireOptions;
  readonly #redactor: Redactor;
  readonly #connections: Pick<Connections, "to" | "close">;

  constructor(options: WireOptions, redactor: Redactor) {
    this.#options = options;
    this.#redactor = redactor;
    const { dispatcher } = options;
    this.#connections =
      dispatcher === undefined
        ? new Connections(CONNECTION)
        : { to: () => dispatcher, close: async () => {} };
  }

  /** Returns any answer, errors included. @throws RegistryError where there is none */
  async send(request: WireRequest): Promise<Answer> {
    const deadline = new Deadline(this.#options.deadlineMs ?? DEADLINE_MS, this.#options.signal);
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
          authorization: request.authorization,
        },
        body: await upload.body(),
        signal: deadline.signal,
      });
      const answer = await Answer.of(request, data, deadline);
      const text = oneLine(this.#redactor.redact(answer.errorText), DIAGNOSTIC_TEXT);
      this.#options.onRequest?.({ ...entry(), status: answer.status, body: text === "" ? undefined : text });
      return answer;
    } catch (error) {
      deadline.dispose();
      const failure = networkError(request, deadline, upload.failure ?? error);
      this.#options.onRequest?.({ ...entry(), body: failure.summary });
      throw failure;
    }
  }

  close(): Promise<void> {
    return this.#connections.close();
  }
}

/** A request's body. It keeps its source's failure, so that the receiver is not blamed for it. */
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

  /** The deadline pauses while the source is read, and restarts with each chunk. */
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

/** An HTTP answer. Its body must be read or discarded. */
export class Answer {
  readonly status: number;
  readonly context: RequestContext;
  /** The start of an error's body, which has been read already; empty for a success. */
  errorText = "";
  readonly #data: Dispatcher.ResponseData;
  readonly #deadline: Deadline;

  private constructor(context: RequestContext, data: Dispatcher.ResponseData, deadline: Deadline) {
    this.status = data.statusCode;
    this.context = context;
    this.#data = data;
    this.#deadline = deadline;
    // An abandoned body emits an error, which would otherwise end the process.
    data.body.on("error", () => {});
  }

  /** Reads an error's body at once, which frees the connection. */
  static async of(
    context: RequestContext,
    data: Dispatcher.ResponseData,
    deadline: Deadline,
  ): Promise<Answer> {
    const answer = new Answer(context, data, deadline);
    if (data.statusCode < 400) return answer;
    const bytes = await answer.bytes(64 * 1024).catch(() => new Uint8Array());
    answer.errorText = Buffer.from(bytes).toString("utf8");
    return answer;
  }

  header(name: string): string | undefined {
    const value = this.#data.headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  }

  get length(): number | undefined {
    const text = this.header("content-length");
    return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  }

  /** Without parameters. */
  get mediaType(): string | undefined {
    return this.header("content-type")?.split(";")[0]?.trim().toLowerCase();
  }

  /** The whole body. @throws RegistryError `registry-too-large` above `limit` bytes. */
  async bytes(limit: number): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    try {
      if ((this.length ?? 0) > limit && this.context.method !== "HEAD") throw this.#tooLarge(limit);
      for await (const chunk of this.#data.body) {
        size += chunk.length;
        if (size > limit) throw this.#tooLarge(limit);
        chunks.push(chunk);
      }
    } catch (error) {
      this.#data.body.destroy();
      throw networkError(this.context, this.#deadline, error);
    } finally {
      this.#deadline.dispose();
    }
    return Buffer.concat(chunks, size);
  }

  /** The whole body as JSON. @throws RegistryError `registry-too-large`, `registry-bad-answer` */
  async json(limit: number): Promise<unknown> {
    return this.parse(await this.bytes(limit));
  }

  parse(bytes: Uint8Array): unknown {
    try {
      return JSON.parse(Buffer.from(bytes).toString("utf8"));
    } catch {
      throw this.bad(`something that is not JSON (${this.mediaType ?? "no type"})`);
    }
  }

  /** The body piece by piece. The deadline pauses while the consumer works. */
  async *stream(): AsyncGenerator<Uint8Array, void, undefined> {
    const chunks: AsyncIterator<Uint8Array> = this.#data.body[Symbol.asyncIterator]();
    try {
      for (;;) {
        this.#deadline.start();
        const next = await chunks.next();
        this.#deadline.pause();
        if (next.done) return;
        yield next.value;
      }
    } catch (error) {
      throw networkError(this.context, this.#deadline, error);
    } finally {
      this.#deadline.dispose();
      this.#data.body.destroy();
    }
  }

  /** Reads a short remainder, so that the connection can be reused; closes it for a long one. */
  async discard(): Promise<void> {
    try {
      if (!this.#data.body.destroyed && !this.#data.body.readableEnded)
        await this.#data.body.dump({ limit: 65_536 });
    } catch {
      // The next request reports a broken connection.
    } finally {
      this.#deadline.dispose();
    }
  }

  /** The error for an answer that breaks the specification. */
  bad(
    what: string,
    hint = "A proxy or a login page between this machine and the registry may have answered instead.",
  ): RegistryError {
    return requestError(this.context, {
      code: "registry-bad-answer",
      status: this.status,
      summary: `${this.#subject()} with ${what}`,
      hint,
    });
  }

  #tooLarge(limit: number): RegistryError {
    return requestError(this.context, {
      code: "registry-too-large",
      summary: `${this.#subject()} with more than ${limit} bytes`,
    });
  }

  #subject(): string {
    const { method, url } = this.context;
    return `${hostOf(this.context)} answered ${method} ${safePath(url)}`;
  }
}
