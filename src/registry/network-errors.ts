import { setMaxListeners } from "node:events";
import { hostOf, RegistryError, type RequestContext, requestError } from "./errors";
import { oneLine, safePath } from "./redact";

/**
 * A countdown that aborts. It runs only while Slipway waits for the other side: a transfer of gigabytes may take an
 * hour, but never stand still for longer than the deadline.
 */
export class Deadline {
  readonly #controller = new AbortController();
  readonly ms: number;
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
    this.ms = ms;
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

  start(): void {
    clearTimeout(this.#timer);
    if (this.#disposed) return;
    this.#timer = setTimeout(() => {
      this.expired = true;
      this.#controller.abort(new Error(`no answer within ${this.ms} ms`));
    }, this.ms);
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

const BROKEN = new Set([
  "ECONNRESET",
  "ECONNREFUSED",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EAI_AGAIN",
  "UND_ERR_SOCKET",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_CLOSED",
  "UND_ERR_DESTROYED",
  "UND_ERR_ABORTED",
]);

const NAME = new Set(["ENOTFOUND", "EAI_NONAME"]);

/** What Node and undici report when one side speaks TLS and the other does not. */
const WRONG_PROTOCOL = /^(EPROTO|HPE_|ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG)/;
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET)|ERR_TLS/;

function codeOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof AggregateError && at.errors[0] instanceof Error) return codeOf(at.errors[0]);
    if ("code" in at && typeof at.code === "string") return at.code;
  }
  return "";
}

export function networkError(context: RequestContext, deadline: Deadline, error: unknown): RegistryError {
  if (error instanceof RegistryError) return error;
  const { method, url } = context;
  const request = `${method} ${safePath(url)}`;
  const host = hostOf(context);
  if (deadline.cancelled) {
    return requestError(context, {
      code: "registry-cancelled",
      summary: `${request} to ${host} was stopped`,
    });
  }
  if (deadline.expired) {
    return requestError(context, {
      code: "registry-deadline",
      summary: `${host} was silent for ${deadline.ms / 1000} s on ${request}`,
      hint: `Look whether ${url.origin}/v2/ answers from this machine (network, proxy, the registry's status page), then run the same again.`,
    });
  }
  const code = codeOf(error);
  const text = error instanceof Error && error.message !== "" ? oneLine(error.message) : code;
  return requestError(context, {
    code: "registry-unreachable",
    summary: `${host} could not be reached for ${request}: ${text}${text.includes(code) ? "" : ` [${code}]`}`,
    hint: hintFor(code, url),
    transient: BROKEN.has(code),
  });
}

function hintFor(code: string, url: URL): string {
  if (NAME.has(code)) return `Check the registry's host name: ${url.hostname} has no address.`;
  if (WRONG_PROTOCOL.test(code)) {
    return url.protocol === "https:"
      ? "The registry may speak plain HTTP: set plainHttp for it if that is meant."
      : "The registry may speak TLS: unset plainHttp for it.";
  }
  if (CERTIFICATE.test(code)) {
    return "Its certificate is not trusted here: set NODE_EXTRA_CA_CERTS to the file of the authority that issued it.";
  }
  return "Check the network, the proxy settings (HTTPS_PROXY, NO_PROXY) and the registry's host and port.";
}
