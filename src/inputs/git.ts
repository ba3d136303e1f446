import { readFile } from "node:fs/promises";
import path from "node:path";
import type { ProblemError } from "../plan/problem";
import { hostAndPath, pageAddress, sourceAddress } from "../plan/reference";
import { RELEASE_NAME_PATTERN } from "../plan/versions";
import { sameSettings } from "../settings/stack-file";
import { git, gitProblem, gitRoot, gitText } from "./commands";

export interface GitSource {
  /** The commit at HEAD: 40 hex digits. */
  readonly revision: string;
  readonly commitDate: Date;
  /** Sorted. Tags whose name is outside the grammar of a release's name are in `refusedTags`. */
  readonly tagsAtHead: readonly string[];
  readonly refusedTags: readonly string[];
  /** Absent for a detached HEAD. */
  readonly branch?: string;
  /** Whether files are changed or untracked anywhere in the repository. What `pulumi stack init` writes does not count. */
  readonly dirty: boolean;
  /** Up to 20 of them, relative to the repository. */
  readonly dirtyPaths: readonly string[];
  /** Address of `origin`, else of the only remote; the same whether it was cloned by HTTPS or SSH. */
  readonly remote?: string;
  /** The repository's web page, if the remote is on a server. */
  readonly page?: string;
  /** The remote's default branch when it was cloned. */
  readonly defaultBranch?: string;
  /** Part of the history is missing, so a tag that is not found may exist. */
  readonly shallow: boolean;
}

/** `unknown`: git lacks a commit, or has too little history. */
type GitAncestry = "ancestor" | "not-ancestor" | "unknown";

const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
const MOST_DIRTY_PATHS = 20;

/**
 * Reads the repository of a folder with the git program. It writes nothing and runs no hook.
 *
 * @throws ProblemError `source-git-missing`, `source-not-a-repository`, `source-no-commits`, `source-git-failed`
 */
export async function readGit(dir: string): Promise<GitSource> {
  // On its own, because it fails if this is no repository or has no commit.
  const commit = await git(dir, ["log", "-1", "--no-show-signature", "--format=%H %cI", "HEAD", "--"]);
  if (commit.code !== 0) throw await explain(dir, commit.stderr);
  const [status, tags, remotes, heads, shallow] = await Promise.all([
    gitText(dir, [
      "status",
      "--porcelain=v2",
      "--branch",
      "--untracked-files=normal",
      "--ignore-submodules=none",
      "-z",
    ]),
    gitText(dir, ["for-each-ref", "--points-at=HEAD", "--format=%(refname:lstrip=2)", "refs/tags/"]),
    // Code 1 means that there are no remotes.
    git(dir, ["config", "--null", "--get-regexp", "^remote\\..*\\.url$"]),
    gitText(dir, ["for-each-ref", "--format=%(refname) %(symref)", "refs/remotes/*/HEAD"]),
    gitText(dir, ["rev-parse", "--is-shallow-repository"]),
  ]);
  const [revision = "", date = ""] = commit.stdout.trim().split(" ");
  const names = tags
    .split("\n")
    .filter((name) => name !== "")
    .sort(byBytes);
  const { branch, paths: changed } = readStatus(status);
  const harmless = await Promise.all(changed.map((file) => isStackInitChange(dir, file)));
  const paths = changed.filter((_, index) => harmless[index] !== true);
  const chosen = chooseRemote(remotes.stdout);
  const remote = chosen === undefined ? undefined : await readRemote(dir, chosen);
  return {
    revision,
    commitDate: new Date(date),
    tagsAtHead: names.filter((name) => RELEASE_NAME_PATTERN.test(name)),
    refusedTags: names.filter((name) => !RELEASE_NAME_PATTERN.test(name)),
    branch,
    dirty: paths.length > 0,
    dirtyPaths: paths.slice(0, MOST_DIRTY_PATHS),
    remote: remote && sourceAddress(remote),
    page: remote && pageAddress(remote),
    defaultBranch: chosen && defaultBranch(heads, chosen.name),
    shallow: shallow.trim() === "true",
  };
}

