import { mkdir } from "node:fs/promises";
import path from "node:path";
import writeFileAtomic from "write-file-atomic";

/** Writes a file whole or not at all, its folder too where there is none; the mode of a file that is there stays. */
export async function writeWholeFile(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFileAtomic(file, text);
}

/** What a program adds to the release's records; paths are relative to its project. */
export async function writeFiles(
  projectDir: string,
  files: readonly { readonly path: string; readonly content: string }[] = [],
): Promise<void> {
  for (const file of files) await writeWholeFile(path.resolve(projectDir, file.path), file.content);
}
