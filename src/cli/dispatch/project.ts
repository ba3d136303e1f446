import { existsSync } from "node:fs";
import path from "node:path";
import { git } from "../../inputs/commands";
import { githubRepository } from "../../inputs/git";
import type { Code } from "../../inputs/program-host";
import { projectFiles } from "../../inputs/project-files";
import type { Config } from "../../plan/config";
import type { Lane } from "../../plan/lanes";
import type { Environment } from "../../settings/environment";
import type { Flag } from "../../settings/overlay";
import { readConfig } from "../../settings/read";
import { defaultStack } from "../../settings/read-setup";
import { readStackFile, type StackFile } from "../../settings/stack-file";
import { remoteUrl } from "../init/facts";
import { declaredCode } from "../plan/run-program";
import { checkRepository, type ProjectSettings, type Repository } from "./settings";

export interface Project extends ProjectSettings {
  /** Absent where the folder is no Pulumi project. */
  readonly stack?: string;
  /** `KEY=value` files that a release needs, relative to the project. */
  readonly pins: readonly { readonly file: string; readonly key: string }[];
  readonly registries: Config["registries"];
  /** The lane that the stack releases. */
  readonly lane?: Lane;
}

/** A stack's file, with what the project's program gives in code. */
export type ProjectStack = StackFile & { readonly code: Code };

/**
 * The stack's settings in a folder; undefined where the folder is no project.
 *
 * @throws ProblemError `config-stack` for a stack that was named and has no file
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

/**
 * The project. Its settings are read as `slipway plan` reads them, so what is wrong with them is found before CI finds
 * it.
 */
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

/** The folder's place in its repository, `` or `release/`; undefined outside of one. */
export async function placeInRepository(dir: string): Promise<string | undefined> {
  const answer = await git(dir, ["rev-parse", "--show-prefix"]).catch(() => undefined);
  return answer?.code === 0 ? answer.stdout.trim() : undefined;
}
