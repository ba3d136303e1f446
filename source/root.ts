import { existsSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { ProblemError } from "../plan/problem";
import { ROOT_PATTERN } from "../plan/root";

/**
 * The folder that contexts, Dockerfiles and all other files of the settings are relative to: `slipway:root`, from the
 * project's folder upwards, inside the same git repository.
 *
 * @returns an absolute folder
 * @throws ProblemError `root-outside` for what is above the repository, or no such folder at all
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

/** A path of the project's folder, relative to the root, with slashes: `release/artifacts`. */
export function fromRoot(projectDir: string, root: string, path: string): string {
  return relative(rootDir(projectDir, root), resolve(projectDir, path)).split(sep).join("/") || ".";
}
