import { readdir } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { distance } from "fastest-levenshtein";
import { parse } from "yaml";
import { type Problem, ProblemError } from "../plan/problem";
import { isRecord, sortedRecord } from "../plan/record";
import { leaves, problem, type Written } from "./paths";
import { readProject } from "./project-file";
import { decodeWritten, writtenConfigSchema } from "./schema";
import { Encrypted } from "./secrets";
import { readYamlFile, unreadable } from "./yaml-file";

export interface StackFile {
  readonly project: string;
  readonly stack: string;
  /** Keys without `slipway:`. A `secure:` value is an `Encrypted`. */
  readonly written: Written;
  /** Every setting, with its namespace: `shop:region`. A `secure:` value is an `Encrypted`. */
  readonly config: Written;
  /** `main` of Pulumi.yaml: the program. */
  readonly main?: string;
  /** Settings of Slipway in a place that nothing reads. */
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
 * The settings of a stack's file, and those of `Pulumi.yaml` for all stacks, without an engine:
 * `readConfig({ ...(await readStackFile({ projectDir, stack })), env })`.
 *
 * @throws ProblemError `config-file`, `config-stack` for a stack without a file, naming those that have one
 */
export async function readStackFile({ projectDir, stack, configFile }: StackFileInput): Promise<StackFile> {
  // `organization/project/stack` is a stack's full name; its file has the last part.
  const name = stack.split("/").at(-1) ?? "";
  if (!STACK_NAME.test(name)) throw wrongStack("stack", `${JSON.stringify(stack)} is no stack's name`);
  const project = await readProject(projectDir);
  const folder = configFolder(projectDir, project);
  const file = configFile ?? join(folder, `Pulumi.${name}.yaml`);
  const settings = await readYamlFile(file);
  const shown = relative(projectDir, file) || basename(file);
  if (settings === undefined) throw await noStackFile(shown, folder);
  if (settings !== null && !isRecord(settings)) throw unreadable(shown, "is not a mapping of settings");

  const projectName = typeof project.name === "string" ? project.name : "";
  const ofStack = settings?.config;
  const config = {
    ...withNamespaces(projectDefaults(project.config), projectName),
    ...withNamespaces(isRecord(ofStack) ? ofStack : {}, projectName),
  };
  const written = ownSettings(config);
  return {
    project: projectName,
    stack: name,
    written,
    config,
    misplaced: misplacedSettings(config, Object.keys(settings ?? {})),
    main: typeof project.main === "string" ? project.main : undefined,
    secretKeys: Object.keys(written).filter((key) =>
      [...leaves(written[key])].some(({ value }) => value instanceof Encrypted),
    ),
  };
}

async function noStackFile(shown: string, folder: string): Promise<ProblemError> {
  const names = await stackNames(folder);
  const known =
    names.length === 0
      ? "there is none in the project"
      : `there ${names.length === 1 ? "is" : "are"} ${names.join(", ")}`;
  const hint =
    names.length === 0 ? `Create it: echo 'config: {}' > ${shown}` : "Name one of these: --stack <name>";
  return wrongStack(shown, `there is no such stack file; ${known}`, hint);
}

function wrongStack(path: string, message: string, hint?: string): ProblemError {
  return new ProblemError("The configuration cannot be read:", [
    { code: "config-stack", path, message, hint },
  ]);
}

/**
 * The stacks that have a file, sorted, and where it is, relative to the project.
 *
 * @throws ProblemError `config-file` if there is no project or its file cannot be read
 */
export async function listStackFiles(projectDir: string): Promise<{ stack: string; file: string }[]> {
  const folder = configFolder(projectDir, await readProject(projectDir));
  const stacks = (await stackNames(folder)).filter((stack) => STACK_NAME.test(stack));
  return stacks.map((stack) => ({
    stack,
    file: relative(projectDir, join(folder, `Pulumi.${stack}.yaml`)).replaceAll("\\", "/"),
  }));
}

async function stackNames(folder: string): Promise<string[]> {
  try {
    const files = await readdir(folder);
    return files.flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []).sort();
  } catch {
    return [];
  }
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

/** The settings of Slipway, without their namespace. */
export function ownSettings(config: Written): Record<string, unknown> {
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

/** A copy with an `Encrypted` in place of every `secure:` value. */
function markEncrypted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(markEncrypted);
  if (!isRecord(value)) return value;
  const keys = Object.keys(value);
  if (keys.length === 1 && typeof value.secure === "string") return new Encrypted();
  return Object.fromEntries(keys.map((key) => [key, markEncrypted(value[key])]));
}

/** The keys of a stack's file that Pulumi knows. */
const TOP_LEVEL = ["config", "environment", "encryptedkey", "encryptionsalt", "secretsprovider"];

/**
 * Settings that look like Slipway's by name and value, but are in a place that neither Slipway nor Pulumi reads.
 *
 * @param config every setting of the stack, with its namespace
 * @param topLevel the keys of the stack's file beside `config`
 */
export function misplacedSettings(config: Written, topLevel: readonly string[] = []): Problem[] {
  const outside = topLevel.flatMap((key) => {
    const name = key.replace(/^slipway:/, "");
    if (TOP_LEVEL.includes(key) || !isSetting(name)) return [];
    return [misplaced(key, name, "is not below `config:`, where settings are")];
  });
  const inside = Object.entries(config).flatMap(([key, value]) => {
    const colon = key.indexOf(":");
    const namespace = key.slice(0, colon);
    const name = key.slice(colon + 1);
    if (namespace === NAMESPACE || !isSetting(name)) return [];
    if (distance(namespace, NAMESPACE) <= 2) return [misplaced(key, name, "is not a setting")];
    return isValid(name, value) ? [misplaced(key, name, "is not in the namespace of Slipway")] : [];
  });
  return [...outside, ...inside];
}

function misplaced(key: string, name: string, why: string): Problem {
  return problem("config-unknown-key", key, `${why}; did you mean \`slipway:${name}\`?`);
}

type Setting = keyof typeof writtenConfigSchema.shape;

function isSetting(name: string): name is Setting {
  return Object.hasOwn(writtenConfigSchema.shape, name);
}

/** Only lists and mappings count: a program may well have a setting `version` of its own, but hardly `registries`. */
function isValid(name: Setting, value: unknown): boolean {
  const decoded = decodeWritten({ [name]: value })[name];
  return (
    typeof decoded === "object" &&
    decoded !== null &&
    writtenConfigSchema.shape[name].safeParse(decoded).success
  );
}

/** Whether a stack sets its repository up (`github.setup`) instead of releasing. */
export function isSetupStack(written: Written): boolean {
  const { github } = decodeWritten({ github: written.github });
  return isRecord(github) && github.setup === true;
}

/**
 * The stack to use when none is named: the first of the preferred names that has a file, else the only stack that
 * releases. Stacks that set a repository up do not count.
 *
 * @returns undefined if that leaves none or several
 * @throws ProblemError `config-file` if there is no project
 */
export async function defaultStack(
  projectDir: string,
  preferred: readonly string[],
): Promise<string | undefined> {
  const names = (await listStackFiles(projectDir)).map(({ stack }) => stack);
  const found = preferred.find((stack) => names.includes(stack));
  if (found !== undefined) return found;
  const releasing = [];
  for (const stack of names) {
    if (await isReleasing(projectDir, stack)) releasing.push(stack);
  }
  return releasing.length === 1 ? releasing[0] : undefined;
}

/** True for a file that cannot be read: reading it later reports why. */
async function isReleasing(projectDir: string, stack: string): Promise<boolean> {
  return readStackFile({ projectDir, stack }).then(
    ({ written }) => !isSetupStack(written),
    () => true,
  );
}

/** How a stack's secrets are encrypted: the engine writes these keys when it creates the stack. */
const ENGINE_KEYS = new Set(["encryptionsalt", "encryptedkey", "secretsprovider"]);

/**
 * Whether two texts of a stack's file have the same settings, apart from what the engine changes by itself.
 *
 * @throws Error if one of them is not YAML
 */
export function sameSettings(one: string, other: string): boolean {
  return comparable(one) === comparable(other);
}

function comparable(text: string): string {
  const document: unknown = parse(text) ?? {};
  if (!isRecord(document)) return JSON.stringify(document);
  const entries = Object.entries(document).filter(([key]) => !ENGINE_KEYS.has(key));
  return JSON.stringify(entries, (_, value: unknown) => {
    // The engine turns every scalar into a text: it writes `true` back as "true".
    if (typeof value === "boolean" || typeof value === "number") return String(value);
    // It appends what it sets, so the order of keys does not matter.
    return isRecord(value) ? sortedRecord(value) : value;
  });
}
