import { readFileSync, realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { isInside } from "./inside";
import { rootDir } from "./root";

const LIMIT = 1024 * 1024;

/**
 * Reads a file of the project that is part of its configuration, such as the list of services.
 *
 * @returns a function of the path, relative to the root (`slipway:root`), that throws an Error whose message continues the path:
 *   `does not exist`, `leads out of the project`, `is not a file`, `is larger than 1 MiB`, `is not UTF-8`
 */
export function projectFiles(projectDir: string): (path: string, root: string) => string {
  return (path, root) => {
    const folder = rootDir(projectDir, root);
    const file = resolve(folder, path);
    if (statSync(file, { throwIfNoEntry: false }) === undefined)
      throw new Error(`does not exist (looked for ${file})`);
    const real = realpathSync(file);
    if (!isInside(realpathSync(folder), real)) throw new Error(`leads out of the project, to ${real}`);
    const facts = statSync(real);
    if (!facts.isFile()) throw new Error("is not a file");
    if (facts.size > LIMIT) throw new Error("is larger than 1 MiB");
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(real));
    } catch (error) {
      throw error instanceof TypeError ? new Error("is not UTF-8") : error;
    }
  };
}
