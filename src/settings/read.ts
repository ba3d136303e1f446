import type { Config } from "../plan/config";
import { type Problem, ProblemError, withoutRepeats } from "../plan/problem";
import { isRecord } from "../plan/record";
import type { Environment } from "./environment";
import { normalise, TrustFiles } from "./normalise";
import { type Flag, overlayCode, overlayEnvironment } from "./overlay";
import {
  entriesOf,
  formatPath,
  leaves,
  type Path,
  problem,
  valueAt,
  type Written,
  withSetting,
} from "./paths";
import { ruleProblems } from "./rules";
import { type CheckedConfig, decodeWritten, writtenConfigSchema } from "./schema";
import { schemaProblems } from "./schema-problems";
import { Encrypted, isSecretPath, Redaction, readableText, secretProblems } from "./secrets";

/**
 * A file as text.
 *
 * @param path relative to the root
 * @param root relative to the project's folder: `.` or `..`
 * @throws Error with a message that follows the file's name: `does not exist`
 */
export type ReadProjectFile = (path: string, root: string) => string;

export interface ConfigInput {
  /** Keys without `slipway:`; values parsed, or as the JSON texts that the engine passes. */
  readonly written: Written;
  /** Settings in the program's code; written ones override them. Default: none. */
  readonly code?: Written;
  /** Settings in the wrong place. @default none */
  readonly misplaced?: readonly Problem[];
  readonly env: Environment;
  /** Top-level keys (without `slipway:`) that hold a secret somewhere. */
  readonly secretKeys: readonly string[];
  /** Settings from the command line. Default: none. */
  readonly flags?: readonly Flag[];
  /** Reads keys and trusted roots. Default: no file exists. */
  readonly readFile?: ReadProjectFile;
}

const noFile: ReadProjectFile = () => {
  throw new Error("does not exist");
};

/**
 * The configuration, checked and with every default. Precedence: flags, environment, stack's file, code, default.
 *
 * @throws ProblemError with every problem at once, never with a secret's value: `config-unknown-key`,
 *   `config-required`, `config-type`, `config-value`, `config-duplicate`, `config-conflict`, `config-tag-rule`, `config-environment`,
 *   `config-plain-secret`, `config-secret-build-arg`, `config-encrypted`; `services-unknown` alone; `config-file` if a key or trusted root cannot be read
 */
export function readConfig(input: ConfigInput): Config {
  const { code = {}, misplaced = [] } = input;
  const stack = decodeWritten(input.written);
  const file = overlayCode({}, stack);
  const decoded = overlayCode(code, file);
  const named = imageNames(decoded, isRecord(code.images) || isRecord(stack.images));
  const overlaid = overlayEnvironment(decoded, input.env, input.flags);
  const { origins, problems: environmentProblems } = overlaid;
  const written = withDerivedDefaults(overlaid.written);
  refuseUnknownImages(written, origins.only ?? "slipway:only");
  const redaction = new Redaction({ written, secretKeys: input.secretKeys });
  const encrypted = encryptedPaths(written);
  const { checked, problems } = check(written, redaction, encrypted);
  const all = [
    ...misplaced,
    ...environmentProblems,
    ...problems,
    ...ruleProblems(written),
    ...secretProblems({ written, file, secretKeys: input.secretKeys, secrets: redaction.secrets, origins }),
  ];
  if (checked === undefined || all.length > 0) {
    const reported = withoutRepeats(all)
      .map((problem) => redaction.clean(withOrigin(problem, origins)))
      .map((problem) => ({ ...problem, path: named(problem.path), message: named(problem.message) }));
    throw new ProblemError(title(reported.length), reported);
  }
  const { readFile = noFile } = input;
  const files = new TrustFiles((file) => readFile(file, checked.root));
  const config = normalise({ checked, origins, encrypted, files });
  if (files.problems.length > 0) throw new ProblemError(title(files.problems.length), files.problems);
  return {
    ...config,
    images: config.images.map((image) => ({ ...image, at: image.at && named(image.at) })),
    origins: Object.fromEntries(Object.entries(config.origins).map(([path, from]) => [named(path), from])),
  };
}

