import {
  buildSecretVariable,
  type CheckoutNeeds,
  CI_PAIR,
  hostVariables,
  type WorkflowHost,
  type WorkflowStack,
} from "../plan/config";
import { isLoopbackHost } from "../plan/reference";
import { PULUMI_VERSION } from "./action-pins";
import { type EnvValue, expression, type Permissions, type Step, shellWord } from "./model";

export interface HostedStack extends WorkflowStack {
  readonly host: WorkflowHost;
  /** Kept if another stack promotes from this one. */
  readonly state: StateKind;
}

/** Whether the engine's state is read by later runs. */
export type StateKind = "throwaway" | "kept";

/** The file of a stack's own workflow. */
export function fileOf({ stack, workflows }: WorkflowStack, key: "deploy" | "promote"): string {
  return workflows[key]?.file ?? `${key}-${stack}.yml`;
}

export function environmentOf({ stack, workflows }: WorkflowStack): string {
  return workflows.environment ?? stack;
}

/** Whether any of its workflows builds the stack's images. */
export function builds({ workflows }: WorkflowStack): boolean {
  return workflows.release !== undefined || workflows.deploy !== undefined;
}

/** GitHub's filter patterns for git tags that are versions. */
export function versionFilters({ config, workflows }: WorkflowStack): readonly string[] {
  return workflows.release?.tags ?? [config.lane === undefined ? "v*" : `${config.lane.trigger}*`];
}

/** The same for git and for GitHub's tag rules. Their globs have no `!` and no `+`, so they match some more tags. */
export function versionTags(stack: WorkflowStack): readonly string[] {
  return versionFilters(stack)
    .filter((pattern) => !pattern.startsWith("!"))
    .map((pattern) => pattern.replaceAll("]+", "]*"));
}

/** How many runs of a group may wait. Gitea has no such setting. */
export function waiting({ host, workflows }: HostedStack): "max" | undefined {
  return host === "github" && workflows.queue === "max" ? "max" : undefined;
}

export function platformsOf({ config }: WorkflowStack): string[] {
  return [...new Set(config.images.flatMap(({ platforms }) => platforms))].sort();
}

const GITHUB_RUNNERS: Readonly<Record<string, string>> = {
  "linux/amd64": "ubuntu-24.04",
  "linux/arm64": "ubuntu-24.04-arm",
};

/** The runner of each platform; undefined if one runner builds all platforms. */
export function runnersOf(stack: WorkflowStack): { platform: string; runner?: string }[] | undefined {
  const { runners } = stack.workflows;
  if (runners === false) return undefined;
  const labels = runners === true ? GITHUB_RUNNERS : runners;
  return platformsOf(stack).map((platform) => ({ platform, runner: labels[platform] }));
}

/** The folder where the project's scripts run; undefined for the repository's root. */
export function workingDirectory({ workflows }: WorkflowStack): string | undefined {
  return workflows.directory === "." ? undefined : workflows.directory;
}

export function inRepository({ workflows }: WorkflowStack, path: string): string {
  return workflows.directory === "." ? path : `${workflows.directory}/${path}`;
}

export function madeFrom(stacks: readonly WorkflowStack[]): string[] {
  const files = [...new Set(stacks.map((stack) => inRepository(stack, stack.configFile)))].sort();
  return [
    `Made by \`slipway workflows\` from ${files.join(", ")}: change the settings there and run it again.`,
    "`slipway workflows --check` compares this file with them.",
  ];
}

type Variables = Readonly<Record<string, EnvValue>>;

/** Without the secrets, the program uses the job's own token. */
const GHCR: Variables = {
  GHCR_USERNAME: { secret: "GHCR_USERNAME", optional: true },
  GHCR_TOKEN: { secret: "GHCR_TOKEN", optional: true },
  GITHUB_TOKEN: expression("github.token"),
};

/** The credentials for the stack's registries. Those of optional registries are optional. */
export function registryVariables(stack: WorkflowStack): Variables {
  const { config } = stack;
  // Only the engine can decrypt a setting, and the job that builds has none.
  const isReadable = (path: string) => config.encrypted.includes(path) && !builds(stack);
  const variables = config.registries.map(({ host, optional, password }, index): Variables => {
    if (host === "ghcr.io") return GHCR;
    if (host === "docker.io") return pair("DOCKERHUB_USERNAME", "DOCKERHUB_TOKEN", optional);
    if (isLoopbackHost(host)) return {};
    const hasPassword = password !== undefined || isReadable(`registries[${index}].password`);
    const own = index === 0 ? CI_PAIR : hostVariables(host);
    return pair(own.username, own.password, optional || hasPassword);
  });
  return Object.assign({}, ...variables);
}

