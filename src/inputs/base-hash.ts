import { createHash } from "node:crypto";
import { createReadStream, type Dirent } from "node:fs";
import { lstat, readdir, readlink, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { ImageConfig } from "../plan/config";
import { baseKey, type ContextFile, pinnedBaseKey } from "../plan/content-key";
import { type Problem, reasonOf } from "../plan/problem";
import { isInside, realPath } from "./project-files";

interface BaseHash {
  /** 12 hex digits, only for the tag: the pinned ones, else the computed ones. */
  readonly hash: string;
  /** The content key, 64 hex digits. */
  readonly key: string;
  readonly notices: readonly string[];
  /** `base-include`, `base-outside`, `base-unreadable` */
  readonly problems: readonly Problem[];
}

interface BaseHashInput {
  readonly projectDir: string;
  readonly image: Pick<ImageConfig, "name" | "context" | "dockerfile" | "addressed">;
  readonly path: string;
}

/** Used if the hash cannot be computed; the problem that is returned with it stops the release. */
const UNKNOWN = "0".repeat(12);

/**
 * What a base is made of: its content key, and the hash in its tag, which is what this recipe gives in the C locale:
 *
 *     { cat Dockerfile.base
 *       find rootfs -type f ! -path '*\/__pycache__/*' ! -name '*.pyc' ! -name '.DS_Store' ! -name '._*' -print0 |
 *         sort -z | xargs -0 cat
 *       cat entrypoint.sh entrypoint-user.sh
 *     } | sha256sum | cut -c1-12
 *
 * The hash covers only the bytes of files, without names, modes, links or boundaries, and is so short that two contents
 * with the same one can be found. The content key distinguishes them. Every failure is a problem; this never throws.
 */
export async function readBaseHash(input: BaseHashInput): Promise<BaseHash> {
  const { name, addressed } = input.image;
  const contextDir = resolve(input.projectDir, input.image.context);
  const found = await findFiles(input, contextDir);
  const own =
    found.problems.length > 0
      ? undefined
      : await hashOf(contextDir, found.files, found.links).catch((error: unknown) => {
          found.problems.push(unreadable(input.path, error));
          return undefined;
        });
  const hash = addressed?.hash ?? own?.hash ?? UNKNOWN;
  const isOwn = own?.hash === hash;
  return {
    hash,
    key: isOwn ? own.key : pinnedBaseKey(hash),
    notices: [
      ...(own === undefined || isOwn
        ? []
        : [`${name}: the pinned base-${hash} is used; this working tree's own is base-${own.hash}`]),
      ...linkNotices(name, found.links),
    ],
    problems: found.problems,
  };
}

async function findFiles(
  { image, path, projectDir }: BaseHashInput,
  contextDir: string,
): Promise<{ files: string[]; links: string[]; problems: Problem[] }> {
  const files = [image.dockerfile];
  const links: string[] = [];
  const problems: Problem[] = [];
  const project = await realPath(projectDir);
  for (const [index, pattern] of (image.addressed?.include ?? []).entries()) {
    const where = `${path}.include[${index}]`;
    try {
      const found = await findBaseFiles(contextDir, pattern);
      if (found.files.length === 0) {
        problems.push({
          code: "base-include",
          path: where,
          message: `${JSON.stringify(pattern)} matches no file in ${contextDir}`,
          hint: "Correct it, or take it out: a base that lacks a part would get another part's hash",
        });
      }
      for (const file of found.files) {
        const real = await realPath(join(contextDir, file));
        if (project === undefined || real === undefined || isInside(project, real)) continue;
        const message = `${JSON.stringify(file)} leads out of the project, to ${real}`;
        problems.push({ code: "base-outside", path: where, message });
      }
      files.push(...found.files);
      links.push(...found.links);
    } catch (error) {
      problems.push(unreadable(where, error));
    }
  }
  return { files, links, problems };
}

async function hashOf(
  contextDir: string,
  [dockerfile = "", ...files]: readonly string[],
  links: readonly string[],
): Promise<{ hash: string; key: string }> {
  const recipe = createHash("sha256");
  const digestOf = async (file: string) => {
    const hash = createHash("sha256");
    for await (const piece of createReadStream(join(contextDir, file))) {
      recipe.update(piece);
      hash.update(piece);
    }
    return hash.digest("hex");
  };
  const text = await digestOf(dockerfile);
  const entries: Omit<ContextFile, "size">[] = [];
  for (const path of files) {
    const digest = await digestOf(path);
    const { mode } = await stat(join(contextDir, path));
    entries.push({ path, mode: (mode & 0o100) === 0 ? "file" : "executable", digest });
    if ((await lstat(join(contextDir, path))).isSymbolicLink()) links = [...links, path];
  }
  for (const path of links) {
    const target = await readlink(join(contextDir, path));
    entries.push({ path, mode: "symlink", digest: createHash("sha256").update(target).digest("hex") });
  }
  return { hash: recipe.digest("hex").slice(0, 12), key: baseKey(text, entries) };
}

function unreadable(path: string, error: unknown): Problem {
  const message = `cannot be read: ${reasonOf(error)}`;
  return { code: "base-unreadable", path, message };
}

function linkNotices(name: string, links: readonly string[]): string[] {
  if (links.length === 0) return [];
  const shown = links.slice(0, 3).join(", ") + (links.length > 3 ? ", …" : "");
  return [
    `${name}: symbolic links are part of the base and not of the hash in its tag (${shown}): with a link, change a file too`,
  ];
}

/**
 * The files that match a pattern. `**` finds regular files only, as `find -type f` does, and no junk that git ignores;
 * any other pattern finds what a shell would.
 *
 * @returns paths relative to the context, in the order in which they are hashed; `links` are the symbolic links that
 *   `**` leaves out
 */
async function findBaseFiles(
  contextDir: string,
  pattern: string,
): Promise<{ readonly files: readonly string[]; readonly links: readonly string[] }> {
  const glob = parseGlob(pattern);
  const found: { path: string; match: readonly string[] }[] = [];
  const links: string[] = [];
  const deep = glob.depth === Number.POSITIVE_INFINITY;
  for await (const { path, child } of walk(contextDir, glob)) {
    const match = glob.match(path);
    if (match === undefined) continue;
    if (child.isSymbolicLink() && deep) links.push(path);
    else if (child.isFile() || (child.isSymbolicLink() && (await isFile(join(contextDir, path))))) {
      found.push({ path, match });
    }
  }
  found.sort((a, b) => compareMatches(a.match, b.match));
  return { files: found.map(({ path }) => path), links: links.sort() };
}

/** Everything but folders. Symbolic links are not followed. A pattern without a wildcard may name junk. */
async function* walk(contextDir: string, glob: Glob): AsyncGenerator<{ path: string; child: Dirent }> {
  const isSearch = /[*?]/.test(glob.text);
  const queue = [{ folder: glob.folder, depth: 0 }];
  if (
    glob.folder !== "" &&
    !(await lstat(join(contextDir, glob.folder)).catch(() => undefined))?.isDirectory()
  )
    return;
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const { folder, depth } = next;
    for (const child of await readdir(join(contextDir, folder), { withFileTypes: true })) {
      const path = folder === "" ? child.name : `${folder}/${child.name}`;
      if (!child.isDirectory()) {
        if (!isSearch || !isJunk(child.name)) yield { path, child };
      } else if (depth < glob.depth && child.name !== "__pycache__") {
        queue.push({ folder: path, depth: depth + 1 });
      }
    }
  }
}

