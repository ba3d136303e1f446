import type { Problem } from "../plan/problem";
import { isRecord } from "../plan/record";
import { isLoopbackHost } from "../plan/reference";
import { formatPath, leaves, type Path, problem, valueAt, type Written, withValueAt } from "./paths";

/** A `secure:` value of a stack's file, which only the engine can decrypt. */
export class Encrypted {
  toString(): string {
    return "[encrypted]";
  }

  toJSON(): string {
    return "[encrypted]";
  }
}

/** Settings with a text in place of each encrypted value, so that the schema can check them. */
export function readableText(written: unknown): unknown {
  return [...leaves(written)]
    .filter(({ value }) => value instanceof Encrypted)
    .reduce((root, { path }) => withValueAt(root, path, "encrypted"), written);
}

/** Where the schema has secrets; `*` is any key or index. */
const SECRET_PATHS: readonly Path[] = [
  ["registries", "*", "password"],
  ["images", "*", "secrets", "*"],
  ["sign", "key"],
  ["sign", "password"],
  ["github", "token"],
  ["github", "secrets", "*"],
  ["github", "environments", "*", "secrets", "*"],
];
export const REDACTED = "[secret]";
/** Shorter texts occur in ordinary words, and are too short for a secret. */
const SHORTEST_SECRET = 4;
const LONGEST_SHOWN = 120;

export function isSecretPath(path: Path): boolean {
  return SECRET_PATHS.some(
    (pattern) =>
      pattern.length === path.length && pattern.every((step, index) => step === "*" || step === path[index]),
  );
}

/** Hides secrets in messages. A secret anywhere under a top-level key hides every value under it. */
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

  /** Masks a secret in any text, in case it is a key or repeated in another setting. */
  clean({ code, path, message, hint }: Problem): Problem {
    return {
      code,
      path: this.#mask(path),
      message: this.#mask(message),
      hint: hint === undefined ? undefined : this.#mask(hint),
    };
  }

  #mask(text: string): string {
    return this.#secrets.reduce((masked, value) => masked.replaceAll(value, REDACTED), text);
  }
}

export interface SecretRulesInput {
  readonly written: Written;
  /** The part from the stack's file. Secrets in a program's code are not checked: they may come from anywhere. */
  readonly file: Written;
  /** Top-level keys that hold a secret somewhere. */
  readonly secretKeys: readonly string[];
  readonly secrets: readonly string[];
  /** Paths whose value came from the environment. */
  readonly origins: Readonly<Record<string, string>>;
}

/** Shorter texts may be equal by chance. */
const SHORTEST_TELLING = 8;

/** Secrets must be encrypted in the stack's file, and must not be settings that end up in public. */
export function secretProblems(input: SecretRulesInput): Problem[] {
  return [...plainSecrets(input), ...publicSecrets(input), ...hiddenSecrets(input)];
}

function plainSecrets({ written, file, secretKeys, origins }: SecretRulesInput): Problem[] {
  return [...leaves(file)].flatMap(({ path, value }) => {
    const where = formatPath(path);
    if (typeof value !== "string" || value === "" || !isSecretPath(path)) return [];
    if (secretKeys.includes(String(path[0])) || where in origins || isLocal(written, path)) return [];
    const hint = `Encrypt it: pulumi config set --secret --path 'slipway:${where}'. If it was ever pushed, replace it`;
    return [problem("config-plain-secret", path, "is in plain text in the stack's file", hint)];
  });
}

/** A local registry's password need not be secret. */
function isLocal(written: Written, path: Path): boolean {
  const host = valueAt(written, [...path.slice(0, 2), "host"]);
  return path[0] === "registries" && typeof host === "string" && isLoopbackHost(host);
}

function publicSecrets({ written, secrets }: SecretRulesInput): Problem[] {
  const telling = new Set(secrets.filter((secret) => secret.length >= SHORTEST_TELLING));
  return [...leaves(written)].flatMap(({ path, value }) => {
    if (path[0] !== "images" || path[2] !== "buildArgs") return [];
    if (!(value instanceof Encrypted) && !telling.has(String(value))) return [];
    return [secretBuildArg(path)];
  });
}

/** The engine reports only that `images` contains a secret. Without build secrets, it must be in something public. */
function hiddenSecrets({ written, secretKeys }: SecretRulesInput): Problem[] {
  if (!secretKeys.includes("images") || !Array.isArray(written.images)) return [];
  const images: unknown[] = written.images;
  const legitimate = images.some(
    (image) => isRecord(image) && isRecord(image.secrets) && Object.keys(image.secrets).length > 0,
  );
  const known = [...leaves(images)].some(({ value }) => value instanceof Encrypted);
  return legitimate || known ? [] : [secretBuildArg(["images"])];
}

function secretBuildArg(path: Path): Problem {
  return problem(
    "config-secret-build-arg",
    path,
    "holds a secret where everyone can read it: build arguments are in the image's history and provenance",
    "Use the image's `secrets` and RUN --mount=type=secret,id=… in the Dockerfile",
  );
}
