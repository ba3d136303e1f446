import { hostAndPath } from "../plan/source-address";

/** A remote's URL without user, password, query and fragment; a path or ssh's short form stays as it is. */
export function withoutCredentials(remote: string): string {
  if (!URL.canParse(remote)) return remote;
  const url = new URL(remote);
  url.password = "";
  // ssh's user is no secret, and part of the address; an https user is often the token itself.
  if (url.protocol !== "ssh:") url.username = "";
  url.search = "";
  url.hash = "";
  return url.toString();
}

/**
 * `owner/name` of a repository on github.com, by https, ssh or git; undefined for any other remote.
 *
 * @param server an Enterprise server's host in place of github.com
 */
export function githubRepository(remote: string, server = "github.com"): string | undefined {
  const { host, path } = hostAndPath(remote);
  if (host !== server && host !== `ssh.${server}` && host !== `www.${server}`) return undefined;
  const name = path
    .replace(/^\/+/, "")
    .replace(/\/+$/, "")
    .replace(/\.git$/, "");
  return /^[A-Za-z0-9][A-Za-z0-9-]*\/[A-Za-z0-9._-]+$/.test(name) ? name : undefined;
}

/** Where a remote's repository is: the server's host, and the path there without `.git`; both empty for a local path. */
export function remotePlace(remote: string): { readonly host: string; readonly path: string } {
  const { host, path } = hostAndPath(remote);
  return host === ""
    ? { host, path: "" }
    : { host, path: path.replace(/^\/+|\/+$/g, "").replace(/\.git$/, "") };
}
