import type { EnvValue, Job, RunStep, Workflow } from "./model";
import { expression } from "./model";
import { type SharedJob, sharedJob } from "./shared-job";
import { type HostedStack, inRepository, madeFrom } from "./stack";
import { checkOut, installPackages, setUpNode, setUpPulumi } from "./steps";

const OWN = "github.event.pull_request.head.repo.full_name == github.repository";
const FORK = "github.event.pull_request.head.repo.full_name != github.repository";
/** GitHub's limit for a comment is 65536 characters. */
const COMMENT_LIMIT = 60_000;

/**
 * The plan on pull requests, for every stack that names the file. A pull request of the repository's own has the engine's
 * preview in a comment; one from a fork sees no secret and cannot comment: it has Slipway's plan in the run's summary.
 */
export function previewWorkflow(file: string, stacks: readonly HostedStack[]): Workflow {
  const shared = sharedJob(stacks, "throwaway");
  const comments = stacks[0]?.host === "github";
  return {
    file,
    comment: madeFrom(stacks),
    name: "Preview",
    on: { pullRequest: true },
    concurrency: {
      group: `preview-${expression("github.event.pull_request.number")}`,
      cancelInProgress: true,
    },
    jobs: {
      preview: previewJob(stacks, shared),
      ...(comments ? { comment: commentJob(stacks, shared) } : {}),
      fork: forkJob(stacks, shared),
    },
  };
}

function previewJob(stacks: readonly HostedStack[], shared: SharedJob): Job {
  const { stack, environment } = of(stacks);
  return {
    ...jobOf(stack, shared),
    name: shared.title("Preview"),
    if: OWN,
    environment,
    permissions: { contents: "read", ...shared.packages },
    steps: [
      checkOut(),
      setUpNode(stack),
      setUpPulumi(),
      installPackages(stack),
      {
        name: "Preview",
        shell: "bash",
        run: [
          `pulumi stack select --create ${shared.stackWord}`,
          `pulumi preview --stack ${shared.stackWord} --color never | tee preview.txt`,
        ],
        env: {
          ...shared.variables,
          ...version(stacks),
          ...shared.signIn,
        },
      },
      {
        name: "Keep it for the comment",
        if: "always()",
        uses: "actions/upload-artifact",
        with: {
          name: `preview-${shared.value("stack")}`,
          path: inRepository(stack, "preview.txt"),
          "retention-days": 5,
        },
      },
    ],
  };
}

/** The only job that may write to the pull request; nothing of the pull request runs in it. */
function commentJob(stacks: readonly HostedStack[], shared: SharedJob): Job {
  const { stack } = of(stacks);
  return {
    name: shared.title("Comment"),
    needs: ["preview"],
    if: `\${{ !cancelled() && needs.preview.result != 'skipped' }}`,
    runsOn: stack.workflows.runner,
    timeoutMinutes: 10,
    permissions: { "pull-requests": "write" },
    ...(shared.matrix === undefined ? {} : { matrix: shared.matrix }),
    steps: [
      {
        name: "Take the preview",
        uses: "actions/download-artifact",
        with: { name: `preview-${shared.value("stack")}` },
      },
      comment(shared),
    ],
  };
}

function comment(shared: SharedJob): RunStep {
  return {
    name: "Post or update the comment",
    run: [
      "{",
      '  printf \'%s\\n### Release preview: %s\\n\\n\' "$MARKER" "$STACK"',
      `  sed 's/^/    /' preview.txt | head --bytes=${COMMENT_LIMIT}`,
      "} > comment.md",
      'comments="repos/$GITHUB_REPOSITORY/issues/$NUMBER/comments"',
      "own='.[] | select(.user.type == \"Bot\" and (.body | startswith(env.MARKER))) | .id'",
      'id="$(gh api "$comments" --paginate --jq "$own" | head --lines=1)"',
      'if [ -n "$id" ]; then',
      '  gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" --field body=@comment.md',
      "else",
      '  gh api --silent --method POST "$comments" --field body=@comment.md',
      "fi",
    ],
    env: {
      STACK: shared.value("stack"),
      MARKER: `<!-- slipway preview ${shared.value("stack")} -->`,
      NUMBER: expression("github.event.pull_request.number"),
      GH_TOKEN: expression("github.token"),
    },
  };
}

function forkJob(stacks: readonly HostedStack[], shared: SharedJob): Job {
  const { stack } = of(stacks);
  return {
    ...jobOf(stack, shared),
    name: shared.title("Plan of a fork"),
    if: FORK,
    permissions: { contents: "read", ...shared.packages },
    steps: [
      checkOut(),
      setUpNode(stack),
      installPackages(stack),
      {
        name: "Plan",
        shell: "bash",
        run: [
          `npx slipway plan --stack ${shared.stackWord} --read-only 2>&1 |`,
          "  sed 's/^/    /' | tee --append \"$GITHUB_STEP_SUMMARY\"",
        ],
        env: {
          ...shared.variables,
          ...version(stacks),
          ...("packages" in shared.packages ? { GITHUB_TOKEN: expression("github.token") } : {}),
        },
      },
    ],
  };
}

function jobOf(
  stack: HostedStack,
  shared: SharedJob,
): Pick<Job, "runsOn" | "timeoutMinutes" | "matrix" | "workingDirectory"> {
  const { workflows } = stack;
  return {
    runsOn: workflows.runner,
    timeoutMinutes: Math.min(30, workflows.timeout),
    ...(shared.matrix === undefined ? {} : { matrix: shared.matrix }),
    ...(workflows.directory === "." ? {} : { workingDirectory: workflows.directory }),
  };
}

/** A fleet has no plan without a tag. */
function version(stacks: readonly HostedStack[]): Readonly<Record<string, EnvValue>> {
  return stacks.some(({ config }) => config.fleet !== undefined)
    ? { CI_IMAGE_TAG: `pr-${expression("github.event.pull_request.number")}` }
    : {};
}

function of(stacks: readonly HostedStack[]): { stack: HostedStack; environment: string } {
  const [stack] = stacks;
  if (stack?.workflows.preview === undefined) throw new Error("a preview of no stack");
  return { stack, environment: stack.workflows.preview.environment };
}
