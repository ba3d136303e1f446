import path from "node:path";
import { projectFiles } from "../../inputs/project-files";
import type { Config } from "../../plan/config";
import { manifestAmong, parseManifest, type ReleaseManifest } from "../../plan/manifest";
import { ProblemError, reasonOf } from "../../plan/problem";
import { repositoryKey } from "../../plan/reference";
import { type PlannedRelease, withFiles } from "../../plan/release-plan";
import { type PlanReleaseInput, planRelease } from "../../release/plan-release";
import type { Code } from "../../release/program-host";
import { registryReader } from "../../release/registry-reader";
import { MANIFEST_FILE, readManifestFile } from "../../report/manifest-file";
import type { Environment } from "../../settings/environment";
import type { Flag } from "../../settings/overlay";
import { readConfig } from "../../settings/read";
import { isSetupStack, readStackFile, type StackFile } from "../../settings/stack-file";
import { stateResources } from "../engine/pulumi";
import { declaredCode, nothingPlanned, runProgram } from "./run-program";

interface StackToPlan {
  readonly stack: string;
  readonly cwd: string;
  readonly configFile?: string;
  readonly env?: Environment;
  /** Reads the manifest of the last release. @default unknown */
  readonly previous?: (config: Config) => Promise<ReleaseManifest | undefined>;
  readonly flags?: readonly Flag[];
  /** The plan will not be carried out, so it needs neither credentials nor push rights. @default false */
  readonly readOnly?: boolean;
  /** Whether this run signs what it plans. @default false */
  readonly signs?: boolean;
}

/**
 * Runs a stack's program and returns its plans, one for each release, in the program's order. Without an engine, the
 * stack's state and encrypted values cannot be read, so credentials come from the environment or from Docker.
 */
export async function planStack(options: StackToPlan): Promise<readonly PlannedRelease[]> {
  const { stack, env = process.env } = options;
  const projectDir = path.resolve(options.cwd);
  const file = await readReleaseFile({ ...options, projectDir });
  const plans: Promise<PlannedRelease>[] = [];
  await runProgram(projectDir, file, (stop) => ({
    planRelease: async (code, own) => {
      const config = configOf({ ...options, projectDir, env, file, code });
      const planning = planConfig({ ...options, cwd: projectDir, env }, config).then((made) =>
        withFiles(made, own),
      );
      plans.push(planning);
      const planned = await planning;
      if (planned.plan.refusals.length === 0) return planned;
      // With an engine, a refusal ends the program here.
      stop();
      return new Promise<never>(() => {});
    },
    planSetup: () => Promise.reject(setupStack(stack)),
  }));
  if (plans.length === 0) throw nothingPlanned(stack);
  return Promise.all(plans);
}

async function planConfig(options: StackToPlan, config: Config): Promise<PlannedRelease> {
  const { stack, cwd: projectDir, env = process.env } = options;
  const plan = await planRelease({
    config,
    stack,
    projectDir,
    env,
    now: new Date(),
    signs: options.signs === true,
    previous: await options.previous?.(config),
    stackManifest: (other) => manifestWithoutEngine({ projectDir, config, env }, other),
    registries: config.push
      ? registryReader(config, env, { readOnly: options.readOnly === true })
      : unaskedRegistries,
  });
  return { config, plan, projectDir };
}

interface StackToRead {
  readonly projectDir: string;
  readonly stack: string;
  readonly configFile?: string;
  readonly env: Environment;
}

/** @throws ProblemError `setup-stack` if the stack releases nothing */
async function readReleaseFile(options: Omit<StackToRead, "env">): Promise<StackFile> {
  const file = await readStackFile(options);
  if (isSetupStack(file.written)) throw setupStack(options.stack);
  return file;
}

function setupStack(stack: string): ProblemError {
  return new ProblemError("There is no release to plan:", [
    {
      code: "setup-stack",
      path: "github.setup",
      message: `the stack ${stack} sets the GitHub repository up`,
      hint: `Its plan needs the engine: npx --no slipway preview --stack ${stack}`,
    },
  ]);
}