/** Files of editors and interpreters. Git ignores them, so a clean checkout does not have them. */
function isJunk(name: string): boolean {
  return name === ".DS_Store" || name.startsWith("._") || name.endsWith(".pyc");
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

/** A pattern of files, as `src/settings/grammar.ts` allows it. */
interface Glob {
  readonly text: string;
  /** The folder that contains everything it can match; empty for the root. */
  readonly folder: string;
  /** How many levels of folders below that one it can match. */
  readonly depth: number;
  /** What each wildcard matches in a path with `/`; undefined if the path does not match. */
  readonly match: (path: string) => readonly string[] | undefined;
}

/** Unlike in a shell, wildcards match names that begin with a dot. */
function parseGlob(text: string): Glob {
  const segments = text.replace(/^(?:\.\/)+/, "").split("/");
  const wild = segments.findIndex((segment) => /[*?]/.test(segment));
  const fixed = wild === -1 ? segments.length - 1 : wild;
  const expression = new RegExp(`^${segments.map(segmentPattern).join("")}$`, "su");
  return {
    text,
    folder: segments.slice(0, fixed).join("/"),
    depth: segments.includes("**") ? Number.POSITIVE_INFINITY : segments.length - fixed - 1,
    match: (path) => expression.exec(path)?.slice(1),
  };
}

function segmentPattern(segment: string, index: number, all: readonly string[]): string {
  const isLast = index === all.length - 1;
  if (segment === "**") return isLast ? "(.+)" : "((?:.*/)?)";
  const name = segment
    .replace(/[.+^$()|\\[\]{}]/g, "\\$&")
    .replaceAll("*", "([^/]*)")
    .replaceAll("?", "([^/])");
  return isLast ? name : `${name}/`;
}

/**
 * Compares what the wildcards match, by bytes. For `rootfs/**` that is the order of `sort -z` in the C locale; of
 * `entrypoint*.sh`, `entrypoint.sh` comes before `entrypoint-user.sh`.
 */
function compareMatches(a: readonly string[], b: readonly string[]): number {
  for (const [index, text] of a.entries()) {
    const order = Buffer.compare(Buffer.from(text), Buffer.from(b[index] ?? ""));
    if (order !== 0) return order;
  }
  return 0;
}
