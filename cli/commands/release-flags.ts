import type { Command } from "commander";
import type { Flag } from "../../config/overlay";
import { STACK_HELP, stackToUse } from "./stack-flag";

/** What the command line may say of a release, beside the stack's file. */
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
  return [
    ...(version === undefined ? [] : [{ flag: "--version", key: "version", value: version }]),
    ...(publishVersionTag === undefined
      ? []
      : [{ flag: name, key: "publishVersionTag", value: publishVersionTag }]),
  ];
}

/** What every command takes that carries a plan out by itself, without an engine. */
export interface RunOptions extends ReleaseOptions {
  readonly stack?: string;
  readonly cwd: string;
  readonly configFile?: string;
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

/** Which stack is planned, from what. @throws ProblemError `config-file` where there is no project */
export async function runOf(options: RunOptions): Promise<{
  readonly stack: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly flags: Flag[];
  readonly configFile?: string;
  readonly services?: string;
}> {
  const { cwd, configFile, services } = options;
  return {
    stack: await stackToUse(options),
    cwd,
    env: process.env,
    flags: releaseFlags(options),
    ...(configFile === undefined ? {} : { configFile }),
    ...(services === undefined ? {} : { services }),
  };
}
