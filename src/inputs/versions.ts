import { valid } from "semver";
import type { BuildArg } from "../plan/config";
import { type Problem, reasonOf } from "../plan/problem";
import { isRecord, parseJson } from "../plan/record";
import { NPM_SOURCE_PATTERN } from "../plan/versions";
import { runCommand } from "./commands";
import { readProjectFile } from "./project-files";

interface ResolvedBuildArgs {
  readonly values: Readonly<Record<string, string>>;
  /** Argument -> where its value came from; no entry if the configuration contains it. */
  readonly origins: Readonly<Record<string, string>>;
  /** `build-arg-file`, `build-arg-key`, `build-arg-latest` */
  readonly problems: readonly Problem[];
}

interface BuildArgsInput {
  readonly projectDir: string;
  readonly buildArgs: Readonly<Record<string, BuildArg>>;
  /** Path shown in problems, e.g. `images[0].buildArgs`. Default `buildArgs`. */
  readonly path?: string;
  /** Variables for npm besides the process's own. Default none. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** For each call of npm. Default 20 seconds. */
  readonly deadlineMs?: number;
}

/** Resolves every build argument to a value, all at once. Every failure is a problem; this never throws. */
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
      return pinned(arg.pin, async () => fromFile(input.projectDir, arg.file, arg.key));
    case "latest-of":
      return pinned(arg.pin, () => fromRegistry(input, arg.source));
    default: {
      const never: never = arg;
      throw new TypeError(`unknown build argument ${JSON.stringify(never)}`);
    }
  }
}

/** A pin counts, and its origin shows what it replaces, so that the plan shows an outdated pin without refusing it. */
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

function fromFile(projectDir: string, file: string, key: string): Answer {
  const shown = JSON.stringify(file);
  let values: Map<string, string>;
  try {
    values = parseEnvFile(readProjectFile(projectDir, file));
  } catch (error) {
    return { code: "build-arg-file", message: `${shown} ${reasonOf(error)}` };
  }
  const value = values.get(key);
  if (value !== undefined) return { value, origin: `${key} in ${file}` };
  const known = [...values.keys()].slice(0, 10).join(", ") || "no key at all";
  return { code: "build-arg-key", message: `${shown} has no key ${key}; it has ${known}` };
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
    return await latestOfNpm(source, input);
  } catch (error) {
    return {
      code: "build-arg-latest",
      message: reasonOf(error),
      hint: "Try again, or pin the value: an environment variable or a text in the configuration beats it",
    };
  }
}

/** The newest version of a package in the registry that npm is configured for. @throws Error that names the package */
async function latestOfNpm(
  source: string,
  { projectDir, env = {}, deadlineMs = 20_000 }: BuildArgsInput,
): Promise<{ value: string; origin: string }> {
  const match = NPM_SOURCE_PATTERN.exec(source);
  if (match === null)
    throw new Error(`${JSON.stringify(source)} is not npm:<package> or npm:<package>@<tag>`);
  const [, name = "", tag = "latest"] = match;
  const fetchTimeout = Math.max(1000, Math.floor(deadlineMs / 2));
  const args = ["--json", "--prefer-online", "--fetch-retries=1", "--fetch-retry-mintimeout=200"];
  const result = await runCommand(
    "npm",
    ["view", ...args, `--fetch-timeout=${fetchTimeout}`, "--", `${name}@${tag}`, "version"],
    { cwd: projectDir, env: { ...env }, timeout: deadlineMs },
  );
  const asked = `npm view ${name}@${tag}`;
  if (result.failure === "timed-out")
    throw new Error(`${asked}: no answer within ${deadlineMs / 1000} seconds`);
  if (result.failure === "not-found") throw new Error(`${asked}: npm was not found`);
  const answer = parseJson(Buffer.from(result.stdout));
  if (typeof answer === "string" && valid(answer) !== null) {
    return { value: answer, origin: `the newest version of ${name} in the npm registry (${tag})` };
  }
  throw new Error(`${asked}: ${errorSummary(answer) ?? "there is no such version"}`);
}

/** One line of npm's `{"error": {"code", "summary"}}`, without the credentials in URLs. */
function errorSummary(answer: unknown): string | undefined {
  const error = isRecord(answer) ? answer.error : undefined;
  if (!isRecord(error)) return undefined;
  const code = typeof error.code === "string" ? error.code : "error";
  const summary = typeof error.summary === "string" ? error.summary : "";
  return `${code} ${summary.trim().split("\n")[0] ?? ""}`.replace(/\/\/[^/@\s]+@/g, "//").trim();
}
