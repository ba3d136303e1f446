import { createHash } from "node:crypto";
import { createReadStream, type Dirent } from "node:fs";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import ignore from "@balena/dockerignore";
import pLimit from "p-limit";
import type { ContextFile } from "../plan/content-key";
import { type Problem, reasonOf } from "../plan/problem";
import { incompleteProblems, placeholderKind } from "./checkout";

export interface IgnoreRules {
  /** Their file, relative to the context; undefined if there is none. */
  readonly file?: string;
  ignores(path: string): boolean;
  /** Whether an ignored folder may contain something that is not ignored. */
  mayHoldExceptions(folder: string): boolean;
}

/**
 * Reads `<Dockerfile>.dockerignore` if a Dockerfile is given and has one, else the context's `.dockerignore`. The rules
 * are BuildKit's: case-sensitive, the last match wins, `!` brings back, and a folder's match applies to all of it.
 */
export async function readIgnoreRules(contextDir: string, dockerfile?: string): Promise<IgnoreRules> {
  const candidates = [...(dockerfile === undefined ? [] : [`${dockerfile}.dockerignore`]), ".dockerignore"];
  for (const file of candidates) {
    const text = await readIfThere(join(contextDir, file));
    if (text !== undefined) return { file, ...ignoreRules(text) };
  }
  return ignoreRules("");
}

/** @throws SyntaxError for a pattern that cannot be read, such as `[a`. */
export function ignoreRules(text: string): Pick<IgnoreRules, "ignores" | "mayHoldExceptions"> {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const rules = ignore({ ignorecase: false }).add(lines.map(escapePattern));
  // The library compiles patterns at the first use; a bad one has to fail here.
  rules.ignores("compile");
  const exceptions = lines
    .filter((line) => !line.startsWith("#"))
    .map((line) => line.trim())
    .filter((line) => line.startsWith("!"))
    .map((line) => line.slice(1).trim().replace(/^\/+/, "").replace(/\/+$/, ""));
  const simple = exceptions.every((pattern) => !/[*?[\\]|(^|\/)\.\.?(\/|$)|\/\//.test(pattern));
  return {
    ignores: (path) => rules.ignores(path),
    mayHoldExceptions: (folder) =>
      exceptions.length > 0 &&
      (!simple || exceptions.some((pattern) => `${pattern}/`.startsWith(`${folder}/`))),
  };
}

/** The library passes these characters to a regular expression; in ignore files they stand for themselves. */
function escapePattern(line: string): string {
  if (line.startsWith("#")) return line;
  return line.replace(/\\.|[+(){}|]/gs, (found) => (found.startsWith("\\") ? found : `\\${found}`));
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
      return undefined;
    throw error;
  }
}

const FOLDERS_AT_ONCE = 16;
const FILES_AT_ONCE = 32;
/** Larger files are hashed in pieces. */
const WHOLE_FILE_LIMIT = 1024 * 1024;

/**
 * Every file and symbolic link that is not ignored, hashed, and sorted by the bytes of its path: the same on every
 * machine, and with every umask and locale. Anything else is a problem.
 */
export async function readContextFiles(
  contextDir: string,
  rules: IgnoreRules,
  image: string,
): Promise<{ files: ContextFile[]; problems: Problem[] }> {
  const found: { file: ContextFile; bytes: Buffer }[] = [];
  const problems: Problem[] = [];
  const placeholders: Parameters<typeof incompleteProblems>[0][number][] = [];
  const [folders, files] = [pLimit(FOLDERS_AT_ONCE), pLimit(FILES_AT_ONCE)];
  const report = (code: string, path: string, what: string, fix: string) => {
    const message = `${JSON.stringify(path)} in the build context ${what}`;
    problems.push({ code, path: image, message, hint: `${fix}, or name it in .dockerignore` });
  };

  async function walk(folder: string): Promise<void> {
    let children: Dirent[];
    try {
      children = await folders(() => readdir(join(contextDir, folder), { withFileTypes: true }));
    } catch (error) {
      return report("context-unreadable", folder, `cannot be read: ${reasonOf(error)}`, "Remove it");
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
      return report("context-file-name", path, "has a name that is not UTF-8", "Remove it");
    if (!child.isFile() && !child.isSymbolicLink())
      return report(
        "context-special-file",
        path,
        `is ${specialKind(child)}, which no image can hold`,
        "Remove it",
      );
    try {
      const { start, ...file } = await files(() =>
        child.isFile() ? hashFile(contextDir, path) : hashLink(contextDir, path),
      );
      const kind = start && placeholderKind(start);
      if (kind !== undefined) placeholders.push({ path, kind });
      found.push({ file, bytes: Buffer.from(path) });
    } catch (error) {
      report("context-unreadable", path, `cannot be read: ${reasonOf(error)}`, "Replace it");
    }
  }

  await walk("");
  return {
    files: found.sort((a, b) => Buffer.compare(a.bytes, b.bytes)).map(({ file }) => file),
    problems: [...problems, ...incompleteProblems(placeholders, image)].sort((a, b) =>
      a.message < b.message ? -1 : 1,
    ),
  };
}

function specialKind(child: Dirent): string {
  if (child.isFIFO()) return "a FIFO (named pipe)";
  if (child.isSocket()) return "a socket";
  if (child.isCharacterDevice()) return "a character device";
  if (child.isBlockDevice()) return "a block device";
  return "of an unknown kind";
}

async function hashFile(contextDir: string, path: string): Promise<ContextFile & { start?: Buffer }> {
  const file = join(contextDir, path);
  const { mode, size } = await lstat(file);
  const hash = createHash("sha256");
  let start: Buffer | undefined;
  const take = (piece: Buffer) => {
    start ??= piece;
    hash.update(piece);
  };
  if (size <= WHOLE_FILE_LIMIT) take(await readFile(file));
  else for await (const piece of createReadStream(file, { highWaterMark: WHOLE_FILE_LIMIT })) take(piece);
  return {
    path,
    mode: (mode & 0o100) === 0 ? "file" : "executable",
    digest: hash.digest("hex"),
    size,
    start,
  };
}

/** A link is hashed as the text of its target and never followed, since BuildKit copies it as it is. */
async function hashLink(contextDir: string, path: string): Promise<ContextFile & { start?: undefined }> {
  const target = await readlink(join(contextDir, path), { encoding: "buffer" });
  const link = process.platform === "win32" ? Buffer.from(target.toString().replaceAll("\\", "/")) : target;
  const digest = createHash("sha256").update(link).digest("hex");
  return { path, mode: "symlink", digest, size: link.length };
}
