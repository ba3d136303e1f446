import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import pLimit from "p-limit";
import type { Problem } from "../plan/problem";
import type { IgnoreRules } from "./ignore-file";

/** Something of the context that is sent to a build. */
export interface ContextEntry {
  /** Relative to the context, with `/`. */
  readonly path: string;
  readonly kind: "file" | "symlink";
}

const FOLDERS_AT_ONCE = 16;

/** Every file and symbolic link that is not ignored, in no order. Whatever else is found there is a problem. */
export async function walkContext(
  contextDir: string,
  rules: IgnoreRules,
  image: string,
): Promise<{ entries: ContextEntry[]; problems: Problem[] }> {
  const entries: ContextEntry[] = [];
  const problems: Problem[] = [];
  const limit = pLimit(FOLDERS_AT_ONCE);
  const report = (
    code: string,
    path: string,
    message: string,
    hint = "Remove it, or name it in .dockerignore",
  ) =>
    problems.push({
      code,
      path: image,
      message: `${JSON.stringify(path)} in the build context ${message}`,
      hint,
    });

  async function walk(folder: string): Promise<void> {
    let children: Dirent[];
    try {
      children = await limit(() => readdir(join(contextDir, folder), { withFileTypes: true }));
    } catch (error) {
      report(
        "context-unreadable",
        folder,
        `cannot be read: ${error instanceof Error ? error.message : error}`,
      );
      return;
    }
    await Promise.all(
      children.map((child) => visit(folder === "" ? child.name : `${folder}/${child.name}`, child)),
    );
  }

  async function visit(path: string, child: Dirent): Promise<void> {
    const ignored = rules.ignores(path);
    if (child.isDirectory()) {
      if (!ignored || rules.mayHoldExceptions(path)) await walk(path);
      return;
    }
    if (ignored) return;
    if (path.includes("\uFFFD"))
      return void report("context-file-name", path, "has a name that is not UTF-8");
    if (child.isFile()) return void entries.push({ path, kind: "file" });
    if (child.isSymbolicLink()) return void entries.push({ path, kind: "symlink" });
    report("context-special-file", path, `is ${specialKind(child)}, which no image can hold`);
  }

  await walk("");
  return { entries, problems: problems.sort((a, b) => (a.message < b.message ? -1 : 1)) };
}

function specialKind(child: Dirent): string {
  if (child.isFIFO()) return "a FIFO (named pipe)";
  if (child.isSocket()) return "a socket";
  if (child.isCharacterDevice()) return "a character device";
  if (child.isBlockDevice()) return "a block device";
  return "of an unknown kind";
}
