import { isLoopbackHost } from "../../plan/loopback";
import { UsageError } from "./problems";

/** Which GitHub is spoken to. */
export interface Server {
  /** `github.com`, or an Enterprise server's host. */
  readonly host: string;
  /** Without a slash at its end: `https://api.github.com`, `https://github.example/api/v3`. */
  readonly apiUrl: string;
}

const PUBLIC: Server = { host: "github.com", apiUrl: "https://api.github.com" };

/**
 * The server of `--api-url`, then of the repository's own host (`--repo host/owner/name`), `GITHUB_API_URL`, `GH_HOST`;
 * else github.com.
 *
 * @throws UsageError for an address that is none, or that would carry the token without TLS to another machine
 */
export function serverFor(asked: {
  readonly apiUrl?: string;
  readonly host?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}): Server {
  const { apiUrl, host, env } = asked;
  if (apiUrl !== undefined) return serverAt(apiUrl, "--api-url");
  if (host !== undefined) return serverOf(host);
  if (env.GITHUB_API_URL) return serverAt(env.GITHUB_API_URL, "GITHUB_API_URL");
  return env.GH_HOST ? serverOf(env.GH_HOST) : PUBLIC;
}

function serverAt(text: string, from: string): Server {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== "" || url.search !== "")
    throw new UsageError(`${from}: ${JSON.stringify(text)} is not an address such as ${PUBLIC.apiUrl}`);
  if (url.protocol === "http:" && !isLoopbackHost(url.host))
    throw new UsageError(`${from}: ${text} would carry the token in plain text; use https`);
  return { host: url.host.replace(/^api\.(?=.)/, ""), apiUrl: text.replace(/\/+$/, "") };
}

function serverOf(host: string): Server {
  const name = host.toLowerCase();
  if (!/^[a-z0-9.-]+(?::[0-9]{1,5})?$/.test(name))
    throw new UsageError(`${JSON.stringify(host)} is not a GitHub server's host`);
  if (name === PUBLIC.host) return PUBLIC;
  // GitHub's own cloud for enterprises has its API beside it, an Enterprise server below it.
  return name.endsWith(".ghe.com")
    ? { host: name, apiUrl: `https://api.${name}` }
    : { host: name, apiUrl: `https://${name}/api/v3` };
}
