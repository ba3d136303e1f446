import { setMaxListeners } from "node:events";

/**
 * A countdown that aborts. It runs only while Slipway waits for the other side: a transfer of gigabytes may take an
 * hour, but never stand still for longer than the deadline.
 */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #ms: number;
  readonly #outer: AbortSignal | undefined;
  readonly #onOuterAbort = () => {
    this.cancelled = true;
    this.#controller.abort(this.#outer?.reason);
  };
  #timer: NodeJS.Timeout | undefined;
  #disposed = false;
  expired = false;
  cancelled = false;

  constructor(ms: number, outer?: AbortSignal) {
    this.#ms = ms;
    this.#outer = outer;
    if (outer === undefined) return;
    // One listener per request in flight is no leak.
    setMaxListeners(0, outer);
    if (outer.aborted) this.#onOuterAbort();
    else outer.addEventListener("abort", this.#onOuterAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Restarts the countdown. */
  start(): void {
    clearTimeout(this.#timer);
    if (this.#disposed) return;
    this.#timer = setTimeout(() => {
      this.expired = true;
      this.#controller.abort(new Error(`no answer within ${this.#ms} ms`));
    }, this.#ms);
  }

  /** Stops the countdown while the next step is ours. */
  pause(): void {
    clearTimeout(this.#timer);
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener("abort", this.#onOuterAbort);
  }
}
