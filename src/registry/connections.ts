import { setMaxListeners } from "node:events";
import { Agent, type Dispatcher, EnvHttpProxyAgent, fetch as undiciFetch } from "undici";
import { isLoopbackHost } from "../plan/reference";
import { hostOf, RegistryError, type RequestContext, requestError } from "./errors";
import { oneLine, safePath } from "./redact";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Connections that honour HTTP_PROXY, HTTPS_PROXY and NO_PROXY; the lower-case variables take precedence. This machine
 * itself is always reached directly.
 */
export class Connections {
  readonly #direct: Dispatcher;
  readonly #proxied: Dispatcher;
  /** Schemes that have a proxy: `https:`. */
  readonly #schemes: ReadonlySet<string>;

  /** @throws Error for a proxy's invalid address, which it leaves out since it may hold a password */
  constructor(settings: Agent.Options, env: Environment = process.env) {
    const httpProxy = proxyAddress(env, "http_proxy");
    const httpsProxy = proxyAddress(env, "https_proxy");
    this.#direct = new Agent(settings);
    // As in curl and Go: a proxy of one scheme does not serve the other.
    this.#schemes = new Set([
      ...(httpProxy === undefined ? [] : ["http:"]),
      ...(httpsProxy === undefined ? [] : ["https:"]),
    ]);
    this.#proxied =
      this.#schemes.size === 0
        ? this.#direct
        : new EnvHttpProxyAgent({
            ...settings,
            // An empty string keeps the agent from reading the environment itself.
            httpProxy: httpProxy ?? "",
            httpsProxy: httpsProxy ?? "",
            noProxy: env.no_proxy ?? env.NO_PROXY ?? "",
          });
  }

  to(url: URL): Dispatcher {
    return isLoopbackHost(url.host) || !this.#schemes.has(url.protocol) ? this.#direct : this.#proxied;
  }

  async close(): Promise<void> {
    await Promise.all([...new Set([this.#direct, this.#proxied])].map((dispatcher) => dispatcher.destroy()));
  }
}

/** Adds `http://` where the scheme is missing, as curl does. */
function proxyAddress(env: Environment, name: string): string | undefined {
  const [lower, upper] = [env[name], env[name.toUpperCase()]];
  const written = (lower ?? upper)?.trim();
  if (!written) return undefined;
  const address = written.includes("://") ? written : `http://${written}`;
  if (/^(?:https?|socks5?):\/\/[^\s]+$/.test(address) && URL.canParse(address)) return address;
  const variable = lower === undefined ? name.toUpperCase() : name;
  throw new Error(`${variable} is not an address such as http://proxy.example:3128`);
}

/** `fetch` over `Connections`: Node's own ignores proxies before Node 24. */
export function proxyAwareFetch(env: Environment = process.env): typeof undiciFetch {
  const connections = new Connections({}, env);
  return (input, init) => {
    const url = new URL(typeof input === "object" && "url" in input ? input.url : input);
    return undiciFetch(input, { ...init, dispatcher: connections.to(url) });
  };
}

/**
 * A countdown that aborts a request. It runs only while Slipway waits for the registry: a transfer of gigabytes may
 * take an hour, but may not stall for longer than the deadline.
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
    // Each request in flight adds a listener; without this Node warns of a leak.
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

  pause(): void {
    clearTimeout(this.#timer);
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener("abort", this.#onOuterAbort);
  }
}

/** Failures after which the same request may succeed. */
const TRANSIENT = new Set([
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

const UNKNOWN_NAME = new Set(["ENOTFOUND", "EAI_NONAME"]);

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

/** The error for a request that got no whole answer. */
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
      hint: `Check that ${url.origin}/v2/ answers from this machine (network, proxy, the registry's status page), then run the same command again.`,
    });
  }
  const code = codeOf(error);
  const text = error instanceof Error && error.message !== "" ? oneLine(error.message) : code;
  return requestError(context, {
    code: "registry-unreachable",
    summary: `${host} could not be reached for ${request}: ${text}${text.includes(code) ? "" : ` [${code}]`}`,
    hint: hintFor(code, url),
    transient: TRANSIENT.has(code),
  });
}

function hintFor(code: string, url: URL): string {
  if (UNKNOWN_NAME.has(code)) return `Check the registry's host name: ${url.hostname} has no address.`;
  if (WRONG_PROTOCOL.test(code)) {
    return url.protocol === "https:"
      ? "The registry may speak plain HTTP: set plainHttp for it if that is intended."
      : "The registry may speak TLS: unset plainHttp for it.";
  }
  if (CERTIFICATE.test(code)) {
    return "This machine does not trust its certificate: set NODE_EXTRA_CA_CERTS to the file of the authority that issued it.";
  }
  return "Check the network, the proxy settings (HTTPS_PROXY, NO_PROXY) and the registry's host and port.";
}
