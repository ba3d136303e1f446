import type { Command } from "commander";
import type { Flag } from "../../config/overlay";

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