/** Whether commit `a` is an ancestor of commit `b`, or the same. Anything but full hashes is `unknown`. */
export async function isAncestor(dir: string, a: string, b: string): Promise<GitAncestry> {
  if (!COMMIT.test(a) || !COMMIT.test(b)) return "unknown";
  const { code } = await git(dir, ["merge-base", "--is-ancestor", a, b]);
  if (code === 0) return "ancestor";
  if (code !== 1) return "unknown";
  // A shallow history may hide an ancestor.
  const shallow = await gitText(dir, ["rev-parse", "--is-shallow-repository"]);
  return shallow.trim() === "true" ? "unknown" : "not-ancestor";
}

/** The git tag with a release's name, else the one with a leading `v` added or removed. */
export async function releasedTag(
  dir: string,
  name: string,
): Promise<{ readonly name: string; readonly commit: string } | undefined> {
  const [, digits] = /^v(?=[0-9])(.*)$/.exec(name) ?? [];
  const other = digits ?? (/^[0-9]/.test(name) ? `v${name}` : undefined);
  for (const tag of other === undefined ? [name] : [name, other]) {
    const commit = await tagCommit(dir, tag);
    if (commit !== undefined) return { name: tag, commit };
  }
  return undefined;
}

/** The commit that a tag points to, annotated or not; undefined if there is no such tag or its name is refused. */
async function tagCommit(dir: string, tag: string): Promise<string | undefined> {
  if (!RELEASE_NAME_PATTERN.test(tag)) return undefined;
  const reference = `refs/tags/${tag}^{commit}`;
  const { code, stdout } = await git(dir, [
    "rev-parse",
    "--verify",
    "--quiet",
    "--end-of-options",
    reference,
  ]);
  return code === 0 ? stdout.trim() : undefined;
}

export async function allTags(dir: string): Promise<string[]> {
  const text = await gitText(dir, ["for-each-ref", "--format=%(refname:lstrip=2)", "refs/tags/"]);
  return text.split("\n").filter((name) => name !== "");
}

/** Porcelain v2, NUL-separated: headers, then one record per path. A rename's old path is a record of its own. */
function readStatus(text: string): { branch?: string; paths: string[] } {
  const records = text.split("\0");
  const paths: string[] = [];
  let branch: string | undefined;
  for (let index = 0; index < records.length; index += 1) {
    const record = records[index] ?? "";
    const fields = record.split(" ");
    switch (fields[0]) {
      case "#":
        if (fields[1] === "branch.head" && record !== "# branch.head (detached)")
          branch = fields.slice(2).join(" ");
        break;
      case "1":
        paths.push(fields.slice(8).join(" "));
        break;
      case "2":
        paths.push(fields.slice(9).join(" "));
        index += 1;
        break;
      case "u":
        paths.push(fields.slice(10).join(" "));
        break;
      case "?":
        paths.push(record.slice(2));
        break;
    }
  }
  return { branch, paths: paths.sort(byBytes) };
}

interface Remote {
  readonly name: string;
  readonly url: string;
}

function chooseRemote(config: string): Remote | undefined {
  const remotes = config
    .split("\0")
    .filter((entry) => entry.includes("\n"))
    .map((entry) => ({
      name: entry.slice("remote.".length, entry.indexOf("\n") - ".url".length),
      url: entry.slice(entry.indexOf("\n") + 1),
    }));
  const origin = remotes.find(({ name }) => name === "origin");
  return origin ?? (remotes.length === 1 ? remotes[0] : undefined);
}

/**
 * A remote's address without credentials. If the configured one is a server's, it is used as it is: `url.*.insteadOf`
 * may name a mirror or contain a token. An abbreviation is expanded by that setting.
 */