/** Rewrites paths of images that are written as a mapping: `images[0].tags[0]` becomes `images.app.tags[0]`. */
function imageNames(written: Written, isMapping: boolean): (text: string) => string {
  const images: unknown[] = isMapping && Array.isArray(written.images) ? written.images : [];
  return (text) =>
    text.replace(/\bimages\[(\d+)\]/g, (whole, index: string) => {
      const image = images[Number(index)];
      return isRecord(image) && typeof image.name === "string" ? formatPath(["images", image.name]) : whole;
    });
}

/** @throws ProblemError `services-unknown`, before any other check */
function refuseUnknownImages(written: Written, origin: string): void {
  const names = entriesOf(written, "images").map(({ value }) => String(value.name));
  const only = Array.isArray(written.only) ? written.only.map(String) : [];
  const unknown = [...new Set(only.filter((name) => !names.includes(name)))];
  if (unknown.length === 0) return;
  throw new ProblemError(`Unknown service(s) requested: ${unknown.join(", ")}`, [
    {
      code: "services-unknown",
      path: "only",
      message: `${unknown.map((name) => JSON.stringify(name)).join(", ")} (from ${origin}) ${unknown.length === 1 ? "is no image" : "are no images"} of this release`,
      hint: `There are: ${names.join(", ")}`,
    },
  ]);
}

/** Checks against the schema. An encrypted value is valid where a secret belongs, and a problem anywhere else. */
function check(
  written: Written,
  redaction: Redaction,
  encrypted: ReadonlySet<string>,
): { checked?: CheckedConfig; problems: Problem[] } {
  const readable = readableText(written);
  const hint =
    "Encrypt passwords and build secrets alone (pulumi config set --secret --path …), or use pulumi preview";
  const unreadable = [...leaves(written)]
    .filter(({ path, value }) => value instanceof Encrypted && !isSecretPath(path) && path[2] !== "buildArgs")
    .map(({ path }) =>
      problem("config-encrypted", path, "is encrypted, and only the engine can read it", hint),
    );
  const result = writtenConfigSchema.safeParse(readable);
  if (result.success) return { checked: result.data, problems: unreadable };
  const found = schemaProblems(writtenConfigSchema, readable, result.error.issues, redaction).filter(
    ({ path }) => !encrypted.has(path) && !unreadable.some((problem) => problem.path === path),
  );
  return { problems: [...unreadable, ...found] };
}

function encryptedPaths(written: unknown): ReadonlySet<string> {
  const found = [...leaves(written)].filter(
    ({ path, value }) => value instanceof Encrypted && isSecretPath(path),
  );
  return new Set(found.map(({ path }) => formatPath(path)));
}

/** Adds where a value came from, if not from the stack's file. */
function withOrigin(problem: Problem, origins: Readonly<Record<string, string>>): Problem {
  const path = Object.keys(origins).find(
    (known) =>
      problem.path === known || problem.path.startsWith(`${known}[`) || problem.path.startsWith(`${known}.`),
  );
  const origin = path === undefined ? undefined : origins[path];
  return origin === undefined ? problem : { ...problem, message: `${problem.message} (from ${origin})` };
}

function title(count: number): string {
  return `The configuration has ${count === 1 ? "a problem" : `${count} problems`}:`;
}

/** Adds the defaults that depend on other settings. All others are in the schema. */
function withDerivedDefaults(written: Written): Written {
  const hasVariants = Array.isArray(written.variants) && written.variants.length > 0;
  const derived: readonly [path: Path, when: boolean, value: unknown][] = [
    // One repository's tags are `v1.2.3`, `v1.2.3-slim`, `latest`, `latest-slim`, whatever the version looks like.
    [["images", 0, "tags"], hasVariants && isRecord(valueAt(written, ["images", 0])), ["type=ref,event=tag"]],
    // Two pushes at once are no faster on one network, and emulated builds share the processors.
    [["builder", "concurrency"], hasVariants && isRecord(written.builder ?? {}), 1],
    [["base", "platforms"], isRecord(written.base), valueAt(written, ["images", 0, "platforms"])],
  ];
  return derived.reduce<Written>((config, [path, when, value]) => {
    if (!when || value === undefined || valueAt(config, path) !== undefined) return config;
    return withSetting(config, path, value);
  }, written);
}
