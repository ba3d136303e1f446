import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

export type BinaryName = "registry" | "crane" | "cosign" | "olareg" | "actionlint" | "zizmor";

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Where a program of the toolchain is: `SLIPWAY_<NAME>_BIN`, else the first on PATH. */
export function binary(name: BinaryName): string {
  const variable = `SLIPWAY_${name.toUpperCase()}_BIN`;
  const named = process.env[variable];
  if (named !== undefined && named !== "") {
    if (isProgram(named)) return named;
    throw new Error(`${variable} names ${named}, which is no program`);
  }
  const found = (process.env.PATH ?? "")
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find(isProgram);
  if (found !== undefined) return found;
  throw new Error(`${name} is neither on PATH nor named by ${variable}: run the tests through the toolchain`);
}
