import { readdir } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { parse } from "yaml";
import { type Problem, ProblemError } from "../plan/problem";
import { isRecord } from "../plan/record";
import { misplacedSettings } from "./decode";
import { leaves, type Written } from "./paths";
import { Encrypted, secretProblems } from "./secrets";
import { isThere, readYamlFile } from "./yaml-file";

export interface StackFile {
  readonly project: string;
  readonly stack: string;
  /** Keys without `slipway:`. A `secure:` value is an `Encrypted`. */
  readonly written: Written;
  /** Every setting, with its namespace: `shop:region`. A `secure:` value is an `Encrypted`. */
  readonly config: Written;
  /** `main` of Pulumi.yaml: the program. */
  readonly main?: string;
  /** Settings that are meant for Slipway but in a place that nothing reads. */
  readonly misplaced: readonly Problem[];
  /** Top-level keys that hold an encrypted value somewhere. */
  readonly secretKeys: readonly string[];
}

export interface StackFileInput {
  readonly projectDir: string;
  readonly stack: string;
  /** Default `Pulumi.<stack>.yaml`, in the project or its `stackConfigDir`. */
  readonly configFile?: string;
}

const NAMESPACE = "slipway";
const STACK_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/;

/**
 * What a stack's file says under `slipway:`, and `Pulumi.yaml` for all stacks, without an engine:
 * `readConfig({ ...(await readStackFile({ projectDir, stack })), env })`.
 *
 * @throws ProblemError `config-file`, `config-stack` for a stack without a file, naming those that have one
 */
export async function readStackFile(input: StackFileInput): Promise<StackFile> {
  // `organization/project/stack` is a stack's full name; its file has the last part.
  const stack = input.stack.split("/").at(-1) ?? "";
  if (!STACK_NAME.test(stack))
    throw failure("config-stack", "stack", `${JSON.stringify(input.stack)} is no stack's name`);
  const projectFile = join(input.projectDir, "Pulumi.yaml");
  const project = await readMapping(projectFile, () => noProject(input.projectDir));
  const folder = configFolder(input.projectDir, project);
  const stackFile = input.configFile ?? join(folder, `Pulumi.${stack}.yaml`);
  const settings = await readMapping(stackFile, () => noStackFile(input.projectDir, stackFile, folder));

  const name = typeof project.name === "string" ? project.name : "";
  const config = {
    ...withNamespaces(projectDefaults(project.config), name),
    ...withNamespaces(isRecord(settings.config) ? settings.config : {}, name),
  };
  const written = ownKeys(config);
  const secretKeys = Object.keys(written).filter((key) =>
    [...leaves(written[key])].some(({ value }) => value instanceof Encrypted),
  );
  return {
    project: name,
    stack,
    written,
    config,
    misplaced: misplacedSettings(config, Object.keys(settings)),
    main: typeof project.main === "string" ? project.main : undefined,
    secretKeys,
  };

  async function readMapping(
    path: string,
    missing: () => Promise<ProblemError>,
  ): Promise<Record<string, unknown>> {
    const value = await readYamlFile(path);
    if (value === undefined) throw await missing();
    if (value === null) return {};
    if (!isRecord(value)) {
      throw failure("config-file", shownPath(input.projectDir, path), "is not a mapping of settings");
    }
    return value;
  }
}

/**
 * The stacks that have a file, sorted, and where it is, relative to the project.
 *
 * @throws ProblemError `config-file` where there is no project or its file cannot be read
 */
export async function listStackFiles(projectDir: string): Promise<{ stack: string; file: string }[]> {
  const project = await readYamlFile(join(projectDir, "Pulumi.yaml"));
  if (!isRecord(project)) throw await noProject(projectDir);
  const folder = configFolder(projectDir, project);
  const stacks = (await stackNames(folder)).filter((stack) => STACK_NAME.test(stack));
  return stacks.map((stack) => ({
    stack,
    file: relative(projectDir, join(folder, `Pulumi.${stack}.yaml`)).replaceAll("\\", "/"),
  }));
}

function configFolder(projectDir: string, project: Written): string {
  return resolve(projectDir, typeof project.stackConfigDir === "string" ? project.stackConfigDir : ".");
}

/** To the engine, a key without a namespace is the project's own. */
function withNamespaces(config: Written, project: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key.includes(":") ? key : `${project}:${key}`,
      markEncrypted(value),
    ]),
  );
}

function ownKeys(config: Written): Record<string, unknown> {
  const prefix = `${NAMESPACE}:`;
  return Object.fromEntries(
    Object.entries(config).flatMap(([key, value]) =>
      key.startsWith(prefix) ? [[key.slice(prefix.length), value]] : [],
    ),
  );
}