async function readRemote(dir: string, { name, url }: Remote): Promise<string> {
  const written = withoutCredentials(url);
  if (pageAddress(written) !== undefined) return written;
  const { code, stdout } = await git(dir, ["remote", "get-url", "--", name]);
  return code === 0 ? withoutCredentials(stdout.replace(/\r?\n$/, "")) : written;
}

/** @param heads lines of `refs/remotes/origin/HEAD refs/remotes/origin/main` */
function defaultBranch(heads: string, remote: string): string | undefined {
  const start = `refs/remotes/${remote}/`;
  const line = heads.split("\n").find((text) => text.startsWith(`${start}HEAD ${start}`));
  return line?.slice(`${start}HEAD ${start}`.length);
}

async function explain(dir: string, stderr: string): Promise<ProblemError> {
  const path = JSON.stringify(dir);
  const said = stderr.trim().split("\n")[0] ?? "";
  if (/dubious ownership/.test(stderr)) {
    return gitProblem(
      "source-git-failed",
      `git does not trust ${path}, which belongs to another user`,
      `git config --global --add safe.directory ${dir}`,
    );
  }
  const inside = await git(dir, ["rev-parse", "--git-dir"]);
  if (inside.code !== 0) {
    return gitProblem(
      "source-not-a-repository",
      `${path} is not in a git repository`,
      "Slipway releases commits. Run it in a clone, or make a repository: git init, git add, git commit",
    );
  }
  const head = await git(dir, ["rev-parse", "--verify", "--quiet", "HEAD"]);
  if (head.code !== 0) {
    return gitProblem(
      "source-no-commits",
      `the git repository of ${path} has no commits yet`,
      "Commit what is to be released: git add --all, git commit",
    );
  }
  return gitProblem("source-git-failed", `git cannot read ${path}: ${said}`);
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

const STACK_FILE = /(?:^|\/)Pulumi\.[A-Za-z0-9._-]+\.ya?ml$/;
/**
 * Whether only what `pulumi stack init` writes differs in a stack's file. No release depends on that, and it always
 * differs on a new machine or a throwaway backend.
 *
 * @param file relative to the repository
 */
async function isStackInitChange(dir: string, file: string): Promise<boolean> {
  if (!STACK_FILE.test(file)) return false;
  const root = await gitRoot(dir);
  const committed = await git(dir, ["show", "--no-textconv", `HEAD:${file}`]);
  try {
    const now = await readFile(path.join(root, file), "utf8");
    return sameSettings(committed.code === 0 ? committed.stdout : "", now);
  } catch {
    return false;
  }
}

const SHOWN = 3;

/** `the working tree is dirty: a.txt, b.txt, c.txt and 2 more`. @param paths as `readGit` gives them */
export function dirtyNotice(paths: readonly string[]): string {
  const shown = paths.slice(0, SHOWN).join(", ");
  const more = paths.length - SHOWN;
  if (more <= 0) return `the working tree is dirty: ${shown}`;
  const least = paths.length >= MOST_DIRTY_PATHS ? "at least " : "";
  return `the working tree is dirty: ${shown} and ${least}${more} more`;
}

/** A remote's URL without user, password, query and fragment; a path or ssh's short form stays as it is. */
export function withoutCredentials(remote: string): string {
  if (!URL.canParse(remote)) return remote;
  const url = new URL(remote);
  url.password = "";
  // ssh's user is no secret and part of the address; an https user is often the token itself.
  if (url.protocol !== "ssh:") url.username = "";
  url.search = "";
  url.hash = "";
  return url.toString();
}

/**
 * `owner/name` of a repository on github.com; undefined for any other remote.
 *
 * @param server another GitHub server's host
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

/** A remote's host, and its path there without `.git`; both empty for a local path. */
export function remotePlace(remote: string): { readonly host: string; readonly path: string } {
  const { host, path } = hostAndPath(remote);
  return host === ""
    ? { host, path: "" }
    : { host, path: path.replace(/^\/+|\/+$/g, "").replace(/\.git$/, "") };
}
