import path from "node:path";
import type { Environment } from "../config/environment";
import type { Flag } from "../config/overlay";
import { readConfig } from "../config/read";
import { isSetupStack } from "../config/read-setup";
import { readStackFile } from "../config/stack-file";
import type { Config } from "../plan/config";
import type { ReleaseManifest } from "../plan/manifest";
import { ProblemError } from "../plan/problem";
import type { ReleasePlan } from "../plan/release-plan";
import { askRegistries } from "../provider/ask-registries";
import { readManifestFile } from "../report/read-manifest-file";
import { MANIFEST_FILE } from "../report/write-artifacts";
import { planRelease } from "../source/plan-release";
import { projectFiles } from "../source/services";
import { unaskedRegistries } from "./unasked-registries";

export interface StackToPlan {
  readonly stack: string;
  readonly cwd: string;
  readonly configFile?: string;
  /** @default the process's own */
  readonly env?: Environment;
  /** What was released last, where that is known. @default unknown */
  readonly previous?: (config: Config) => Promise<ReleaseManifest | undefined>;
  /** What the command line sets beside the stack's file. */
  readonly flags?: readonly Flag[];
  /** Nobody will release this: no credentials and no push rights are asked for. @default false */
  readonly readOnly?: boolean;
  /** Whether this run signs what it plans. @default false */
  readonly signs?: boolean;
}

/**
 * The plan that the program makes, from the same parts. The stack's state and its encrypted values stay closed: what
 * was released last and secret passwords are unknown here, so credentials come from the environment or from Docker.
 */
export async function planWithoutEngine(options: StackToPlan): Promise<ReleasePlan> {
  return (await planStack(options)).plan;
}

/** The plan, with the configuration that it is made from. */
export async function planStack(options: StackToPlan): Promise<{ config: Config; plan: ReleasePlan }> {
  const projectDir = path.resolve(options.cwd);
  const { stack, env = process.env } = options;
  const file = await readStackFile({
    projectDir,
    stack,
    ...(options.configFile === undefined ? {} : { configFile: options.configFile }),
  });
  if (isSetupStack(file.written)) {
    throw new ProblemError("There is no release to plan:", [
      {
        code: "setup-stack",
        path: "github.setup",
        message: `the stack ${stack} sets the GitHub repository up`,
        hint: `Its plan needs the engine: slipway preview --stack ${stack}`,
      },
    ]);
  }
  const config = readConfig({
    ...file,
    env,
    readFile: projectFiles(projectDir),
    ...(options.flags === undefined ? {} : { flags: options.flags }),
  });
  const previous = await options.previous?.(config);
  const plan = await planRelease({
    config,
    stack,
    projectDir,
    env,
    now: new Date(),
    signs: options.signs === true,
    ...(previous === undefined ? {} : { previous }),
    stackManifest: (other) => manifestWithoutEngine(projectDir, config.artifacts, other),
    registries: config.push
      ? askRegistries(config, env, { readOnly: options.readOnly === true })
      : unaskedRegistries,
  });
  return { config, plan };
}

/** Another stack's outputs are the engine's to read; its manifest's file will do, where the last release wrote it here. */
async function manifestWithoutEngine(projectDir: string, artifacts: string, stack: string): Promise<unknown> {
  const file = path.join(projectDir, artifacts, MANIFEST_FILE);
  const manifest = await readManifestFile(file).catch(() => undefined);
  if (manifest?.stack === stack) return manifest;
  throw new ProblemError("No plan:", [
    {
      code: "plan-needs-engine",
      path: "promote.from",
      message: `what ${stack} released is in its outputs, which only the engine can read`,
      hint:
        "Use `pulumi preview`, or promote by statement: promote.statement, with promote.registry naming the " +
        `registry that ${stack} releases to (a first promotion finds nothing in this stack's own).`,
    },
  ]);
}
