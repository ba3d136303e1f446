import { readFile } from "node:fs/promises";
import { join } from "node:path";
import ignore from "@balena/dockerignore";

export interface IgnoreRules {
  /** Which file they are from, relative to the context; undefined for none. */
  readonly file?: string;
  /** Whether a path (relative, with `/`) is left out of the context. */
  ignores(path: string): boolean;
  /** Whether an ignored folder can still hold something that is not ignored. */
  mayHoldExceptions(folder: string): boolean;
}

/**
 * `<Dockerfile>.dockerignore` beside the Dockerfile where there is one, else `.dockerignore` in the context.
 * The rules are BuildKit's: case-sensitive, the last match wins, `!` brings back, a folder's match holds for all in it.
 */
export async function readIgnoreRules(contextDir: string, dockerfile: string): Promise<IgnoreRules> {
  const candidates = [`${dockerfile}.dockerignore`, ".dockerignore"];
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
  // Compiles every pattern, so that a bad one is found here.
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

/** The library hands these to a regular expression as they are; in a Dockerfile's patterns they mean themselves. */
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
