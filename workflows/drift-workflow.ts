import type { Job, Workflow } from "./model";
import { expression } from "./model";
import { sharedJob } from "./shared-job";
import { type HostedStack, madeFrom, versionTags } from "./stack";
import { checkOut, installPackages, requireState, setUpNode, setUpPulumi } from "./steps";
import { stem } from "./words";

/**
 * Asks on a schedule whether what was released is still there as it was. A stack that releases versions is planned again
 * from its newest version's git tag, which needs no state; another one is compared with its state.
 */
export function driftWorkflow(file: string, stacks: readonly HostedStack[]): Workflow {
  const versioned = stacks.filter(({ workflows }) => workflows.release !== undefined);
  const stateful = stacks.filter(({ workflows }) => workflows.release === undefined);
  const crons = [...new Set(stacks.flatMap(({ workflows }) => workflows.drift?.cron ?? []))].sort();
  return {
    file,
    comment: madeFrom(stacks),
    name: "Drift",
    on: { schedule: crons, dispatch: {} },
    concurrency: { group: stem(file), cancelInProgress: true },
    jobs: {
      ...(versioned.length === 0 ? {} : { versions: versionsJob(versioned) }),
      ...(stateful.length === 0 ? {} : { state: stateJob(stateful) }),
    },
  };
}

function versionsJob(stacks: readonly HostedStack[]): Job {
  const shared = sharedJob(stacks, "throwaway", (stack) => ({
    tags: versionTags(stack)
      .map((pattern) => `refs/tags/${pattern}`)
      .join(" "),
  }));
  const stack = first(stacks);
  const { PULUMI_BACKEND_URL: _url, PULUMI_CONFIG_PASSPHRASE: _key, ...signIn } = shared.signIn;
  return {
    ...jobOf(stack),
    name: shared.title("Newest version"),
    permissions: { contents: "read", ...shared.packages },
    ...(shared.matrix === undefined ? {} : { matrix: shared.matrix }),
    steps: [
      checkOut(),
      {
        name: "Go to the newest version",
        id: "newest",
        run: [
          "# The patterns in TAGS are words of their own, and match no files.",
          "# shellcheck disable=SC2086",
          "set -o noglob",
          'tag="$(git -c versionsort.suffix=- for-each-ref --count=1 --sort=-version:refname \\',
          "  --format='%(refname:lstrip=2)' $TAGS)\"",
          'if [ -n "$tag" ]; then git checkout --quiet "refs/tags/$tag"; fi',
          'echo "tag=$tag" >> "$GITHUB_OUTPUT"',
        ],
        env: { TAGS: shared.value("tags") },
      },
      setUpNode(stack),
      installPackages(stack),
      {
        name: "Compare with the registries",
        if: "steps.newest.outputs.tag != ''",
        run: [`npx --no slipway plan --stack ${shared.stackWord} --read-only --expect-no-changes`],
        env: { ...shared.variables, RELEASE_TAG: expression("steps.newest.outputs.tag"), ...signIn },
      },
    ],
  };
}

function stateJob(stacks: readonly HostedStack[]): Job {
  const shared = sharedJob(stacks, "kept", () => ({}));
  const stack = first(stacks);
  return {
    ...jobOf(stack),
    name: shared.title("State"),
    permissions: { contents: "read", ...shared.packages },
    ...(shared.matrix === undefined ? {} : { matrix: shared.matrix }),
    steps: [
      checkOut(),
      setUpNode(stack),
      setUpPulumi(),
      installPackages(stack),
      {
        name: "Compare with the registries",
        run: [
          ...requireState("kept"),
          `pulumi refresh --stack ${shared.stackWord} --preview-only --expect-no-changes`,
        ],
        env: { ...shared.variables, ...shared.signIn },
      },
    ],
  };
}

function jobOf(
  stack: HostedStack,
): Pick<Job, "runsOn" | "environment" | "timeoutMinutes" | "workingDirectory"> {
  const { workflows } = stack;
  return {
    runsOn: workflows.runner,
    environment: workflows.drift?.environment ?? "drift",
    timeoutMinutes: Math.min(30, workflows.timeout),
    ...(workflows.directory === "." ? {} : { workingDirectory: workflows.directory }),
  };
}

function first(stacks: readonly HostedStack[]): HostedStack {
  const [stack] = stacks;
  if (stack === undefined) throw new Error("a job of no stack");
  return stack;
}
