import { access, readFile, stat } from "node:fs/promises";
import { LineCounter, parseDocument, visit } from "yaml";
import { ProblemError, reasonOf } from "../plan/problem";

const SIZE_LIMIT = 1024 * 1024;
/** How often aliases may be followed. Real files use a few, a YAML bomb millions. */
const ALIAS_LIMIT = 100;
const DEPTH_LIMIT = 40;
const BRACKET_LIMIT = 300;

export function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/**
 * The value of a YAML file; undefined if there is no file.
 *
 * @throws ProblemError `config-file`, with file and line, for a file that is larger than 1 MiB, not UTF-8, not YAML, has
 *   a key twice, expands too much by its aliases, or is nested too deeply
 */
export async function readYamlFile(path: string): Promise<unknown> {
  const text = await readYamlText(path);
  return text === undefined ? undefined : parseYamlText(path, text);
}

/** The text of a YAML file; undefined if there is no file. @throws ProblemError if it is too large or not UTF-8 */
export async function readYamlText(path: string): Promise<string | undefined> {
  const bytes = await readLimited(path);
  return bytes === undefined ? undefined : decodeUtf8(path, bytes);
}

/** The value of a YAML text, within the same limits. @param path its name in an error @throws ProblemError */
export function parseYamlText(path: string, text: string): unknown {
  const lines = new LineCounter();
  const bomb = bombLine(text);
  if (bomb !== undefined) throw unreadable(`${path}:${bomb}`, "is nested without end");
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
    const [at, message] = firstMistake(document) ?? [];
    if (at !== undefined) throw unreadable(`${path}:${lines.linePos(at).line}`, message);
    const value: unknown = document.toJS({ maxAliasCount: ALIAS_LIMIT });
    if (isDeeper(value, DEPTH_LIMIT))
      throw unreadable(path, `is nested more than ${DEPTH_LIMIT} levels deep`);
    return value;
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    throw unreadable(path, `cannot be resolved: ${reasonOf(error)}`);
  }
}

/** The first mistake and its place. The parser often names the place where a value starts or where it stopped reading. */
function firstMistake({ errors, contents }: ReturnType<typeof parseDocument>): [number, string] | undefined {
  const [error] = errors;
  if (error === undefined) return undefined;
  const [start] = error.pos;
  const wider = errors.find(({ code, pos }) => code === "MULTILINE_IMPLICIT_KEY" && pos[0] === start);
  if (error.code === "BLOCK_AS_IMPLICIT_KEY" && wider !== undefined)
    return [wider.pos[1] - 1, "is indented too far: it reads as part of the value above it"];
  if (!/^Missing closing .quote/.test(error.message)) return [start, error.message];
  let open = start;
  visit(contents, {
    Scalar: (_, { type, range }) => {
      // An unclosed text reaches to the end of the file, so it is the last one.
      if (type?.startsWith("QUOTE_") && range) open = range[0];
    },
  });
  return [open, "has a quote that is not closed"];
}

/**
 * The line where nesting exceeds the limit. The parser's time grows with the square of the depth, so this runs before it.
 * Brackets in texts count too: no real file has hundreds of unclosed ones.
 */
function bombLine(text: string): number | undefined {
  let depth = 0;
  for (const [index, line] of text.split("\n").entries()) {
    if (/^\s*(?:[-?]\s){50}/.test(line)) return index + 1;
    for (const [bracket] of line.matchAll(/[[{}\]]/g)) {
      depth = Math.max(0, depth + (bracket === "[" || bracket === "{" ? 1 : -1));
      if (depth > BRACKET_LIMIT) return index + 1;
    }
  }
  return undefined;
}

/** Also true for a value that contains itself through an alias. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((entry) => isDeeper(entry, levels - 1));
}

async function readLimited(path: string): Promise<Buffer | undefined> {
  try {
    const facts = await stat(path);
    if (!facts.isFile()) throw unreadable(path, "is not a file");
    if (facts.size > SIZE_LIMIT) throw unreadable(path, `is larger than ${SIZE_LIMIT / 1024 / 1024} MiB`);
    return await readFile(path);
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw unreadable(path, `cannot be read: ${reasonOf(error)}`);
  }
}

/** @throws ProblemError with the line of the first byte that is not UTF-8 */
function decodeUtf8(path: string, bytes: Buffer): string {
  const decoder = () => new TextDecoder("utf-8", { fatal: true });
  try {
    return decoder().decode(bytes);
  } catch {
    let line = 1;
    for (let start = 0; start < bytes.length; line += 1) {
      const next = bytes.indexOf(0x0a, start);
      const end = next === -1 ? bytes.length : next + 1;
      try {
        decoder().decode(bytes.subarray(start, end));
      } catch {
        break;
      }
      start = end;
    }
    throw unreadable(`${path}:${line}`, "is not UTF-8");
  }
}

/** For a file of the configuration. */
export function unreadable(path: string, message = "cannot be read", hint?: string): ProblemError {
  const problem = { code: "config-file", path, message, hint };
  return new ProblemError("The configuration cannot be read:", [problem]);
}
