import { existsSync } from "node:fs";
import path from "node:path";
import { git } from "../../inputs/commands";
import { githubRepository } from "../../inputs/git";
import { projectFiles } from "../../inputs/project-files";
import type { Config } from "../../plan/config";
import type { Lane } from "../../plan/lanes";
import { isLoopbackHost } from "../../plan/reference";
import type { Code } from "../../release/program-host";
import { type Environment, lookUp, yesOrNo } from "../../settings/environment";
import type { Flag } from "../../settings/overlay";
import { readConfig } from "../../settings/read";
import { defaultStack, readStackFile, type StackFile } from "../../settings/stack-file";
import { remoteUrl } from "../init/facts";
import { declaredCode } from "../plan/run-program";
import { UsageError } from "../terminal";

export interface DispatchFlags {
  readonly cwd: string;
  readonly stack?: string;
  readonly version?: string;
  readonly inputRef?: string;
  readonly workflowRef?: string;
  readonly workflow?: string;
  readonly repo?: string;
  readonly apiUrl?: string;
  readonly publishVersionTag?: boolean;
  readonly wait: boolean;
  readonly timeout?: string;
  readonly json?: true;
}

export interface ProjectSettings {
  readonly envPrefix?: string;
  readonly repository?: string;
  readonly publishVersionTag?: boolean;
}

export interface DispatchSettings {
  readonly server: Server;
  /** Absent if neither flag, variable nor project names it; the git remote counts then. */
  readonly repository?: Repository;
  readonly workflow: string;
  /** @default the repository's default branch */
  readonly workflowRef?: string;
  readonly inputRef?: string;
  readonly version?: string;
  /** Absent unless a flag or a variable gives it. */
  readonly publishVersionTag?: boolean;
  readonly wait: boolean;
  readonly timeoutSeconds: number;
}

export interface Repository {
  readonly owner: string;
  readonly repo: string;
}

/**
 * Settings from flags, else variables with the stack's prefix, else the project, else defaults. Only RELEASE_TAG, GH_REPO
 * and PUBLISH_VERSION_TAG are also read without the prefix: the other names are too common.
 *
 * @throws UsageError with flag or variable, value and what is allowed
 */
export function dispatchSettings(
  flags: DispatchFlags,
  env: Environment,
  project: ProjectSettings,
): DispatchSettings {
  const { envPrefix: prefix = "" } = project;
  const pick = <T>(
    parse: (text: string, from: string) => T,
    flag: string,
    typed: string | undefined,
    variable: string,
    bare: readonly string[] = [],
  ): T | undefined => {
    if (typed !== undefined) return parse(typed, flag);
    const own = prefix === "" ? undefined : lookUp(env, [prefix + variable]);
    const given = own ?? lookUp(env, bare, prefix);
    return given === undefined ? undefined : parse(given.value.trim(), given.variable);
  };

  const version = pick(checkVersion, "--version", flags.version, "VERSION", ["RELEASE_TAG"]);
  const named = pick(checkRepository, "--repo", flags.repo, "REPO", ["GH_REPO"]);
  const repository =
    named ??
    (project.repository === undefined
      ? undefined
      : checkRepository(project.repository, "slipway:repository"));
  const publishVersionTag =
    flags.publishVersionTag ??
    pick(checkYesOrNo, "--publish-version-tag", undefined, "PUBLISH_VERSION_TAG", ["PUBLISH_VERSION_TAG"]);
  const settings: DispatchSettings = {
    server: serverFor({ env, apiUrl: flags.apiUrl, host: named?.host }),
    repository: repository && { owner: repository.owner, repo: repository.repo },
    workflow: pick(checkWorkflow, "--workflow", flags.workflow, "WORKFLOW") ?? "release-docker.yml",
    workflowRef: pick(checkRef, "--workflow-ref", flags.workflowRef, "WORKFLOW_REF"),
    inputRef: pick(checkRef, "--input-ref", flags.inputRef, "INPUT_REF"),
    version,
    publishVersionTag,
    wait: flags.wait && (pick(checkYesOrNo, "--no-wait", undefined, "WAIT") ?? true),
    timeoutSeconds: pick(checkDuration, "--timeout", flags.timeout, "TIMEOUT") ?? 2 * UNIT_SECONDS.h,
  };
  if ((publishVersionTag ?? project.publishVersionTag) === true && version === undefined)
    throw new UsageError(
      "a version's tag is to be published, but there is no version: add --version vX.Y.Z or --no-publish-version-tag",
    );
  return settings;
}

