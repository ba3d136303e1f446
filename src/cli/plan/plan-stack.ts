import path from "node:path";
import type { Code } from "../../inputs/program-host";
import { projectFiles } from "../../inputs/project-files";
import type { Config } from "../../plan/config";
import { manifestAmong, parseManifest, type ReleaseManifest } from "../../plan/manifest";
import { ProblemError, reasonOf } from "../../plan/problem";
import { repositoryKey } from "../../plan/reference";
import { type PlannedRelease, withFiles } from "../../plan/release-plan";
import { type PlanReleaseInput, planRelease } from "../../release/plan-release";
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
  /** The manifest of the last release, if it is known. @default unknown */
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
  const projectDir = path.resolve(options.cwd);
  const { stack, configFile } = options;
  const file = await readStackFile({ projectDir, stack, configFile });
  if (isSetupStack(file.written)) throw setupStack(stack);
  const plans: Promise<PlannedRelease>[] = [];
  await runProgram(projectDir, file, (stop) => ({
    planRelease: async (code, plan) => {
      const planning = planCode(options, projectDir, file, code).then((made) => withFiles(made, plan));
      plans.push(planning);
      const planned = await planning;
      // With an engine, a refusal ends the program here.
      if (planned.plan.refusals.length > 0) stop();
      return planned.plan.refusals.length > 0 ? new Promise<never>(() => {}) : planned;
    },
    planSetup: async () => {
      throw setupStack(stack);
    },
  }));
  if (plans.length === 0) throw nothingPlanned(stack);
  return Promise.all(plans);
}

async function planCode(
  options: StackToPlan,
  projectDir: string,
  file: StackFile,
  code: Code,
): Promise<PlannedRelease> {
  const { env = process.env } = options;
  return planWithConfig(
    { ...options, cwd: projectDir },
    configOf({ ...options, projectDir, env, file, code }),
  );
}

async function planWithConfig(options: StackToPlan, config: Config): Promise<PlannedRelease> {
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
 * The configurations of all releases that a stack's program declares, in its order. A program goes on when it has its
 * plan, which is made without asking a registry.
 *
 * @returns `unfinished`: why the program was not followed to its end; what it declares after that is missing
 */
export async function readReleaseConfigs(options: {
  readonly projectDir: string;
  readonly stack: string;
  readonly configFile?: string;
  readonly env: Environment;
}): Promise<{ readonly configs: readonly Config[]; readonly unfinished?: string }> {
  const { projectDir, stack } = options;
  const file = await readStackFile(options);
  if (isSetupStack(file.written)) throw setupStack(stack);
  const configs: Config[] = [];
  let unfinished: string | undefined;
  try {
    await runProgram(projectDir, file, () => ({
      planRelease: async (code, files) => {
        const config = configOf({ ...options, file, code });
        configs.push(config);
        return withFiles(
          await planWithConfig({ ...options, cwd: projectDir }, { ...config, push: false }),
          files,
        );
      },
      planSetup: async () => {
        throw setupStack(stack);
      },
    }));
  } catch (error) {
    if (configs.length === 0) throw error;
    unfinished = reasonOf(error);
  }
  if (configs.length === 0) throw nothingPlanned(stack);
  return { configs, ...(unfinished === undefined ? {} : { unfinished }) };
}

/** The configuration of the first release that a stack's program declares, without planning it. */
export async function readStackConfig(options: {
  readonly projectDir: string;
  readonly stack: string;
  readonly configFile?: string;
  readonly env: Environment;
}): Promise<Config> {
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

/** What a stack released last, by its state or by the file that it wrote here. @throws Error where neither can be read */
export async function recordedManifest(
  from: { readonly projectDir: string; readonly config: Config; readonly env: Environment },
  stack: string,
): Promise<ReleaseManifest | undefined> {
  const manifest = await manifestWithoutEngine(from, stack);
  return manifest === undefined ? undefined : parseManifest(manifest);
}

/** Another stack's manifest: from its state if `pulumi` can read it, else the file that its last release wrote here. */
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
      message: `what ${stack} released is in its state, which cannot be read (${reason})`,
      hint:
        "Use `pulumi preview`, or promote by statement: promote.statement, with promote.registry naming the " +
        `registry that ${stack} releases to (a first promotion finds nothing in this stack's own).`,
    },
  ]);
}

/** A stack's last release, where its manifest is in this project's folder. */
export async function lastManifest(
  projectDir: string,
  config: Config,
  stack: string,
): Promise<ReleaseManifest | undefined> {
  const file = path.join(projectDir, config.artifacts, MANIFEST_FILE);
  const manifest = await readManifestFile(file).catch(() => undefined);
  return manifest?.stack === stack ? manifest : undefined;
}

/** For a dry run (CI_PUSH=false): registries that are not read count as empty, so everything would be built. */
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
