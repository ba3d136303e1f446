import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { BuildArg } from "../plan/config";
import type { Problem } from "../plan/problem";
import { NPM_SOURCE_PATTERN, parseVersion } from "../plan/versions";
import { runCommand } from "./commands";
import { isInside, realPath } from "./project-files";

export interface ResolvedBuildArgs {
  readonly values: Readonly<Record<string, string>>;
  /** Argument -> where its value came from; those written in the configuration have no entry. */
  readonly origins: Readonly<Record<string, string>>;
  /** `build-arg-file`, `build-arg-key`, `build-arg-latest` */
  readonly problems: readonly Problem[];
}

export interface BuildArgsInput {
  readonly projectDir: string;
  readonly buildArgs: Readonly<Record<string, BuildArg>>;
  /** Path shown in problems, e.g. `images[0].buildArgs`. Default `buildArgs`. */
  readonly path?: string;
  /** Variables that npm is to see besides the process's own. Default none. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** For each question to a package registry. Default 20 seconds. */
  readonly deadlineMs?: number;
}

const FILE_LIMIT = 1024 * 1024;

/** Turns every build argument into a concrete value, all at once; nothing throws. */
export async function resolveBuildArgs(input: BuildArgsInput): Promise<ResolvedBuildArgs> {
  const entries = await Promise.all(
    Object.entries(input.buildArgs).map(async ([name, arg]) => ({
      name,
      answer: await resolveArg(input, arg),
    })),
  );
  const values: Record<string, string> = {};
  const origins: Record<string, string> = {};
  const problems: Problem[] = [];
  for (const { name, answer } of entries) {
    if ("code" in answer) problems.push({ ...answer, path: `${input.path ?? "buildArgs"}.${name}` });
    else {
      values[name] = answer.value;
      if (answer.origin !== undefined) origins[name] = answer.origin;
    }
  }
  return { values, origins, problems };
}

type Answer = { readonly value: string; readonly origin?: string } | Omit<Problem, "path">;

async function resolveArg(input: BuildArgsInput, arg: BuildArg): Promise<Answer> {
  switch (arg.kind) {
    case "literal":
      return { value: arg.value };
    case "file":
      return pinned(arg.pin, () => fromFile(input.projectDir, arg.file, arg.key));
    case "latest-of":
      return pinned(arg.pin, () => fromRegistry(input, arg.source));
    default: {
      const never: never = arg;
      throw new TypeError(`unknown build argument ${JSON.stringify(never)}`);
    }
  }
}

/** The pin, with what it replaces: the plan shows that a pin is out of date, but does not refuse it. */
async function pinned(pin: string | undefined, find: () => Promise<Answer>): Promise<Answer> {
  const found = await find();
  if (pin === undefined) return found;
  if ("code" in found)
    return { value: pin, origin: `pinned; what it replaces is not known: ${found.message}` };
  const origin = found.origin ?? "its source";
  return {
    value: pin,
    origin: found.value === pin ? `pinned, and the same as ${origin}` : `pinned; ${found.value} is ${origin}`,
  };
}

async function fromFile(projectDir: string, file: string, key: string): Promise<Answer> {
  const shown = JSON.stringify(file);
  const path = resolve(projectDir, file);
  const [realProject, real] = await Promise.all([realPath(projectDir), realPath(path)]);
  const wrong = (message: string) => ({ code: "build-arg-file", message: `${shown} ${message}` });
  if (real === undefined) return wrong(`does not exist (looked for ${path})`);
  if (realProject !== undefined && !isInside(realProject, real))
    return wrong(`leads out of the project, to ${real}`);
  const facts = await stat(real);
  if (!facts.isFile() || facts.size > FILE_LIMIT) return wrong("is not a file of KEY=value lines");
  try {
    const values = parseEnvFile(new TextDecoder("utf-8", { fatal: true }).decode(await readFile(real)));
    const value = values.get(key);
    if (value !== undefined) return { value, origin: `${key} in ${file}` };
    const known = [...values.keys()].slice(0, 10).join(", ") || "no key at all";
    return { code: "build-arg-key", message: `${shown} has no key ${key}; it has ${known}` };
  } catch (error) {
    return wrong(error instanceof TypeError ? "is not UTF-8" : `cannot be read: ${error}`);
  }
}

/** `KEY=value` lines as `docker --env-file` and shells write them: comments, `export`, quotes; the last one wins. */
export function parseEnvFile(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*=\s*(.*?)\s*$/.exec(line);
    if (match === null) continue;
    const [, key = "", raw = ""] = match;
    const quoted = /^(["'])(.*?)\1\s*(?:#.*)?$/.exec(raw);
    values.set(key, quoted === null ? raw.replace(/(?:^|\s+)#.*$/, "") : (quoted[2] ?? ""));
  }
  return values;
}

async function fromRegistry(input: BuildArgsInput, source: string): Promise<Answer> {
  try {
    const options = {
      projectDir: input.projectDir,
      env: input.env ?? {},
      deadlineMs: input.deadlineMs ?? 20_000,
    };
    const { version, origin } = await latestOfNpm(source, options);
    return { value: version, origin };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const hint =
      "Try again, or pin the value: an environment variable or a text in the configuration beats it";
    return { code: "build-arg-latest", message, hint };
  }
}

/**
 * The newest version of a package, asked of the registry that npm is configured for (its `.npmrc` files, environment
 * and credentials count, the project's too).
 *
 * @throws Error that names the package, and the registry if npm gives it
 */
export async function latestOfNpm(
  source: string,
  options: {
    readonly projectDir: string;
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly deadlineMs: number;
  },
): Promise<{ version: string; origin: string }> {
  const match = NPM_SOURCE_PATTERN.exec(source);
  if (match === null)
    throw new Error(`${JSON.stringify(source)} is not npm:<package> or npm:<package>@<tag>`);
  const [, name = "", tag = "latest"] = match;
  const fetchTimeout = Math.max(1000, Math.floor(options.deadlineMs / 2));
  const args = ["--json", "--prefer-online", "--fetch-retries=1", "--fetch-retry-mintimeout=200"];
  const result = await runCommand(
    "npm",
    ["view", ...args, `--fetch-timeout=${fetchTimeout}`, "--", `${name}@${tag}`, "version"],
    { cwd: options.projectDir, env: { ...options.env }, timeout: options.deadlineMs },
  );
  const asked = `npm view ${name}@${tag}`;
  if (result.failure === "timed-out")
    throw new Error(`${asked}: no answer within ${options.deadlineMs / 1000} seconds`);
  if (result.failure === "not-found") throw new Error(`${asked}: npm was not found`);
  const answer = parseJson(result.stdout);
  if (typeof answer === "string" && parseVersion(answer) !== undefined) {
    return { version: answer, origin: `the newest version of ${name} in the npm registry (${tag})` };
  }
  throw new Error(`${asked}: ${errorSummary(answer) ?? "there is no such version"}`);
}

function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

/** npm's own `{"error": {"code", "summary"}}`, in one line. URLs lose their credentials. */
function errorSummary(answer: unknown): string | undefined {
  if (typeof answer !== "object" || answer === null || !("error" in answer)) return undefined;
  const { error } = answer;
  if (typeof error !== "object" || error === null) return undefined;
  const code = "code" in error && typeof error.code === "string" ? error.code : "error";
  const summary = "summary" in error && typeof error.summary === "string" ? error.summary : "";
  return `${code} ${summary.trim().split("\n")[0] ?? ""}`.replace(/\/\/[^/@\s]+@/g, "//").trim();
}
