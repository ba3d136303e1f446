import type { EnvValue, Job, RunStep, Workflow } from "./model";
import { expression } from "./model";
import { type SharedJob, sharedJob } from "./shared-job";
import { type HostedStack, madeFrom } from "./stack";
import { checkOut, installPackages, setUpNode } from "./steps";

const OWN = "github.event.pull_request.head.repo.full_name == github.repository";
/** GitHub's limit for a comment is 65536 characters. */
const COMMENT_LIMIT = 60_000;
/**
 * Text as an indented code block, which nothing in the text can end: a carriage return would, which ends a line for
 * Markdown and not for sed. Other characters than ASCII are removed too, since they can show text in another order than
 * it is written.
 */
const QUOTE = "sed 's/→/->/g' | LC_ALL=C tr --delete --complement '\\t\\n -~' | sed 's/^/    /'";

/**
 * The plan on pull requests, for every stack that names the file, made without a secret and without an engine. A pull
 * request of the repository's own shows it in a comment. A fork's token cannot write one, so there it is only in the
 * run's summary.
 */
export function previewWorkflow(file: string, stacks: readonly HostedStack[]): Workflow {
  const [stack] = stacks;
  if (stack === undefined) throw new Error("a preview of no stack");
  const shared = sharedJob(stacks, "throwaway");
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
      preview: previewJob(stack, stacks, shared),
      ...(stack.host === "github" ? { comment: commentJob(stack, shared) } : {}),
    },
  };
}

/** Runs code of the pull request, and can only read. */
function previewJob(stack: HostedStack, stacks: readonly HostedStack[], shared: SharedJob): Job {
  const { workflows } = stack;
  return {
    name: shared.title("Preview"),
    runsOn: workflows.runner,
    timeoutMinutes: Math.min(30, workflows.timeout),
    permissions: { contents: "read", ...shared.packages },
    ...(shared.matrix === undefined ? {} : { matrix: shared.matrix }),
    ...(workflows.directory === "." ? {} : { workingDirectory: workflows.directory }),
    steps: [
      checkOut(),
      setUpNode(stack),
      installPackages(stack),
      {
        name: "Plan",
        shell: "bash",
        run: [
          `npx --no slipway plan --stack ${shared.stackWord} --read-only 2>&1 | tee "$RUNNER_TEMP/preview.txt" |`,
          `  ${QUOTE} | tee --append "$GITHUB_STEP_SUMMARY"`,
        ],
        env: {
          ...shared.variables,
          ...version(stacks),
          ...("packages" in shared.packages ? { GITHUB_TOKEN: expression("github.token") } : {}),
        },
      },
      ...(stack.host === "github" ? [keepPlan(shared)] : []),
    ],
  };
}

function keepPlan(shared: SharedJob): Job["steps"][number] {
  return {
    name: "Keep it for the comment",
    if: "always()",
    uses: "actions/upload-artifact",
    with: {
      name: `preview-${shared.value("stack")}`,
      path: `${expression("runner.temp")}/preview.txt`,
      "retention-days": 5,
    },
  };
}

/** The only job that may write to the pull request; nothing of the pull request runs in it. */
function commentJob(stack: HostedStack, shared: SharedJob): Job {
  return {
    name: shared.title("Comment"),
    needs: ["preview"],
    if: `\${{ !cancelled() && ${OWN} }}`,
    runsOn: stack.workflows.runner,
    timeoutMinutes: 10,
    permissions: { "pull-requests": "write" },
    ...(shared.matrix === undefined ? {} : { matrix: shared.matrix }),
    steps: [
      {
        name: "Take the preview",
        uses: "actions/download-artifact",
        with: {
          name: `preview-${shared.value("stack")}`,
          path: `${expression("runner.temp")}/preview`,
        },
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
      `  cat "$RUNNER_TEMP/preview/preview.txt" | ${QUOTE} | head --bytes=${COMMENT_LIMIT}`,
      '} > "$RUNNER_TEMP/comment.md"',
      'comments="repos/$GITHUB_REPOSITORY/issues/$NUMBER/comments"',
      "own='.[] | select(.user.login == \"github-actions[bot]\" and (.body | startswith(env.MARKER))) | .id'",
      'id="$(gh api "$comments" --paginate --jq "$own" | head --lines=1)"',
      "method=POST",
      'if [ -n "$id" ]; then',
      "  method=PATCH",
      '  comments="repos/$GITHUB_REPOSITORY/issues/comments/$id"',
      "fi",
      'gh api --silent --method "$method" "$comments" --field body=@"$RUNNER_TEMP/comment.md"',
    ],
    env: {
      STACK: shared.value("stack"),
      MARKER: `<!-- slipway preview ${shared.value("stack")} -->`,
      NUMBER: expression("github.event.pull_request.number"),
      GH_TOKEN: expression("github.token"),
    },
  };
}

/** A version for releases that are refused without one, so that a pull request can show their plan. */
function version(stacks: readonly HostedStack[]): Readonly<Record<string, EnvValue>> {
  return stacks.some(({ config }) => config.publishVersionTag === true)
    ? { CI_IMAGE_TAG: `pr-${expression("github.event.pull_request.number")}` }
    : {};
}
