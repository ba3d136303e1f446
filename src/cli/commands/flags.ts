import path from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { parseDuration } from "../../plan/trust";
import type { Flag } from "../../settings/overlay";

export const STACK_HELP = "default stage, else the only one that releases";

const USUAL_STACK = "stage";

export interface StackOptions {
  readonly stack?: string;
  readonly cwd: string;
  readonly configFile?: string;
}

/**
 * The given stack, else the project's default. If there is none, the usual one: reading its file then fails with the
 * list of stacks.
 *
 * @throws ProblemError `config-file` if there is no project
 */
export async function stackToUse(options: StackOptions): Promise<string> {
  if (options.stack !== undefined) return options.stack;
  if (options.configFile !== undefined) return USUAL_STACK;
  const { defaultStack } = await import("../../settings/stack-file.js");
  return (await defaultStack(path.resolve(options.cwd), [USUAL_STACK])) ?? USUAL_STACK;
}

export function collect(value: string, earlier: readonly string[]): string[] {
  return [...earlier, value];
}

export interface ReleaseOptions {
  readonly version?: string;
  readonly publishVersionTag?: boolean;
}

export function addReleaseFlags(command: Command): Command {
  return command
    .option("--version <version>", "the version to release; beats RELEASE_TAG")
    .option("--publish-version-tag", "refuse a release without a version")
    .option("--no-publish-version-tag", "write no version tag");
}

export function releaseFlags({ version, publishVersionTag }: ReleaseOptions): Flag[] {
  const name = publishVersionTag === false ? "--no-publish-version-tag" : "--publish-version-tag";
  const flags = [
    { flag: "--version", key: "version", value: version },
    { flag: name, key: "publishVersionTag", value: publishVersionTag },
  ];
  return flags.filter(({ value }) => value !== undefined);
}

export interface RunOptions extends ReleaseOptions, StackOptions {
  readonly services?: string;
}

export function addRunFlags(command: Command): Command {
  return addReleaseFlags(
    command
      .option("--services <names>", "only these, separated by commas")
      .option("-s, --stack <name>", STACK_HELP)
      .option("-C, --cwd <folder>", "the project's folder", ".")
      .option("--config-file <file>", "default Pulumi.<stack>.yaml"),
  );
}

export interface StackRun {
  readonly stack: string;
  readonly cwd: string;
  readonly configFile?: string;
  readonly flags: readonly Flag[];
  readonly env: NodeJS.ProcessEnv;
}

/** @throws ProblemError `config-file` if there is no project */
export async function runOf(options: RunOptions): Promise<StackRun> {
  const { cwd, configFile, services } = options;
  return {
    stack: await stackToUse(options),
    cwd,
    configFile,
    flags: releaseFlags(options),
    env: withServices(process.env, services),
  };
}

/** `--services` selects images as CI_SERVICES does. */
export function withServices(env: NodeJS.ProcessEnv, services: string | undefined): NodeJS.ProcessEnv {
  return services === undefined ? env : { ...env, CI_SERVICES: services };
}

/** `36h` -> seconds. @throws InvalidArgumentError */
export function duration(value: string): number {
  const seconds = parseDuration(value);
  if (seconds === undefined)
    throw new InvalidArgumentError("expected a number with s, m, h, d or w: 36h, 30d");
  return seconds;
}
