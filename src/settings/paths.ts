import type { Problem } from "../plan/problem";
import { isRecord } from "../plan/record";

/** Paths into settings, and problems at a path. */

/** Settings as they are written, unchecked. */
export type Written = Readonly<Record<string, unknown>>;

export type Path = readonly (string | number)[];

/** `images[0].buildArgs.NODE_VERSION`; a key that is not a plain word is quoted: `images[0]["a b"]`. */
export function formatPath(path: Path): string {
  const text = path
    .map((step) => {
      if (typeof step === "number") return `[${step}]`;
      return /^[A-Za-z_][A-Za-z0-9_.-]*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
    })
    .join("");
  return text.replace(/^\./, "") || "slipway";
}

export function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, step) => {
    if (typeof step === "number") return Array.isArray(value) ? value[step] : undefined;
    return isRecord(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  }, root);
}

/** A copy with another value at a path; `undefined` removes the key. Creates missing mappings on the way. */
export function withValueAt(root: unknown, path: Path, value: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (typeof step === "number") {
    const list: unknown[] = Array.isArray(root) ? [...root] : [];
    list[step] = withValueAt(list[step], rest, value);
    return list;
  }
  const { [step]: old, ...others } = isRecord(root) ? root : {};
  const changed = withValueAt(old, rest, value);
  return changed === undefined ? others : { ...others, [step]: changed };
}

/** A copy of settings with another value at a path. */
export function withSetting(written: Written, path: Path, value: unknown): Written {
  const changed = withValueAt(written, path, value);
  return isRecord(changed) ? changed : written;
}

/** Every value that is neither a list nor a mapping, with its path. */
export function* leaves(root: unknown, path: Path = []): Generator<{ path: Path; value: unknown }> {
  if (Array.isArray(root)) {
    for (const [index, value] of root.entries()) yield* leaves(value, [...path, index]);
  } else if (isRecord(root) && Object.getPrototypeOf(root) === Object.prototype) {
    for (const [key, value] of Object.entries(root)) yield* leaves(value, [...path, key]);
  } else yield { path, value: root };
}

/** One mapping of a list. */
export interface Entry {
  readonly path: Path;
  readonly value: Written;
}

/** The mappings in the list of a setting. Other values are skipped: the schema reports them. */
export function entriesOf(written: Written, key: string): Entry[] {
  const list: unknown[] = Array.isArray(written[key]) ? written[key] : [];
  return list.flatMap((value, index) => (isRecord(value) ? [{ path: [key, index], value }] : []));
}

/** The texts in a list, with their places. */
export function textsOf(list: unknown): [index: number, text: string][] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((text: unknown, index): [number, string][] =>
    typeof text === "string" ? [[index, text]] : [],
  );
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

export function problem(code: string, path: Path | string, message: string, hint?: string): Problem {
  return { code, path: typeof path === "string" ? path : formatPath(path), message, hint };
}

/** For a setting that another one excludes. */
export function conflict(path: Path | string, message: string, hint?: string): Problem {
  return problem("config-conflict", path, message, hint);
}

/** A problem for each key that an earlier entry has. */
export function duplicates(
  entries: readonly { readonly path: Path; readonly key: string | undefined }[],
  message: (key: string, first: Path, at: Path) => string,
): Problem[] {
  const first = new Map<string, Path>();
  return entries.flatMap(({ path, key }) => {
    if (key === undefined) return [];
    const before = first.get(key);
    if (before !== undefined) return [problem("config-duplicate", path, message(key, before, path))];
    first.set(key, path);
    return [];
  });
}