/** `Pulumi.yaml` may give a value as it is, as `{ value: … }`, or as the `default` of a described setting. */
function projectDefaults(config: unknown): Record<string, unknown> {
  if (!isRecord(config)) return {};
  return Object.fromEntries(
    Object.entries(config).flatMap(([key, entry]) => {
      if (!isRecord(entry)) return [[key, entry]];
      const value = entry.value ?? entry.default;
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

/** A copy in which every `secure:` value is an `Encrypted`. */
function markEncrypted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(markEncrypted);
  if (!isRecord(value)) return value;
  const keys = Object.keys(value);
  if (keys.length === 1 && typeof value.secure === "string") return new Encrypted();
  return Object.fromEntries(keys.map((key) => [key, markEncrypted(value[key])]));
}

async function stackNames(folder: string): Promise<string[]> {
  try {
    const files = await readdir(folder);
    return files.flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []).sort();
  } catch {
    return [];
  }
}

/** In the repository's root, name the project's folder. */
async function noProject(projectDir: string): Promise<ProblemError> {
  const below = await projectBelow(projectDir);
  const message = "there is no such file; is this the project's folder?";
  if (below === undefined) return failure("config-file", "Pulumi.yaml", message);
  const named = relative(process.cwd(), join(projectDir, below)).replaceAll("\\", "/");
  return failure(
    "config-file",
    "Pulumi.yaml",
    message,
    `There is a project in ${below}: run it there, or with -C ${named}`,
  );
}

async function noStackFile(projectDir: string, file: string, folder: string): Promise<ProblemError> {
  const names = await stackNames(folder);
  const known =
    names.length === 0
      ? "there is none in the project"
      : `there ${names.length === 1 ? "is" : "are"} ${names.join(", ")}`;
  const shown = shownPath(projectDir, file);
  const hint =
    names.length === 0 ? `Create it: echo 'config: {}' > ${shown}` : "Name one of these: --stack <name>";
  return failure("config-stack", shown, `there is no such stack file; ${known}`, hint);
}

function shownPath(projectDir: string, file: string): string {
  return relative(projectDir, file) || basename(file);
}

function failure(code: string, path: string, message: string, hint?: string): ProblemError {
  return new ProblemError("The configuration cannot be read:", [{ code, path, message, hint }]);
}

/** Where `slipway init` may put the project, from the repository's root: the first that is free. */
export const PROJECT_FOLDERS = ["release", "slipway", "image-release"] as const;

/** The first of those folders that has a project; undefined where none has. */
async function projectBelow(dir: string): Promise<string | undefined> {
  for (const folder of PROJECT_FOLDERS) {
    if (await isThere(join(dir, folder, "Pulumi.yaml"))) return folder;
  }
  return undefined;
}

/** How a stack's secrets are encrypted: the engine writes it by itself when a stack is made. */
const ENGINE_KEYS = new Set(["encryptionsalt", "encryptedkey", "secretsprovider"]);

/**
 * Whether two texts of a stack's file say the same, but for what the engine writes into it by itself.
 *
 * @throws Error where one is no YAML
 */
export function sameSettings(one: string, other: string): boolean {
  return settings(one) === settings(other);
}

function settings(text: string): string {
  const document: unknown = parse(text) ?? {};
  if (typeof document !== "object" || document === null) return JSON.stringify(document);
  const entries = Object.entries(document).filter(([key]) => !ENGINE_KEYS.has(key));
  return JSON.stringify(entries, (_, value: unknown) =>
    // To the engine every scalar is a text, and it writes `true` back as "true".
    typeof value === "boolean" || typeof value === "number"
      ? String(value)
      : // The engine appends what it sets, so the order of keys means nothing.
        isRecord(value)
        ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
        : value,
  );
}

/**
 * Secrets of a setup that are in plain text in the stack's file. The engine reports only that `slipway:github` contains
 * a secret, so the file itself is read; if there is none, plain text cannot be found.
 */
export async function plainSetupSecrets(input: {
  readonly projectDir: string;
  readonly stack: string;
}): Promise<Problem[]> {
  try {
    const { written } = await readStackFile(input);
    const found = secretProblems({ written, file: written, secretKeys: [], secrets: [], origins: {} });
    return found.filter(({ path }) => path.startsWith("github."));
  } catch (error) {
    // The stack may be configured by another file (--config-file).
    if (error instanceof ProblemError) return [];
    throw error;
  }
}
