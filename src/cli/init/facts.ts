import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { git } from "../../inputs/commands";
import { githubRepository } from "../../inputs/git";
import { isInside, realPath } from "../../inputs/project-files";
import { isRecord } from "../../plan/record";
import { proxyAwareFetch } from "../../registry/connections";
import type { Environment } from "../../settings/environment";
import { PROJECT_FOLDERS } from "../../settings/project-file";

/** What init reads from a repository. */
export interface RepositoryFacts {
  readonly folderName: string;
  /** Every file that is committed or not ignored, relative to the root, sorted. */
  readonly files: readonly string[];
  /** The texts of the files that detection needs. */
  readonly texts: Readonly<Record<string, string>>;
  /** The URL of the git remote. */
  readonly remote?: string;
  readonly branch: string;
  /** The members of `PROJECT_FOLDERS` that git ignores. */
  readonly ignoredFolders: readonly string[];
  readonly tags: readonly string[];
  /** Whether the repository is public on github.com. @default false */
  readonly isPublic?: boolean;
}

const READ =
  /(?:^|\/)(?:(?:Docker|Container)file(?:\.[^/]+)?|[^/]+\.(?:Docker|Container)file|services\.list|package\.json|VERSIONS\.env|\.dockerignore|\.gitignore|Pulumi(?:\.[^/]+)?\.yaml)$/i;
const READ_WORKFLOW = /^\.(?:github|gitea)\/workflows\/[^/]+\.ya?ml$/;
const LIMIT = 1024 * 1024;
const MOST_READ = 500;

export async function repositoryRoot(dir: string): Promise<string> {
  const top = await git(dir, ["rev-parse", "--show-toplevel"]);
  if (top.code === 0) return path.resolve(top.stdout.replace(/\r?\n$/, ""));
  throw new Error(
    `${JSON.stringify(dir)} is not in a git repository. Slipway releases commits: run it in a clone, or run git init.`,
  );
}

/** Reads the repository, and asks GitHub whether it is public. */
export async function readFacts(root: string, env: Environment): Promise<RepositoryFacts> {
  const [listed, remote, branch, head, tags] = await Promise.all([
    lines(root, ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], "\0"),
    remoteUrl(root),
    lines(root, ["symbolic-ref", "--quiet", "--short", "HEAD"]),
    lines(root, ["symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD"]),
    lines(root, ["for-each-ref", "--format=%(refname:lstrip=2)", "refs/tags/"]),
  ]);
  const ignored = await lines(root, [
    "check-ignore",
    ...PROJECT_FOLDERS.map((folder) => `${folder}/Pulumi.yaml`),
  ]);
  const files = [...new Set(listed)].sort();
  const texts = await readTexts(root, files);
  const github = githubRepository(remote ?? "");
  const isPublic = github !== undefined && (await isPublicRepository(github, env));
  return {
    folderName: path.basename(root),
    files,
    texts,
    remote,
    ignoredFolders: ignored.map((file) => path.posix.dirname(file)),
    branch: head[0]?.replace(/^origin\//, "") ?? branch[0] ?? "main",
    tags,
    isPublic,
  };
}

const DEADLINE_MS = 3_000;

/** Asks GitHub without a token. A repository counts as private if GitHub does not answer. */
async function isPublicRepository(repository: string, env: Environment): Promise<boolean> {
  const api = env.GITHUB_API_URL || "https://api.github.com";
  try {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const answer: unknown = await (await proxyAwareFetch()(`${api}/repos/${repository}`, { signal })).json();
    return isRecord(answer) && answer.private === false;
  } catch {
    return false;
  }
}

async function readTexts(root: string, files: readonly string[]): Promise<Record<string, string>> {
  const programs = PROJECT_FOLDERS.map((folder) => `${folder}/index.ts`).concat("index.ts");
  const read = files
    .filter((file) => READ.test(file) || READ_WORKFLOW.test(file) || programs.includes(file))
    .slice(0, MOST_READ);
  const found = await Promise.all(
    read.map(async (file) => [file, await readInside(root, path.join(root, file))] as const),
  );
  return Object.fromEntries(found.flatMap(([file, text]) => (text === undefined ? [] : [[file, text]])));
}

/** @returns undefined if it is not a file, is too large or is a link out of the repository */
async function readInside(root: string, file: string): Promise<string | undefined> {
  const [realRoot, real] = await Promise.all([realPath(root), realPath(file)]);
  if (realRoot === undefined || real === undefined || !isInside(realRoot, real)) return undefined;
  const facts = await stat(real);
  return facts.isFile() && facts.size <= LIMIT ? readFile(real, "utf8") : undefined;
}

/** The URL of `origin`, else of the only remote. */
export async function remoteUrl(root: string): Promise<string | undefined> {
  const remotes = await lines(root, ["remote"]);
  const name = remotes.includes("origin") ? "origin" : remotes.length === 1 ? remotes[0] : undefined;
  return name === undefined ? undefined : (await lines(root, ["remote", "get-url", "--", name]))[0];
}

async function lines(root: string, args: readonly string[], end = "\n"): Promise<string[]> {
  const { code, stdout } = await git(root, [...args]);
  return code === 0 ? stdout.split(end).filter((line) => line !== "") : [];
}
