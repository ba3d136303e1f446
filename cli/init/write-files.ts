import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import type { ProjectFile } from "./additions";

interface Staged {
  readonly target: string;
  readonly part: string;
  /** The old content; absent for a new file. */
  readonly before?: Buffer;
}

/**
 * Writes all files or none: first to temporary files beside them, then all are renamed. A failure or an interruption
 * undoes everything, new folders too.
 *
 * @param root the folder that paths are relative to
 * @param signal stops it before the first rename
 * @throws Error of the file system; the signal's reason
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
      const before = await readIfThere(target);
      staged.push({ target, part, ...(before === undefined ? {} : { before }) });
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

async function readIfThere(file: string): Promise<Buffer | undefined> {
  return readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
}
