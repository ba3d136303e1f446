import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import type { Config } from "../plan/config";
import { ROOT_PATTERN } from "../plan/config";
import { type ReadDescription, textProblems } from "../plan/description";
import { type Problem, ProblemError, reasonOf } from "../plan/problem";

/**
 * The absolute folder that all files of the settings are relative to: `slipway:root`, upwards from the project.
 *
 * @throws ProblemError `root-outside` for a folder above the git repository or the file system's root
 */
export function rootDir(projectDir: string, root: string): string {
  const start = resolve(projectDir);
  const wrong = (message: string) =>
    new ProblemError("The configuration has a problem:", [
      {
        code: "root-outside",
        path: "slipway:root",
        message: `${JSON.stringify(root)} ${message}`,
        hint: "Paths stay inside the repository: count the folders between its root and Pulumi.yaml, `..` for each.",
      },
    ]);
  if (!ROOT_PATTERN.test(root)) throw wrong("is not a way up: `.`, `..` or `../..`");
  let folder = start;
  for (const _ of root === "." ? [] : root.split("/")) {
    if (existsSync(join(folder, ".git"))) throw wrong(`leads out of the git repository, which is ${folder}`);
    if (dirname(folder) === folder) throw wrong("leads above the file system's root");
    folder = dirname(folder);
  }
  return folder;
}

/** A path of the project, relative to the root, with slashes: `release/artifacts`. */
export function fromRoot(projectDir: string, root: string, path: string): string {
  return relative(rootDir(projectDir, root), resolve(projectDir, path)).split(sep).join("/") || ".";
}

/** Whether `path` is `folder` or lies in it; both absolute. */
export function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** A path with its links followed; undefined if it does not exist. */
export async function realPath(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch {
    return undefined;
  }
}

const LIMIT = 1024 * 1024;

/** A path that leads out of the project, by itself or by a link. */
export class OutsideProjectError extends Error {}

/**
 * The text of a file in a folder of the project, of at most 1 MiB.
 *
 * @param path relative to the folder
 * @throws Error whose message continues the path: `does not exist`, `leads out of the project`, `is not a file`, …
 */
export function readProjectFile(
  folder: string,
  path: string,
  { keepByteOrderMark = false, commentsInAnyEncoding = false } = {},
): string {
  const file = resolve(folder, path);
  if (statSync(file, { throwIfNoEntry: false }) === undefined)
    throw new Error(`does not exist (looked for ${file})`);
  const real = realpathSync(file);
  if (!isInside(realpathSync(folder), real))
    throw new OutsideProjectError(`leads out of the project, to ${real}`);
  const facts = statSync(real);
  if (!facts.isFile()) throw new Error("is not a file");
  if (facts.size > LIMIT) throw new Error("is larger than 1 MiB");
  const bytes = readFileSync(real);
  const options = { ignoreBOM: keepByteOrderMark };
  try {
    return new TextDecoder("utf-8", { fatal: true, ...options }).decode(bytes);
  } catch {
    const text = new TextDecoder("utf-8", options).decode(bytes);
    const line = text.split("\n").findIndex((it) => it.includes("\ufffd") && !/^\s*#/.test(it));
    if (commentsInAnyEncoding && line < 0) return text;
    throw new Error(commentsInAnyEncoding ? `is not UTF-8 in line ${line + 1}` : "is not UTF-8");
  }
}

/** Reads files that a project's configuration names, relative to `slipway:root`. */
export function projectFiles(projectDir: string): (path: string, root: string) => string {
  return (path, root) => readProjectFile(rootDir(projectDir, root), path);
}

/** One entry a line, without blank lines and `#` comments. */
export function listEntries(text: string): string[] {
  return text
    .split(/\r\n|\r|\n/)
    .map((line) => line.replace(/#.*$/, "").trim())
    .filter((line) => line !== "");
}

interface ReadDescriptions {
  readonly read: readonly ReadDescription[];
  readonly problems: readonly Problem[];
}

/** Every image's description file, once for all variants of an image. Each unusable one is a problem. */
export function readDescriptions(config: Config, projectDir: string): ReadDescriptions {
  const all = described(config).map((image): ReadDescriptions => {
    try {
      const description = { ...image, full: readProjectFile(projectDir, image.file) };
      const problems = textProblems(description);
      return { read: problems.length === 0 ? [description] : [], problems };
    } catch (error) {
      const problem = {
        code: "description-file",
        path: `slipway:${image.at}.description.file`,
        message: `${image.file} ${reasonOf(error)}`,
        hint: "Name a Markdown file of the project, or take the description out.",
      };
      return { read: [], problems: [problem] };
    }
  });
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
