/** Names of registries, repositories and tags, in the grammar of the OCI distribution specification. */

const DOCKER_HUB_HOSTS = new Set([
  "docker.io",
  "index.docker.io",
  "registry-1.docker.io",
  "registry.hub.docker.com",
]);

/** Lower-cases a host, and makes `docker.io` of any of Docker Hub's names. */
export function normalizeHost(host: string): string {
  const lower = host.toLowerCase();
  return DOCKER_HUB_HOSTS.has(lower) ? "docker.io" : lower;
}

/** The host of the distribution API, which for Docker Hub is not `docker.io`. */
export function apiHost(host: string): string {
  return normalizeHost(host) === "docker.io" ? "registry-1.docker.io" : host.toLowerCase();
}

/** `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`, OCI's grammar of a tag. */
export const TAG_PATTERN = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
/** The pattern in words, for messages. */
export const TAG_GRAMMAR = 'at most 128 of A-Z a-z 0-9 . _ -, and neither "." nor "-" first';

/** OCI's grammar of a repository path, without the host. */
export const REPOSITORY_PATTERN =
  /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;

/** A DNS name, an IPv4 address or a bracketed IPv6 address, with an optional port. */
export const HOST_PATTERN =
  /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:]+\])(?::[0-9]{1,5})?$/i;

export interface RepositoryName {
  /** Normalised host, with its port: `ghcr.io`, `docker.io`, `localhost:5000`. */
  readonly host: string;
  /** Path within the registry: `octo/app`, `library/node`. */
  readonly path: string;
}

export interface Reference extends RepositoryName {
  readonly tag?: string;
  readonly digest?: string;
}

/** `host/path`, for messages and as a key. */
export function repositoryKey(name: RepositoryName): string {
  return `${name.host}/${name.path}`;
}

/**
 * Reads `[host/]path[:tag][@digest]` as Docker does: the default host is Docker Hub, where a bare name is in `library/`.
 *
 * @throws TypeError for a part that breaks OCI's grammar.
 */
export function parseReference(text: string): Reference {
  const at = text.indexOf("@");
  const digest = at === -1 ? undefined : text.slice(at + 1);
  const named = at === -1 ? text : text.slice(0, at);
  const colon = named.lastIndexOf(":");
  const hasTag = colon > named.lastIndexOf("/");
  const tag = hasTag ? named.slice(colon + 1) : undefined;
  const name = hasTag ? named.slice(0, colon) : named;

  const slash = name.indexOf("/");
  const first = slash === -1 ? "" : name.slice(0, slash);
  const firstIsHost = first.includes(".") || first.includes(":") || first === "localhost";
  const host = normalizeHost(firstIsHost ? first : "docker.io");
  const rest = firstIsHost ? name.slice(slash + 1) : name;
  const path = host === "docker.io" && !rest.includes("/") ? `library/${rest}` : rest;

  const wrong =
    (!HOST_PATTERN.test(host) && "registry host") ||
    ((!REPOSITORY_PATTERN.test(path) || path.length > 255) && "repository") ||
    (tag !== undefined && !TAG_PATTERN.test(tag) && "tag") ||
    (digest !== undefined && !/^sha256:[0-9a-f]{64}$/.test(digest) && "digest");
  if (wrong) throw new TypeError(`${JSON.stringify(text)} is not an image reference: bad ${wrong}`);
  return { host, path, tag, digest };
}

/** The full reference, with its host, and with the tag `latest` if it has neither tag nor digest. */
export function referenceText({ tag, digest, ...name }: Reference): string {
  const shownTag = tag ?? (digest === undefined ? "latest" : undefined);
  return `${repositoryKey(name)}${shownTag === undefined ? "" : `:${shownTag}`}${digest === undefined ? "" : `@${digest}`}`;
}

export function isReference(text: string): boolean {
  try {
    parseReference(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether a registry's host is this machine: `localhost`, `*.localhost`, 127.0.0.0/8, `[::1]`, with or without a port. */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase().replace(/:[0-9]+$/, "");
  return (
    name === "localhost" ||
    name.endsWith(".localhost") ||
    name === "[::1]" ||
    /^127(?:\.[0-9]{1,3}){3}$/.test(name)
  );
}

/** The short form of ssh: `user@host:path`. */
const SCP_LIKE = /^(?:[^@/\s]+@)?([A-Za-z0-9.-]+):(?!\/\/)(.+)$/;

/** Host (without port) and path of a git remote; both are empty for a local path. */
export function hostAndPath(remote: string): { readonly host: string; readonly path: string } {
  const scp = SCP_LIKE.exec(remote);
  if (scp !== null) return { host: (scp[1] ?? "").toLowerCase(), path: scp[2] ?? "" };
  if (!URL.canParse(remote)) return { host: "", path: "" };
  const url = new URL(remote);
  return { host: url.hostname.toLowerCase(), path: url.pathname };
}

/** Hosts for ssh through port 443, where no web pages are. */
const SSH_HOSTS = /^(?:ssh\.(?=github\.com$)|altssh\.(?=(?:gitlab\.com|bitbucket\.org)$))/;

/**
 * The web page of a remote. Undefined for a local path, and for an abbreviation from this machine's ssh or git
 * configuration (`work:octo/app`, `gh://octo/app`).
 *
 * @param remote without credentials
 */
export function pageAddress(remote: string): string | undefined {
  const scp = SCP_LIKE.exec(remote);
  const isKnown =
    scp === null ? /^(?:https?|ssh|git|git\+ssh):\/\//.test(remote) : scp[1]?.includes(".") === true;
  const address = sourceAddress(remote);
  return isKnown && /^https?:\/\/[^/]+\/./.test(address) ? address : undefined;
}

/**
 * The same address for a repository, however it was cloned: `https://github.com/octo/app` for
 * `https://github.com/octo/app.git`, `git@github.com:octo/app.git` and `ssh://git@github.com/octo/app`. A local path is
 * returned unchanged.
 *
 * @param remote without credentials
 */
export function sourceAddress(remote: string): string {
  const { host, path } = hostAndPath(remote);
  const trimmed = path.replace(/^\/+|\/+$/g, "").replace(/\.git$/, "");
  if (host === "" || trimmed === "") return remote;
  if (!/^https?:\/\//.test(remote)) return `https://${host.replace(SSH_HOSTS, "")}/${trimmed}`;
  const { protocol, host: withPort } = new URL(remote);
  return `${protocol}//${withPort}/${trimmed}`;
}
