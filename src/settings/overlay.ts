import { buildSecretVariable } from "../plan/config";
import { type Problem, reasonOf } from "../plan/problem";
import { isRecord } from "../plan/record";
import { type Environment, environmentCredentials, lookUp } from "./environment";
import { buildArgsIn, type Edit, ENVIRONMENT, GENERIC_VARIABLES } from "./environment-table";
import { entriesOf, formatPath, textOf, valueAt, type Written, withSetting } from "./paths";

/** A setting from the command line. It beats the environment. */
export interface Flag {
  /** As it was typed: `--version`. */
  readonly flag: string;
  /** The setting, without `slipway:`. */
  readonly key: string;
  readonly value: unknown;
}

export interface Overlaid {
  readonly written: Written;
  /** Path -> `environment variable PLATFORMS`. */
  readonly origins: Readonly<Record<string, string>>;
  readonly problems: readonly Problem[];
}

/**
 * Overlays written settings with the environment and the command line: first the table's variables and the pins of build
 * arguments, then flags, then credentials of registries and build secrets of images.
 */
export function overlayEnvironment(
  original: Written,
  env: Environment,
  flags: readonly Flag[] = [],
): Overlaid {
  const prefix = typeof original.envPrefix === "string" ? original.envPrefix : "";
  const named: readonly unknown[] = Array.isArray(original.variables) ? original.variables : [];
  const origins: Record<string, string> = {};
  const problems: Problem[] = [];
  let written = original;
  const apply = (edits: readonly Edit[], origin: string) => {
    for (const { path, value } of edits) {
      written = withSetting(written, path, value);
      for (const old of Object.keys(origins)) if (isBelow(old, formatPath(path))) delete origins[old];
      origins[formatPath(path)] = origin;
    }
  };

  for (const row of ENVIRONMENT) {
    const isGeneric = (name: string) => GENERIC_VARIABLES.some((generic) => generic === name);
    const bare = row.variables.filter((name) => named.includes(name) || !isGeneric(name));
    const prefixed = prefix === "" ? [] : row.variables.map((name) => prefix + name);
    const given = lookUp(env, [...prefixed, ...bare]);
    if (given === undefined) continue;
    try {
      apply(row.edits(given, written, env), `environment variable ${given.variable}`);
    } catch (error) {
      const reason = reasonOf(error);
      const shown = given.variable.endsWith("BUILD_ARGS") ? "it" : JSON.stringify(given.value);
      problems.push({ code: "config-environment", path: given.variable, message: `${shown} ${reason}` });
    }
  }
  for (const { edit, origin } of pinEdits(written, env, prefix)) apply([edit], origin);
  for (const { flag, key, value } of flags) apply([{ path: [key], value }], `the flag ${flag}`);
  for (const { edit, origin } of credentialEdits(written, env, prefix)) apply([edit], origin);
  for (const { edit, origin } of buildSecretEdits(written, env, prefix)) apply([edit], origin);
  return { written, origins, problems };
}

interface OneEdit {
  readonly edit: Edit;
  readonly origin: string;
}

function* credentialEdits(written: Written, env: Environment, prefix: string): Generator<OneEdit> {
  const ciRegistry = textOf(valueAt(written, ["registries", 0, "host"]));
  for (const { path, value: registry } of entriesOf(written, "registries")) {
    if (typeof registry.host !== "string") continue;
    const username = textOf(registry.username);
    const found = environmentCredentials(registry.host, env, { prefix, username, ciRegistry });
    if (found === undefined) continue;
    const password = { path: [...path, "password"], value: found.password.reveal() };
    yield { edit: password, origin: `environment variable ${found.passwordVariable}` };
    if (found.username === username) continue;
    const origin =
      found.usernameVariable === undefined
        ? "what GHCR accepts with a token"
        : `environment variable ${found.usernameVariable}`;
    yield { edit: { path: [...path, "username"], value: found.username }, origin };
  }
}

/** A build argument with `latestOf` is pinned by the variable of its own name. */
function* pinEdits(written: Written, env: Environment, prefix: string): Generator<OneEdit> {
  for (const { path, name, value } of buildArgsIn(written)) {
    const found = isRecord(value) && "latestOf" in value ? lookUp(env, [name], prefix) : undefined;
    if (found === undefined) continue;
    const edit = { path: [...path, "pin"], value: found.value.trim() };
    yield { edit, origin: `environment variable ${found.variable}` };
  }
}

function* buildSecretEdits(written: Written, env: Environment, prefix: string): Generator<OneEdit> {
  for (const { path, value: image } of entriesOf(written, "images")) {
    for (const id of Object.keys(isRecord(image.secrets) ? image.secrets : {})) {
      const found = lookUp(env, [buildSecretVariable(id)], prefix);
      if (found === undefined) continue;
      const edit = { path: [...path, "secrets", id], value: found.value };
      yield { edit, origin: `environment variable ${found.variable}` };
    }
  }
}

function isBelow(path: string, parent: string): boolean {
  return path.startsWith(`${parent}.`) || path.startsWith(`${parent}[`);
}

/**
 * Overlays a program's settings with those of the stack: the stack wins. Mappings are merged, and images by their name;
 * every other list is replaced as a whole.
 */
export function overlayCode(code: Written, stack: Written): Record<string, unknown> {
  return merge(withImageList(code), withImageList(stack));
}

function merge(code: Written, stack: Written): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...code };
  for (const [key, value] of Object.entries(stack)) {
    const known = merged[key];
    if (key === "images" && Array.isArray(known) && Array.isArray(value)) merged[key] = byName(known, value);
    else merged[key] = isRecord(known) && isRecord(value) ? merge(known, value) : value;
  }
  return merged;
}

function byName(code: readonly unknown[], stack: readonly unknown[]): unknown[] {
  const nameOf = (image: unknown) => (isRecord(image) ? image.name : undefined);
  const merged = code.map((image) => {
    const own = stack.find((other) => nameOf(other) !== undefined && nameOf(other) === nameOf(image));
    return isRecord(image) && isRecord(own) ? merge(image, own) : image;
  });
  return [...merged, ...stack.filter((image) => !code.some((known) => nameOf(known) === nameOf(image)))];
}

/** Turns images that are written as a mapping, `{ app: { context: "." } }`, into a list with names. */
function withImageList(settings: Written): Written {
  const { images } = settings;
  if (!isRecord(images)) return settings;
  const list = Object.entries(images).map(([name, image]) => (isRecord(image) ? { name, ...image } : image));
  return { ...settings, images: list };
}
