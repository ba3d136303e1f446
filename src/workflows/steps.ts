import type { CheckoutNeeds } from "../plan/config";
import { PULUMI_VERSION } from "./action-pins";
import { type EnvValue, type Step, shellWord } from "./model";
import { engineVariables, platformsOf, registryVariables, type StateKind, type WorkflowStack } from "./stack";

/**
 * The whole history: versions are git tags, and a floating tag asks whether a commit is newer.
 *
 * @param needs what is fetched besides, where build contexts are read
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
      ...(ref === undefined ? {} : { ref }),
      "fetch-depth": 0,
      ...(needs?.submodules ? { submodules: "recursive" } : {}),
      ...(needs?.lfs ? { lfs: true } : {}),
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

/** What builds: QEMU for platforms that the runner is not, and a builder. Neither takes anything from a cache. */
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

/** A builder alone, for what the runner is itself. */
export function setUpBuildx({ config }: WorkflowStack): Step {
  return {
    name: "Set up Buildx",
    uses: "docker/setup-buildx-action",
    with: {
      ...(config.builder.name === undefined ? {} : { name: config.builder.name }),
      "cache-binary": false,
    },
  };
}

export function programVariables(stack: WorkflowStack, state: StateKind): Readonly<Record<string, EnvValue>> {
  return { ...engineVariables(state), ...registryVariables(stack) };
}

/** Opens the stack. The engine may write its salt into the stack's file, which is no change of what is released. */
export function selectStack({ stack }: Pick<WorkflowStack, "stack">): string {
  return `pulumi stack select --create ${shellWord(stack)}`;
}

/** Says which secret is missing before the engine asks for something else. */
export function requireState(state: StateKind): string[] {
  return state === "kept"
    ? [
        'test -n "$PULUMI_BACKEND_URL" || { echo "::error::The secret PULUMI_BACKEND_URL is missing"; exit 1; }',
      ]
    : [];
}