const VERSION =
  /^(?:[a-z][a-z0-9]*-)*v(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

/** `v1.2.3`, `v1.2.3-rc.1`, or with a lane's prefix `standalone-v1.2.3`. @throws UsageError */
export function checkVersion(text: string, from: string): string {
  if (VERSION.test(text)) return text;
  const near = VERSION.test(`v${text}`) ? `; did you mean v${text}?` : "";
  throw new UsageError(`${from}: ${JSON.stringify(text)} is not a version such as v1.2.3${near}`);
}

/** A branch's or tag's name, `refs/…`, or a commit. @throws UsageError for a name that git would refuse */
export function checkRef(text: string, from: string): string {
  const isName =
    /^[A-Za-z0-9_][A-Za-z0-9._/@+#-]*$/.test(text) &&
    text.length <= 255 &&
    !/\.\.|\/\/|@\{|\/\.|\.lock(?:\/|$)|[./]$/.test(text);
  if (isName) return text;
  throw new UsageError(`${from}: ${JSON.stringify(text)} is not a branch, tag or commit`);
}

/** `owner/name` or, as in `gh`, `host/owner/name`. @throws UsageError */
export function checkRepository(text: string, from: string): Repository & { readonly host?: string } {
  const match = /^(?:([A-Za-z0-9.-]+)\/)?([A-Za-z0-9][A-Za-z0-9-]*)\/([A-Za-z0-9._-]+)$/.exec(text);
  const [, host, owner = "", repo = ""] = match ?? [];
  if (match === null || repo === "." || repo === "..")
    throw new UsageError(`${from}: ${JSON.stringify(text)} is not a repository, owner/name`);
  return { owner, repo, host };
}

function checkWorkflow(text: string, from: string): string {
  const name = text.replace(/^(?:\.\/)?\.github\/workflows\//, "");
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]*\.ya?ml$/.test(name)) return name;
  throw new UsageError(
    `${from}: ${JSON.stringify(text)} is not a workflow file's name, such as release-docker.yml`,
  );
}

const UNIT_SECONDS = { s: 1, m: 60, h: 3600 } as const;

/** Seconds of `90s`, `45m`, `2h`; a bare number is minutes. @throws UsageError */
export function checkDuration(text: string, from: string): number {
  const [, digits = "", unit = "m"] = /^(\d{1,5}(?:\.\d)?)([smh])?$/.exec(text) ?? [];
  const seconds = unit === "s" || unit === "m" || unit === "h" ? Number(digits) * UNIT_SECONDS[unit] : 0;
  if (digits !== "" && seconds > 0) return seconds;
  throw new UsageError(`${from}: ${JSON.stringify(text)} is not a time such as 90s, 45m or 2h`);
}

function checkYesOrNo(text: string, from: string): boolean {
  const value = yesOrNo(text);
  if (value !== undefined) return value;
  throw new UsageError(`${from}: ${JSON.stringify(text)} is not true or false`);
}

export interface Server {
  /** `github.com`, or an Enterprise server's host. */
  readonly host: string;
  /** Without a trailing slash: `https://api.github.com`, `https://github.example/api/v3`. */
  readonly apiUrl: string;
}

const PUBLIC: Server = { host: "github.com", apiUrl: "https://api.github.com" };

/**
 * The server of `--api-url`, the host in `--repo host/owner/name`, `GITHUB_API_URL`, `GH_HOST`, else github.com.
 *
 * @throws UsageError for an invalid address, and for one that would send the token to another machine without TLS
 */
export function serverFor({
  apiUrl,
  host,
  env,
}: {
  readonly apiUrl?: string;
  readonly host?: string;
  readonly env: Environment;
}): Server {
  if (apiUrl !== undefined) return serverAt(apiUrl, "--api-url");
  if (host !== undefined) return serverOf(host);
  if (env.GITHUB_API_URL) return serverAt(env.GITHUB_API_URL, "GITHUB_API_URL");
  return env.GH_HOST ? serverOf(env.GH_HOST) : PUBLIC;
}

function serverAt(text: string, from: string): Server {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== "" || url.search !== "")
    throw new UsageError(`${from}: ${JSON.stringify(text)} is not an address such as ${PUBLIC.apiUrl}`);
  if (url.protocol === "http:" && !isLoopbackHost(url.host))
    throw new UsageError(`${from}: ${text} would send the token unencrypted; use https`);
  return { host: url.host.replace(/^api\.(?=.)/, ""), apiUrl: text.replace(/\/+$/, "") };
}

function serverOf(host: string): Server {
  const name = host.toLowerCase();
  if (!/^[a-z0-9.-]+(?::[0-9]{1,5})?$/.test(name))
    throw new UsageError(`${JSON.stringify(host)} is not a GitHub server's host`);
  if (name === PUBLIC.host) return PUBLIC;
  // GitHub's cloud for enterprises has its API on a host beside it, an Enterprise server on a path below it.
  return name.endsWith(".ghe.com")
    ? { host: name, apiUrl: `https://api.${name}` }
    : { host: name, apiUrl: `https://${name}/api/v3` };
}

export interface Project extends ProjectSettings {
  /** Absent if the folder is not a Pulumi project. */
  readonly stack?: string;
  /** `KEY=value` files that a release needs, relative to the project. */
  readonly pins: readonly { readonly file: string; readonly key: string }[];
  readonly registries: Config["registries"];
  /** The lane that the stack releases. */
  readonly lane?: Lane;
}

/** A stack's file, with the arguments that the project's program gives in code. */
export type ProjectStack = StackFile & { readonly code: Code };

/**
 * The stack's settings; undefined if the folder is not a project.
 *
 * @throws ProblemError `config-stack` if the named stack has no file
 */
export async function findStack(
  projectDir: string,
  stack: string | undefined,
): Promise<ProjectStack | undefined> {
  const isProject = existsSync(path.join(projectDir, "Pulumi.yaml"));
  const name = stack ?? (isProject ? await defaultStack(projectDir, ["release", "stage"]) : undefined);
  if (name === undefined) return undefined;
  const file = await readStackFile({ projectDir, stack: name });
  return { ...file, code: await declaredCode(projectDir, file) };
}

export function projectSettings(file: ProjectStack | undefined): ProjectSettings {
  const { envPrefix, repository, publishVersionTag } = { ...file?.code, ...file?.written };
  return {
    envPrefix: typeof envPrefix === "string" ? envPrefix : undefined,
    repository: typeof repository === "string" ? repository : undefined,
    publishVersionTag: publishVersionTag === undefined ? undefined : String(publishVersionTag) === "true",
  };
}

/** Reads the project's settings as `slipway plan` does, so that their errors appear before CI starts. */
export function readProject(
  projectDir: string,
  file: ProjectStack | undefined,
  env: Environment,
  flags: readonly Flag[],
): Project {
  if (file === undefined) return { pins: [], registries: [] };
  const config = readConfig({ ...file, env, flags, readFile: projectFiles(projectDir) });
  const pins = new Map<string, Project["pins"][number]>();
  for (const arg of config.images.flatMap((image) => Object.values(image.buildArgs))) {
    if (arg.kind !== "file" || arg.pin !== undefined) continue;
    const pin = { file: path.posix.join(config.root, arg.file), key: arg.key };
    pins.set(`${pin.file}\n${pin.key}`, pin);
  }
  return {
    ...projectSettings(file),
    stack: file.stack,
    pins: [...pins.values()],
    registries: config.registries,
    lane: config.lane,
  };
}

export async function remoteRepository(dir: string, host: string): Promise<Repository | undefined> {
  const url = await remoteUrl(dir).catch(() => undefined);
  const found = url === undefined ? undefined : githubRepository(url, host);
  return found === undefined ? undefined : checkRepository(found, "the git remote");
}

/** The folder's path in its repository, `release/`, empty for the root; undefined outside of a repository. */
export async function placeInRepository(dir: string): Promise<string | undefined> {
  const answer = await git(dir, ["rev-parse", "--show-prefix"]).catch(() => undefined);
  return answer?.code === 0 ? answer.stdout.trim() : undefined;
}
