import { parse } from "csv-parse/sync";

/**
 * The entries of a list that was written as docker/metadata-action's multi-line inputs are: one a line, `#` at a
 * line's start comments it out, blank lines count for nothing, and double quotes are CSV's. The quotes around a field
 * are taken off here, before a rule is read as a CSV row of its own.
 *
 * @throws Error when the quotes do not close.
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

/**
 * The entries of a list of which each part is either one entry, taken as it stands, or several lines (see
 * `readInputList`). Blank parts and comments are left out.
 */
export function listEntries(parts: readonly string[]): string[] {
  return parts.flatMap((part) => {
    if (/[\r\n]/.test(part)) return readInputList(part);
    return part.trim() === "" || part.trimStart().startsWith("#") ? [] : [part];
  });
}

/**
 * The fields of an entry's first CSV row; none for an empty one.
 *
 * @throws Error when the row is no CSV, e.g. has a quote in the middle of a field.
 */
export function readRow(entry: string): string[] {
  const rows: string[][] = parse(entry, { relax_column_count: true, skip_empty_lines: true });
  return rows[0] ?? [];
}
