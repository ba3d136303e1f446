import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import type { Config } from "../plan/config";
import { FULL_LIMIT, type ReadDescription, textProblems } from "../plan/description";
import type { Problem } from "../plan/problem";
import { isInside, realPath } from "./project-files";

/** Nothing larger is even read. */
const FILE_LIMIT = 1024 * 1024;

export interface ReadDescriptions {
  readonly read: readonly ReadDescription[];
  readonly problems: readonly Problem[];
}

/** Every image's description file, once for all variants of an image. Those that are wrong are problems. */
export async function readDescriptions(config: Config, projectDir: string): Promise<ReadDescriptions> {
  const all = await Promise.all(
    described(config).map(async (image): Promise<ReadDescriptions> => {
      const at = `slipway:${image.at}.description.file`;
      try {
        const full = await readInside(projectDir, image.file);
        const description = { ...image, full };
        const problems = textProblems(description);
        return { read: problems.length === 0 ? [description] : [], problems };
      } catch (error) {
        return { read: [], problems: [unreadable(at, image.file, error)] };
      }
    }),
  );
  return { read: all.flatMap(({ read }) => read), problems: all.flatMap(({ problems }) => problems) };
}

function described({ images }: Config): Omit<ReadDescription, "full">[] {
  const places = new Map<string, Omit<ReadDescription, "full">>();
  for (const { name, at = name, description } of images) {
    if (description === undefined) continue;
    const known = places.get(at);
    places.set(at, { at, ...description, images: [...(known?.images ?? []), name] });
  }
  return [...places.values()];
}

/** @throws Error for a file that is not there, leads out of the project or is no UTF-8 */
async function readInside(projectDir: string, file: string): Promise<string> {
  const absolute = path.resolve(projectDir, file);
  const [root, real] = await Promise.all([realPath(projectDir), realPath(absolute)]);
  if (root === undefined || real === undefined) throw new Error("does not exist");
  if (!isInside(root, real)) throw new Error("leads out of the project");
  const { size } = await stat(real);
  if (size > FILE_LIMIT) throw new Error(`has ${size} bytes, and Docker Hub takes ${FULL_LIMIT} at most`);
  const bytes = await readFile(real);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Error("is not UTF-8");
  }
}

function unreadable(at: string, file: string, error: unknown): Problem {
  const isFolder = error instanceof Error && "code" in error && error.code === "EISDIR";
  const why = isFolder ? "is a folder" : error instanceof Error ? error.message : String(error);
  return {
    code: "description-file",
    path: at,
    message: `${file} ${why}`,
    hint: "Name a Markdown file of the project, or take the description out.",
  };
}
