import { mkdir } from "node:fs/promises";
import path from "node:path";
import writeFileAtomic from "write-file-atomic";

/** Writes a file atomically, with its folder. An existing file keeps its mode. */
export async function writeWholeFile(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFileAtomic(file, text);
}

/** Writes a program's own files; paths are relative to its project. */
export async function writeFiles(
  projectDir: string,
  files: readonly { readonly path: string; readonly content: string }[] = [],
): Promise<void> {
  for (const file of files) await writeWholeFile(path.resolve(projectDir, file.path), file.content);
}
