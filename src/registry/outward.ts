import { Agent, type Dispatcher, EnvHttpProxyAgent, fetch as fetchBy } from "undici";
import { isLoopbackHost } from "../plan/reference";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The connections to everything that is not this machine: through HTTP_PROXY and HTTPS_PROXY where they are set, but
 * for the hosts of NO_PROXY. In small letters they win. This machine itself is always spoken to directly.
 */
export class Outward {
  readonly #direct: Dispatcher;
  readonly #proxied: Dispatcher;
  /** Schemes that have a proxy, `https:`. */
  readonly #schemes: ReadonlySet<string>;

  /** @param settings of every connection @throws Error for a proxy's address that is none, without the address */
  constructor(settings: Agent.Options, env: Environment = process.env) {
    const httpProxy = proxyOf(env, "http_proxy");
    const httpsProxy = proxyOf(env, "https_proxy");
    this.#direct = new Agent(settings);
    // As curl and Go's programs: a proxy for one scheme is none for the other.
    this.#schemes = new Set([
      ...(httpProxy === undefined ? [] : ["http:"]),
      ...(httpsProxy === undefined ? [] : ["https:"]),
    ]);
    this.#proxied =
      this.#schemes.size === 0
        ? this.#direct
        : new EnvHttpProxyAgent({
            ...settings,
            // Empty, so that it does not look into the environment itself.
            ...{ httpProxy: httpProxy ?? "", httpsProxy: httpsProxy ?? "" },
            noProxy: env.no_proxy ?? env.NO_PROXY ?? "",
          });
  }

  to(url: URL): Dispatcher {
    return isLoopbackHost(url.host) || !this.#schemes.has(url.protocol) ? this.#direct : this.#proxied;
  }

  async close(): Promise<void> {
    await Promise.all([...new Set([this.#direct, this.#proxied])].map((one) => one.destroy()));
  }
}

/** An address, with `http://` where it has no scheme, as curl takes it; it may hold a password. */
function proxyOf(env: Environment, name: string): string | undefined {
  const [lower, upper] = [env[name], env[name.toUpperCase()]];
  const written = (lower ?? upper)?.trim();
  if (!written) return undefined;
  const address = written.includes("://") ? written : `http://${written}`;
  if (/^(?:https?|socks5?):\/\/[^\s]+$/.test(address) && URL.canParse(address)) return address;
  const variable = lower === undefined ? name.toUpperCase() : name;
  throw new Error(`${variable} is not an address such as http://proxy.example:3128`);
}

/** `fetch`, by the same connections. Node's own knows of no proxy before Node 24. */
export function outwardFetch(env: Environment = process.env): typeof fetchBy {
  const outward = new Outward({}, env);
  return (input, init) => {
    const url = new URL(typeof input === "object" && "url" in input ? input.url : input);
    return fetchBy(input, { ...init, dispatcher: outward.to(url) });
  };
}