export function buildSecrets({ config: { images } }: WorkflowStack): Variables {
  const names = images.flatMap(({ secrets }) => Object.keys(secrets).map(buildSecretVariable));
  return Object.fromEntries(names.map((name) => [name, { secret: name }]));
}

function engineVariables(state: StateKind): Variables {
  return {
    PULUMI_BACKEND_URL: {
      secret: "PULUMI_BACKEND_URL",
      otherwise: state === "throwaway" ? "format('file://{0}', runner.temp)" : undefined,
    },
    PULUMI_CONFIG_PASSPHRASE: { secret: "PULUMI_CONFIG_PASSPHRASE", optional: true },
  };
}

export function furtherSecrets({ workflows }: WorkflowStack): Variables {
  return Object.fromEntries(workflows.secrets.map((name) => [name, { secret: name }]));
}

/** The signing key and its password, for environments that have them as secrets. The stack's file may have them too. */
export function signingVariables({ config: { sign, promote } }: WorkflowStack): Variables {
  if (sign.mode !== "key" || promote !== undefined) return {};
  return pair("COSIGN_PRIVATE_KEY", "COSIGN_PASSWORD", true);
}

/** What the job's token needs on GHCR; nothing for other registries. */
export function packagePermission({ config }: WorkflowStack, access: "read" | "write"): Permissions {
  return config.registries.some(({ host }) => host === "ghcr.io") ? { packages: access } : {};
}

function pair(first: string, second: string, optional: boolean): Variables {
  return { [first]: { secret: first, optional }, [second]: { secret: second, optional } };
}

/**
 * Fetches the whole history: versions are git tags, and floating tags depend on the order of commits.
 *
 * @param needs for jobs that read build contexts
 */
export function checkOut({
  ref,
  needs,
}: {
  readonly ref?: EnvValue;
  readonly needs?: CheckoutNeeds;
} = {}): Step {
  return {
    name: "Check out",
    uses: "actions/checkout",
    with: {
      ref,
      "fetch-depth": 0,
      submodules: needs?.submodules ? "recursive" : undefined,
      lfs: needs?.lfs ? true : undefined,
      "persist-credentials": false,
    },
  };
}

export function setUpNode({ workflows }: WorkflowStack): Step {
  return {
    name: "Set up Node",
    uses: "actions/setup-node",
    with: { "node-version": workflows.node, "package-manager-cache": false },
  };
}

export function setUpPulumi(): Step {
  return { name: "Set up Pulumi", uses: "pulumi/actions", with: { "pulumi-version": PULUMI_VERSION } };
}

export function installPackages({ workflows }: WorkflowStack): Step {
  return { name: "Install packages", run: [workflows.install.map(shellWord).join(" ")] };
}

/** A builder, with QEMU for platforms other than the runner's. Neither uses a cache, which other jobs could fill. */
export function setUpBuilder(stack: WorkflowStack): Step[] {
  const { workflows } = stack;
  const native = /(?:^|-)arm(?:64)?$/.test(workflows.runner) ? "linux/arm64" : "linux/amd64";
  const foreign = platformsOf(stack).filter((platform) => platform !== native);
  const qemu: Step = {
    name: "Set up QEMU",
    uses: "docker/setup-qemu-action",
    with: { platforms: foreign.join(","), "cache-image": false },
  };
  return [...(foreign.length === 0 ? [] : [qemu]), setUpBuildx(stack)];
}

/** A builder for the runner's own platform. */
export function setUpBuildx({ config }: WorkflowStack): Step {
  return {
    name: "Set up Buildx",
    uses: "docker/setup-buildx-action",
    with: { name: config.builder.name, "cache-binary": false },
  };
}

export function programVariables(stack: WorkflowStack, state: StateKind): Readonly<Record<string, EnvValue>> {
  return { ...engineVariables(state), ...registryVariables(stack) };
}

/** The engine may write its salt into the stack's file. That does not count as a change of the release. */
export function selectStack({ stack }: Pick<WorkflowStack, "stack">): string {
  return `pulumi stack select --create ${shellWord(stack)}`;
}

/** Reports the missing secret before the engine fails for another reason. */
export function requireState(state: StateKind): string[] {
  return state === "kept"
    ? [
        'test -n "$PULUMI_BACKEND_URL" || { echo "::error::The secret PULUMI_BACKEND_URL is missing"; exit 1; }',
      ]
    : [];
}
