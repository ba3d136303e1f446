import { chmod, lstat, mkdir, readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { isInside } from "../inputs/project-files";

export interface ProjectFile {
  readonly path: string;
  readonly text: string;
}

/** A file's text; undefined if it is missing. @throws Error if a link leads out of the repository */
export async function foundText(root: string, file: string): Promise<string | undefined> {
  let at = root;
  for (const part of file.split("/")) {
    at = path.join(at, part);
    const facts = await unlessMissing(lstat(at));
    if (facts === undefined) return undefined;
    if (facts.isSymbolicLink() && !isInside(await realpath(root), await realpath(at))) {
      throw new Error(`${file} leads out of the repository, to ${await realpath(at)}.`);
    }
  }
  return readFile(at, "utf8");
}

interface Staged {
  readonly target: string;
  readonly part: string;
  readonly before?: Buffer;
}

/**
 * Writes all files or none: first to temporary files beside them, then renames all. A failure or an interruption undoes
 * everything, including new folders.
 */
export async function writeAllOrNone(
  root: string,
  files: readonly ProjectFile[],
  signal: AbortSignal,
): Promise<void> {
  const made: string[] = [];
  const staged: Staged[] = [];
  const moved: Staged[] = [];
  try {
    for (const file of files) {
      signal.throwIfAborted();
      const target = path.join(root, file.path);
      const first = await mkdir(path.dirname(target), { recursive: true });
      if (first !== undefined) made.push(first);
      const part = `${target}.${process.pid}.slipway`;
      const before = await unlessMissing(readFile(target));
      staged.push({ target, part, before });
      await writeFile(part, file.text, { flag: "wx" });
      if (before !== undefined) await chmod(part, (await stat(target)).mode);
    }
    signal.throwIfAborted();
    for (const file of staged) {
      await rename(file.part, file.target);
      moved.push(file);
    }
  } catch (error) {
    for (const { target, before } of moved.reverse()) {
      if (before === undefined) await rm(target, { force: true });
      else await writeFile(target, before);
    }
    for (const { part } of staged) await rm(part, { force: true });
    for (const folder of made.reverse()) await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function unlessMissing<T>(found: Promise<T>): Promise<T | undefined> {
  return found.catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw error;
  });
}
