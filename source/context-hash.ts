import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readFile, readlink } from "node:fs/promises";
import { join, posix } from "node:path";
import pLimit from "p-limit";
import type { ContextFile } from "../plan/content-key";
import type { Problem } from "../plan/problem";
import type { ContextEntry } from "./context-walk";

/** Above this a file is hashed in pieces instead of being read at once. */
const WHOLE_FILE_LIMIT = 1024 * 1024;
const FILES_AT_ONCE = 32;

/** Hashes a context's entries, sorted by the bytes of their paths: the same on every machine, umask and locale. */
export async function hashFiles(
  contextDir: string,
  entries: readonly ContextEntry[],
  image: string,
): Promise<{ files: ContextFile[]; problems: Problem[] }> {
  const problems: Problem[] = [];
  const limit = pLimit(FILES_AT_ONCE);
  const sorted = entries
    .map((entry) => ({ entry, bytes: Buffer.from(entry.path) }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ entry }) => entry);
  const results = await Promise.all(
    sorted.map((entry) =>
      limit(async () => {
        try {
          return await hashEntry(contextDir, entry);
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error);
          return { code: "context-unreadable", reason: `cannot be read: ${reason}` };
        }
      }),
    ),
  );
  const files: ContextFile[] = [];
  for (const [index, result] of results.entries()) {
    if ("digest" in result) files.push(result);
    else {
      const message = `${JSON.stringify(sorted[index]?.path)} in the build context ${result.reason}`;
      const hint = "Replace it, or name it in .dockerignore";
      problems.push({ code: result.code, path: image, message, hint });
    }
  }
  return { files, problems };
}

type Refusal = { readonly code: string; readonly reason: string };

async function hashEntry(contextDir: string, { path, kind }: ContextEntry): Promise<ContextFile | Refusal> {
  const file = join(contextDir, path);
  if (kind === "symlink") return hashLink(path, await readlink(file));
  const { mode, size } = await lstat(file);
  const hash = createHash("sha256");
  if (size <= WHOLE_FILE_LIMIT) hash.update(await readFile(file));
  else
    for await (const piece of createReadStream(file, { highWaterMark: WHOLE_FILE_LIMIT })) hash.update(piece);
  return { path, mode: (mode & 0o100) === 0 ? "file" : "executable", digest: hash.digest("hex"), size };
}

/** A link is its target's text. It may dangle, but not lead out of the context. */
function hashLink(path: string, target: string): ContextFile | Refusal {
  const link = target.replaceAll("\\", process.platform === "win32" ? "/" : "\\");
  const reached = posix.normalize(posix.join(posix.dirname(path), link));
  if (posix.isAbsolute(link) || reached === ".." || reached.startsWith("../")) {
    const reason = `is a symbolic link to ${JSON.stringify(target)}, out of the context`;
    return { code: "context-symlink", reason };
  }
  const digest = createHash("sha256").update(link).digest("hex");
  return { path, mode: "symlink", digest, size: Buffer.byteLength(link) };
}