/**
 * The configurations of all releases that a stack's program declares, in its order. So that the program continues after
 * each release, it gets a plan that is made without asking a registry.
 *
 * @returns `unfinished`: why the program failed, if it did; releases that it would declare after that are missing
 */
export async function readReleaseConfigs(
  options: StackToRead,
): Promise<{ readonly configs: readonly Config[]; readonly unfinished?: string }> {
  const { projectDir, stack } = options;
  const file = await readReleaseFile(options);
  const configs: Config[] = [];
  let unfinished: string | undefined;
  try {
    await runProgram(projectDir, file, () => ({
      planRelease: async (code, own) => {
        const config = configOf({ ...options, file, code });
        configs.push(config);
        const planned = await planConfig({ ...options, cwd: projectDir }, { ...config, push: false });
        return withFiles(planned, own);
      },
      planSetup: () => Promise.reject(setupStack(stack)),
    }));
  } catch (error) {
    if (configs.length === 0) throw error;
    unfinished = reasonOf(error);
  }
  if (configs.length === 0) throw nothingPlanned(stack);
  return { configs, unfinished };
}

/** The configuration of the first release that a stack's program declares, without planning it. */
export async function readStackConfig(options: StackToRead): Promise<Config> {
  const file = await readStackFile(options);
  const code = await declaredCode(options.projectDir, file);
  return configOf({ ...options, file, code });
}

export function configOf(input: {
  readonly projectDir: string;
  readonly file: StackFile;
  readonly code: Code;
  readonly env: Environment;
  readonly flags?: readonly Flag[];
}): Config {
  const { projectDir, file, code, env, flags } = input;
  return readConfig({ ...file, code, env, flags, readFile: projectFiles(projectDir) });
}

/** The manifest of a stack's last release, from its state or this project. @throws Error if neither can be read */
export async function recordedManifest(
  from: { readonly projectDir: string; readonly config: Config; readonly env: Environment },
  stack: string,
): Promise<ReleaseManifest | undefined> {
  const manifest = await manifestWithoutEngine(from, stack);
  return manifest === undefined ? undefined : parseManifest(manifest);
}

/** The unparsed manifest of a stack's last release: from the state if `pulumi` can read it, else from the file. */
async function manifestWithoutEngine(
  { projectDir, config, env }: { projectDir: string; config: Config; env: Environment },
  stack: string,
): Promise<unknown> {
  let reason: string;
  try {
    const resources = await stateResources({ stack, cwd: projectDir, env });
    return manifestAmong(
      resources.map(({ outputs }) => outputs),
      config.images.map(({ name }) => name),
    );
  } catch (error) {
    reason = reasonOf(error);
  }
  const manifest = await lastManifest(projectDir, config, stack);
  if (manifest !== undefined) return manifest;
  throw new ProblemError("No plan:", [
    {
      code: "plan-needs-engine",
      path: "promote.from",
      message: `the release of ${stack} is recorded in its state, which cannot be read (${reason})`,
      hint:
        "Use `pulumi preview`, or promote by statement: promote.statement, with promote.registry naming the " +
        `registry that ${stack} releases to (before the first promotion, this stack's own has no images).`,
    },
  ]);
}

/** The manifest of a stack's last release, if it is in this project's folder. */
export async function lastManifest(
  projectDir: string,
  config: Config,
  stack: string,
): Promise<ReleaseManifest | undefined> {
  const file = path.join(projectDir, config.artifacts, MANIFEST_FILE);
  const manifest = await readManifestFile(file).catch(() => undefined);
  return manifest?.stack === stack ? manifest : undefined;
}

/** For a dry run (CI_PUSH=false): registries count as empty, so the plan builds everything. */
const unaskedRegistries: PlanReleaseInput["registries"] = {
  resolveImages: async () => ({ digests: {}, problems: [] }),
  indexPlatforms: async () => ({}),
  inspectImages: async () => ({ found: {}, problems: [] }),
  verifyImage: async () => [],
  readRegistries: async ({ registries, repositories }) => ({
    access: Object.fromEntries(
      registries.map(({ host }) => [host, { status: "ready", credentials: "not asked" }]),
    ),
    repositories: Object.fromEntries(
      repositories.map((repository) => [repositoryKey(repository), { tags: [], found: {} }]),
    ),
  }),
};
