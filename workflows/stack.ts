import type { Config } from "../plan/config";
import type { WorkflowHost, WorkflowsConfig } from "../plan/github-config";

/** A stack whose settings ask for workflows. */
export interface WorkflowStack {
  readonly stack: string;
  readonly config: Config;
  readonly workflows: WorkflowsConfig;
  /** The stack's file, relative to the project: `Pulumi.release.yaml`. */
  readonly configFile: string;
}

/** A stack, and for whom its workflows are written. */
export interface HostedStack extends WorkflowStack {
  readonly host: WorkflowHost;
  /** Where its state is: another stack that promotes from it reads it there, else a throwaway one will do. */
  readonly state: StateKind;
}

export type StateKind = "throwaway" | "kept";

/** The environment whose secrets and reviewers a release of the stack has. */
export function environmentOf({ stack, workflows }: WorkflowStack): string {
  return workflows.environment ?? stack;
}

/** Whether some workflow builds the stack's images, rather than promoting or comparing them. */
export function builds({ workflows }: WorkflowStack): boolean {
  return workflows.release !== undefined || workflows.deploy !== undefined;
}

/** Patterns of the git tags that are the stack's versions. */
export function versionTags({ config, workflows }: WorkflowStack): readonly string[] {
  return workflows.release?.tags ?? [config.lane === undefined ? "v*" : `${config.lane.trigger}*`];
}

/** How many runs of a group may wait; Gitea has no such setting. */
export function waiting({ host, workflows }: HostedStack): { readonly queue?: "max" } {
  return host === "github" && workflows.queue === "max" ? { queue: "max" } : {};
}

/** Every platform that the stack builds for, sorted. */
export function platformsOf({ config }: WorkflowStack): string[] {
  return [...new Set(config.images.flatMap(({ platforms }) => platforms))].sort();
}

/** GitHub's own runners, by the platform that they are. */
const GITHUB_RUNNERS: Readonly<Record<string, string>> = {
  "linux/amd64": "ubuntu-24.04",
  "linux/arm64": "ubuntu-24.04-arm",
};

/** The runner of each platform that the stack builds for, where each has its own; absent where one builds them all. */
export function runnersOf(stack: WorkflowStack): readonly PlatformRunner[] | undefined {
  const { runners } = stack.workflows;
  if (runners === false) return undefined;
  const labels = runners === true ? GITHUB_RUNNERS : runners;
  return platformsOf(stack).map((platform) => {
    const runner = labels[platform];
    return { platform, ...(runner === undefined ? {} : { runner }) };
  });
}

export interface PlatformRunner {
  readonly platform: string;
  /** Absent where the settings name none. */
  readonly runner?: string;
}

/** A path of the project, from the repository's root. */
export function inRepository({ workflows }: WorkflowStack, path: string): string {
  return workflows.directory === "." ? path : `${workflows.directory}/${path}`;
}

/** The header of a file that some stacks have made. */
export function madeFrom(stacks: readonly WorkflowStack[]): string[] {
  const files = [...new Set(stacks.map((stack) => inRepository(stack, stack.configFile)))].sort();
  return [
    `Made by \`slipway workflows\` from ${files.join(", ")}: change the settings there and run it again.`,
    "`slipway workflows --check` tells whether this file is still what they say.",
  ];
}
