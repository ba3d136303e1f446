import type { Problem } from "../plan/problem";
import { Encrypted } from "./encrypted";
import { leaves, type Path } from "./paths";

/** Where the schema has secrets: `*` is any key or place. */
const SECRET_PATHS: readonly Path[] = [
  ["registries", "*", "password"],
  ["images", "*", "secrets", "*"],
  ["sign", "key"],
  ["sign", "password"],
  ["github", "token"],
  ["github", "secrets", "*"],
  ["github", "environments", "*", "secrets", "*"],
];
/** The replacement of a hidden value. */
export const REDACTED = "[secret]";
/** Shorter texts are found in innocent words; and no secret worth its name is that short. */
const SHORTEST_SECRET = 4;
const LONGEST_SHOWN = 120;

export function isSecretPath(path: Path): boolean {
  return SECRET_PATHS.some(
    (pattern) =>
      pattern.length === path.length && pattern.every((step, index) => step === "*" || step === path[index]),
  );
}

/** Hides what must not be printed. A secret anywhere under a top-level key hides every value under it. */
export class Redaction {
  readonly #secretKeys: ReadonlySet<string>;
  readonly #secrets: readonly string[];

  constructor(options: { readonly written: unknown; readonly secretKeys: readonly string[] }) {
    this.#secretKeys = new Set(options.secretKeys);
    const values = [...leaves(options.written)]
      .filter(({ path, value }) => typeof value === "string" && isSecretPath(path))
      .map(({ value }) => String(value));
    this.#secrets = [...new Set(values)].filter((value) => value.length >= SHORTEST_SECRET);
  }

  /** Texts that are known to be secret. */
  get secrets(): readonly string[] {
    return this.#secrets;
  }

  show(path: Path, value: unknown): string {
    if (value === undefined || value === null) return "nothing";
    if (value instanceof Encrypted) return "[encrypted]";
    const hidden =
      this.#secretKeys.has(String(path[0])) || path.some((_, end) => isSecretPath(path.slice(0, end + 1)));
    if (hidden) return Array.isArray(value) && value.length === 0 ? "[]" : REDACTED;
    const text = JSON.stringify(value) ?? String(value);
    return text.length <= LONGEST_SHOWN ? text : `${text.slice(0, LONGEST_SHOWN)}…`;
  }

  /** The last line of defence: a secret in a key, or repeated elsewhere. */
  clean(problem: Problem): Problem {
    const { code, path, message, hint } = problem;
    const cleaned = { code, path: this.#mask(path), message: this.#mask(message) };
    return hint === undefined ? cleaned : { ...cleaned, hint: this.#mask(hint) };
  }

  #mask(text: string): string {
    return this.#secrets.reduce((masked, value) => masked.replaceAll(value, REDACTED), text);
  }
}
