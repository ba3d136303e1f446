import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { type PartsFile, type PlatformParts, parsePlatformParts } from "../../plan/platform-parts";
import { type Problem, ProblemError } from "../../plan/problem";
import { writeWholeFile } from "../../report/manifest-file";

/** `linux/arm64` -> `linux-arm64.json`. */
export function partsFileName(platform: string): string {
  return `${platform.replaceAll("/", "-")}.json`;
}

export function writePartsFile(file: string, parts: PlatformParts): Promise<void> {
  return writeWholeFile(file, `${JSON.stringify(parts, undefined, 2)}\n`);
}

/** What an earlier run left; undefined where that is nothing, or cannot be read. */
export async function earlierParts(file: string): Promise<PlatformParts | undefined> {
  return parse(await readFile(file, "utf8").catch(() => ""));
}

/**
 * Every parts file in a folder and below, by name.
 *
 * @throws ProblemError `parts-no-folder`, `parts-unreadable` for a JSON file that is none of schema 1
 */
export async function readPartsFiles(folder: string, shown: string): Promise<PartsFile[]> {
  const names = await readdir(folder, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    throw new ProblemError("There is nothing to merge from:", [
      {
        code: "parts-no-folder",
        path: shown,
        message: error.code === "ENOENT" ? "there is no such folder" : `cannot be read (${error.code})`,
        hint: "Name the folder with what `slipway build --platform …` wrote.",
      },
    ]);
  });
  const problems: Problem[] = [];
  const files: PartsFile[] = [];
  for (const name of names.filter((known) => known.endsWith(".json")).sort()) {
    const parts = parse(await readFile(path.join(folder, name), "utf8"));
    if (parts !== undefined) files.push({ file: name, parts });
    else {
      problems.push({
        code: "parts-unreadable",
        path: path.join(shown, name),
        message: "is no parts file of schema 1",
        hint: "Merge from a folder that holds what `slipway build --platform …` wrote, and nothing else.",
      });
    }
  }
  if (problems.length > 0) throw new ProblemError("Nothing was merged:", problems);
  return files;
}

function parse(text: string): PlatformParts | undefined {
  try {
    return parsePlatformParts(JSON.parse(text));
  } catch {
    return undefined;
  }
}
