import { isRecord } from "../plan/record";
/** Paths into a configuration: how they are written, read and set. */

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

/** A copy with another value at a path; `undefined` takes the key out. Missing mappings on the way are made. */
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

/** Every value that is neither a list nor a mapping, with its path. */
export function* leaves(root: unknown, path: Path = []): Generator<{ path: Path; value: unknown }> {
  if (Array.isArray(root)) {
    for (const [index, value] of root.entries()) yield* leaves(value, [...path, index]);
  } else if (isRecord(root) && Object.getPrototypeOf(root) === Object.prototype) {
    for (const [key, value] of Object.entries(root)) yield* leaves(value, [...path, key]);
  } else yield { path, value: root };
}
