import type { Problem } from "../plan/problem";
import { isRecord } from "../plan/record";
import { formatPath, type Path } from "./paths";

/** A mapping in a list of what is written, with its place. */
export interface Entry {
  readonly path: Path;
  readonly value: Readonly<Record<string, unknown>>;
}

export function entriesOf(written: Readonly<Record<string, unknown>>, key: string): Entry[] {
  const list: unknown[] = Array.isArray(written[key]) ? written[key] : [];
  return list.flatMap((value, index) => (isRecord(value) ? [{ path: [key, index], value }] : []));
}

export function textsOf(list: unknown): [index: number, text: string][] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((text: unknown, index): [number, string][] =>
    typeof text === "string" ? [[index, text]] : [],
  );
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** An entry for each key that was there before. */
export function duplicates(
  entries: readonly { readonly path: Path; readonly key: string | undefined }[],
  message: (key: string, first: Path, at: Path) => string,
): Problem[] {
  const first = new Map<string, Path>();
  return entries.flatMap(({ path, key }) => {
    if (key === undefined) return [];
    const before = first.get(key);
    if (before === undefined) first.set(key, path);
    return before === undefined
      ? []
      : [{ code: "config-duplicate", path: formatPath(path), message: message(key, before, path) }];
  });
}
