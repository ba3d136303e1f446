import type { Dispatcher } from "undici";
import type { Deadline } from "./deadline";
import { RegistryError } from "./errors";
import { hostOf, networkError, type RequestContext } from "./network-errors";
import { safePath } from "./redact";

/** An HTTP answer whose body has not been read yet. It must be read or discarded. */
export class Answer {
  readonly status: number;
  readonly context: RequestContext;
  /** The body's beginning where the status is an error; it has been read then. */
  readonly errorText: string;
  readonly #data: Dispatcher.ResponseData;
  readonly #deadline: Deadline;
  readonly #deadlineMs: number;

  private constructor(
    context: RequestContext,
    data: Dispatcher.ResponseData,
    deadline: Deadline,
    deadlineMs: number,
    errorText: string,
  ) {
    this.status = data.statusCode;
    this.context = context;
    this.errorText = errorText;
    this.#data = data;
    this.#deadline = deadline;
    this.#deadlineMs = deadlineMs;
    // An abandoned body emits an error, which would be unhandled.
    data.body.on("error", () => {});
  }

  /** Reads an error's body at once, so that its text is there and the connection is free. */
  static async of(
    context: RequestContext,
    data: Dispatcher.ResponseData,
    deadline: Deadline,
    deadlineMs: number,
  ): Promise<Answer> {
    const answer = new Answer(context, data, deadline, deadlineMs, "");
    if (data.statusCode < 400) return answer;
    const text = await answer.bytes(64 * 1024).then(
      (bytes) => Buffer.from(bytes).toString("utf8"),
      () => "",
    );
    return new Answer(context, data, deadline, deadlineMs, text);
  }

  header(name: string): string | undefined {
    const value = this.#data.headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  }

  /** `Content-Length`, where it was sent. */
  get length(): number | undefined {
    const text = this.header("content-length");
    return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  }

  /** The media type of the body, without its parameters. */
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
      throw networkError(this.context, this.#deadline, this.#deadlineMs, error);
    } finally {
      this.#deadline.dispose();
    }
    return Buffer.concat(chunks, size);
  }

  /** The body piece by piece; the deadline counts only the time that Slipway waits for the registry. */
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
      throw networkError(this.context, this.#deadline, this.#deadlineMs, error);
    } finally {
      this.#deadline.dispose();
      this.#data.body.destroy();
    }
  }

  /** Reads a short rest, so that the connection can be used again; a long one is cut off. */
  async discard(): Promise<void> {
    try {
      if (!this.#data.body.destroyed && !this.#data.body.readableEnded)
        await this.#data.body.dump({ limit: 65_536 });
    } catch {
      // The body is not needed; a broken connection shows with the next request.
    } finally {
      this.#deadline.dispose();
    }
  }

  /** An error about this answer: it breaks the specification. */
  bad(
    what: string,
    hint = "Something between this machine and the registry may answer in its place (proxy, login page).",
  ): RegistryError {
    const { registry, repository, method, url } = this.context;
    return new RegistryError({
      code: "registry-bad-answer",
      registry,
      repository,
      status: this.status,
      method,
      path: safePath(url),
      summary: `${hostOf(this.context)} answered ${method} ${safePath(url)} with ${what}`,
      hint,
    });
  }

  #tooLarge(limit: number): RegistryError {
    const { registry, repository, method, url } = this.context;
    return new RegistryError({
      code: "registry-too-large",
      registry,
      repository,
      method,
      path: safePath(url),
      summary: `${hostOf(this.context)} answered ${method} ${safePath(url)} with more than ${limit} bytes`,
    });
  }
}
