/** `user@host:path`, ssh's short form. */
const SCP_LIKE = /^(?:[^@/\s]+@)?([A-Za-z0-9.-]+):(?!\/\/)(.+)$/;

/** Host (without port) and path of a remote, as it is written; both empty for a local path. */
export function hostAndPath(remote: string): { readonly host: string; readonly path: string } {
  const scp = SCP_LIKE.exec(remote);
  if (scp !== null) return { host: (scp[1] ?? "").toLowerCase(), path: scp[2] ?? "" };
  if (!URL.canParse(remote)) return { host: "", path: "" };
  const url = new URL(remote);
  return { host: url.hostname.toLowerCase(), path: url.pathname };
}

/**
 * One address for a repository, however it was cloned: `https://github.com/octo/app` for
 * `https://github.com/octo/app.git`, `git@github.com:octo/app.git` and `ssh://git@github.com/octo/app`. A local path
 * stays as it is.
 *
 * @param remote without credentials
 */
export function sourceAddress(remote: string): string {
  const { host, path } = hostAndPath(remote);
  const trimmed = path.replace(/^\/+|\/+$/g, "").replace(/\.git$/, "");
  if (host === "" || trimmed === "") return remote;
  if (!/^https?:\/\//.test(remote)) return `https://${host.replace(/^ssh\.(?=github\.com$)/, "")}/${trimmed}`;
  const { protocol, host: withPort } = new URL(remote);
  return `${protocol}//${withPort}/${trimmed}`;
}
