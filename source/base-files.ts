import type { Dirent } from "node:fs";
import { lstat, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { compareMatches, type Glob, parseGlob } from "./glob";

export interface BaseFiles {
  /** Relative to the context, with `/`, in the order in which they are hashed. */
  readonly files: readonly string[];
  /** Symbolic links that a pattern with `**` passes over. */
  readonly links: readonly string[];
}

/**
 * The files that a pattern of a base means: with `**` regular files only, as `find -type f` finds them, and without
 * junk that is never committed; else what a shell would name.
 *
 * @throws Error of the file system
 */
export async function findBaseFiles(contextDir: string, pattern: string): Promise<BaseFiles> {
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

/** Everything that is no folder. Symbolic links are not followed; a pattern without a wildcard is no search. */
async function* walk(contextDir: string, glob: Glob): AsyncGenerator<{ path: string; child: Dirent }> {
  const isSearch = /[*?]/.test(glob.text);
  const queue = [{ folder: glob.folder, depth: 0 }];
  if (glob.folder !== "" && !(await isRealFolder(join(contextDir, glob.folder)))) return;
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

/** What editors and interpreters leave behind: ignored by git, so that a clean checkout does not have it. */
function isJunk(name: string): boolean {
  return name === ".DS_Store" || name.startsWith("._") || name.endsWith(".pyc");
}

async function isRealFolder(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isDirectory() ?? false;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}
