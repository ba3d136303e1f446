import { parse } from "csv-parse/sync";

/**
 * Reads a list in the form of docker/metadata-action's multi-line inputs: one entry a line, without blank lines and
 * those that begin with `#`. CSV's quotes around a field are removed here, before a rule is read as a CSV row.
 *
 * @throws Error for a quote that is not closed.
 */
export function readInputList(text: string): string[] {
  const records: string[][] = parse(text.trim(), {
    comment: "#",
    comment_no_infix: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
  });
  return records
    .map((record) => record.join(","))
    .filter((entry) => entry !== "")
    .map((entry) => entry.trim());
}

/** Reads a list whose parts are either one entry, taken as it is, or several lines (see `readInputList`). */
export function listEntries(parts: readonly string[]): string[] {
  return parts.flatMap((part) => {
    if (/[\r\n]/.test(part)) return readInputList(part);
    return part.trim() === "" || part.trimStart().startsWith("#") ? [] : [part];
  });
}

/**
 * Reads the fields of an entry's first CSV row.
 *
 * @throws Error for invalid CSV, such as a quote in the middle of a field.
 */
export function readRow(entry: string): string[] {
  const rows: string[][] = parse(entry, { relax_column_count: true, skip_empty_lines: true });
  return rows[0] ?? [];
}

/** GitHub replaces these in a workflow file; copied into a rule, they would stay as they are. */
const WORKFLOW_EXPRESSION = /\$\{\{.*?(?:\}\}|$)/s;

export function workflowExpression(entry: string): { message: string; hint: string } | undefined {
  const [found] = WORKFLOW_EXPRESSION.exec(entry) ?? [];
  if (found === undefined) return undefined;
  return {
    message: `${found} means something in a workflow file only`,
    hint: "Write {{is_default_branch}}, {{branch}}, {{tag}}, {{sha}} or {{input 'name'}}, or compute the entry in index.ts",
  };
}

export interface Flavor {
  /** `auto`: the first rule that makes a tag decides. */
  readonly latest: "auto" | "true" | "false";
  /** For every rule without a prefix of its own; may contain expressions. */
  readonly prefix: string;
  /** Whether `latest` has the prefix too, in which its expressions are not rendered. */
  readonly prefixLatest: boolean;
  readonly suffix: string;
  readonly suffixLatest: boolean;
}

/**
 * Reads flavor entries in docker/metadata-action's syntax: `latest=auto`, `prefix=v,onlatest=true`, `suffix=-alpine`.
 * The last value of each wins; `onlatest` belongs to the prefix or suffix before it in the same entry.
 *
 * @throws TypeError that names the entry and the allowed values.
 */
export function parseFlavor(entries: readonly string[]): Flavor {
  let flavor: Flavor = { latest: "auto", prefix: "", prefixLatest: false, suffix: "", suffixLatest: false };
  for (const entry of entries) {
    const wrong = (what: string) => new TypeError(`flavor ${JSON.stringify(entry)}: ${what}`);
    const expression = workflowExpression(entry);
    if (expression !== undefined) throw wrong(`${expression.message}. ${expression.hint}`);
    const fields = readRow(entry);
    if (fields.length === 0) throw wrong("an entry must not be empty");
    let affix: "prefixLatest" | "suffixLatest" | undefined;
    for (const field of fields) {
      // Only the text between the first `=` and the second counts, as in docker/metadata-action.
      const [name = "", value] = field.split("=").map((part) => part.trim());
      if (value === undefined) {
        throw wrong(`${JSON.stringify(field)} has no "="; allowed are latest=, prefix=, suffix=, onlatest=`);
      }
      switch (name.toLowerCase()) {
        case "latest":
          if (value !== "auto" && value !== "true" && value !== "false") {
            throw wrong(`latest=${JSON.stringify(value)} is not one of auto, true, false`);
          }
          flavor = { ...flavor, latest: value };
          break;
        case "prefix":
          flavor = { ...flavor, prefix: value };
          affix = "prefixLatest";
          break;
        case "suffix":
          flavor = { ...flavor, suffix: value };
          affix = "suffixLatest";
          break;
        case "onlatest": {
          const isOnLatest = readBoolean("onlatest", value, wrong);
          if (affix !== undefined) flavor = { ...flavor, [affix]: isOnLatest };
          break;
        }
        default:
          throw wrong(`${JSON.stringify(name)} is not one of latest, prefix, suffix, onlatest`);
      }
    }
  }
  return flavor;
}

function readBoolean(name: string, value: string, wrong: (what: string) => TypeError): boolean {
  if (value === "true" || value === "false") return value === "true";
  throw wrong(`${name}=${JSON.stringify(value)} is not one of true, false`);
}

/**
 * Reads image entries in docker/metadata-action's syntax and returns the names that are enabled, as written.
 *
 * An entry is a name, or `name=ghcr.io/octo/app,enable=true`. A single entry may list several bare names
 * (`octo/app,ghcr.io/octo/app`); if there are several entries, the last name in each wins.
 *
 * @throws TypeError that names the entry and the allowed values.
 */
export function parseImages(entries: readonly string[]): string[] {
  const [only] = entries;
  if (entries.length === 1 && only !== undefined) {
    const fields = readRow(only);
    if (fields.length > 0 && fields.every((field) => !field.includes("="))) {
      return fields.map((field) => field.trim());
    }
  }
  return entries.flatMap(parseImage);
}

function parseImage(entry: string): string[] {
  const wrong = (what: string) => new TypeError(`image ${JSON.stringify(entry)}: ${what}`);
  let name = "";
  let enable = true;
  for (const field of readRow(entry)) {
    const [first = "", value] = field.split("=").map((part) => part.trim());
    if (value === undefined) {
      name = first;
      continue;
    }
    switch (first.toLowerCase()) {
      case "name":
        name = value;
        break;
      case "enable":
        enable = readBoolean("enable", value, wrong);
        break;
      default:
        throw wrong(`${JSON.stringify(first)} is not one of name, enable`);
    }
  }
  if (name === "") throw wrong("it has no name");
  return enable ? [name] : [];
}
