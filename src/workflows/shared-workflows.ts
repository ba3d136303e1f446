import {
  type EnvValue,
  expression,
  type Job,
  type Permissions,
  type RunStep,
  shellWord,
  stem,
  type Workflow,
} from "./model";
import {
  checkOut,
  type HostedStack,
  installPackages,
  madeFrom,
  packagePermission,
  programVariables,
  requireState,
  type StateKind,
  setUpNode,
  setUpPulumi,
  versionTags,
  workingDirectory,
} from "./stack";

/** What a job of one or several stacks needs. Several share it by a matrix. */
interface SharedJob {
  /** The first stack. The others have the same runner, install command and environment. */
  readonly stack: HostedStack;
  readonly matrix?: Job["matrix"];
  /** A job's title, with the stack's name if there are several. */
  readonly title: (text: string) => string;
  /** The stack's name as a word of a script. */
  readonly stackWord: string;
  /** A value of the stack's matrix row. */
  readonly value: (key: string) => string;
  /** Variables that the script needs for `stackWord`. */
  readonly variables: Readonly<Record<string, EnvValue>>;
  /** The variables with which any of the stacks signs in. */
  readonly signIn: Readonly<Record<string, EnvValue>>;
  readonly packages: Permissions;
}

/** @param rows what differs between the stacks besides their name */
function sharedJob(
  stacks: readonly HostedStack[],
  state: StateKind,
  rows: (stack: HostedStack) => Readonly<Record<string, string>> = () => ({}),
): SharedJob {
  const [first] = stacks;
  if (first === undefined) throw new Error("a shared job needs a stack");
  const row = (stack: HostedStack) => ({ stack: stack.stack, ...rows(stack) });
  const own: Readonly<Record<string, string>> = row(first);
  const isAlone = stacks.length === 1;
  return {
    stack: first,
    matrix: isAlone ? undefined : { include: stacks.map(row) },
    title: (text) => (isAlone ? text : `${text} (${expression("matrix.stack")})`),
    stackWord: isAlone ? shellWord(first.stack) : '"$STACK"',
    value: (key) => (isAlone ? (own[key] ?? "") : expression(`matrix.${key}`)),
    variables: isAlone ? {} : { STACK: expression("matrix.stack") },
    signIn: Object.assign({}, ...stacks.map((stack) => programVariables(stack, state))),
    packages: Object.assign({}, ...stacks.map((stack) => packagePermission(stack, "read"))),
  };
}

const OWN = "github.event.pull_request.head.repo.full_name == github.repository";
/** GitHub's limit for a comment is 65536 characters. */
const COMMENT_LIMIT = 60_000;
/**
 * Shows text as an indented code block that the text cannot end. Carriage returns are removed because they end a line for
 * Markdown but not for sed, characters outside ASCII because they can change the order in which text is shown.
 */
const QUOTE = "sed 's/→/->/g' | LC_ALL=C tr --delete --complement '\\t\\n -~' | sed 's/^/    /'";

/**
 * Plans the stacks on pull requests, without secrets and without an engine. The plan is posted as a comment, except for
 * forks, whose token cannot write one: there it is only in the run's summary.
 */
export function previewWorkflow(file: string, stacks: readonly HostedStack[]): Workflow {
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
      preview: previewJob(stacks, shared),
      ...(shared.stack.host === "github" ? { comment: commentJob(shared) } : {}),
    },
  };
}

/** Runs the pull request's code and may only read. */
function previewJob(stacks: readonly HostedStack[], shared: SharedJob): Job {
  const { stack } = shared;
  const { workflows } = stack;
  return {
    name: shared.title("Preview"),
    runsOn: workflows.runner,
    timeoutMinutes: Math.min(30, workflows.timeout),
    permissions: { contents: "read", ...shared.packages },
    matrix: shared.matrix,
    workingDirectory: workingDirectory(stack),
    steps: [
      checkOut({ needs: stack.checkout }),
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

/** The only job that may write to the pull request. It runs none of its code. */
function commentJob(shared: SharedJob): Job {
  return {
    name: shared.title("Comment"),
    needs: ["preview"],
    if: `\${{ !cancelled() && ${OWN} }}`,
    runsOn: shared.stack.workflows.runner,
    timeoutMinutes: 10,
    permissions: { "pull-requests": "write" },
    matrix: shared.matrix,
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

/** A version for plans that would be refused without one. */
function version(stacks: readonly HostedStack[]): Readonly<Record<string, EnvValue>> {
  return stacks.some(({ config }) => config.publishVersionTag === true)
    ? { CI_IMAGE_TAG: `pr-${expression("github.event.pull_request.number")}` }
    : {};
}

/**
 * Checks on a schedule whether registries still have what was released. A stack with versions is planned again from its
 * newest git tag, which needs no state; any other stack is compared with its state.
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
  const { checkout } = shared.stack;
  const fetchesMore = checkout.submodules || checkout.lfs;
  const isStrict = stacks.some(({ workflows }) => workflows.drift?.currentBases === true);
  const flags = ["--read-only", "--expect-no-changes", ...(isStrict ? ["--expect-current-bases"] : [])];
  const { PULUMI_BACKEND_URL: _url, PULUMI_CONFIG_PASSPHRASE: _key, ...signIn } = shared.signIn;
  return {
    ...driftJob(shared, "Newest version"),
    steps: [
      checkOut(),
      {
        name: fetchesMore ? "Find the newest version" : "Go to the newest version",
        id: "newest",
        run: [
          "# TAGS is split into patterns for git, and they must not expand to files.",
          "# shellcheck disable=SC2086",
          "set -o noglob",
          'tag="$(git -c versionsort.suffix=- for-each-ref --count=1 --sort=-version:refname \\',
          "  --format='%(refname:lstrip=2)' $TAGS)\"",
          ...(fetchesMore ? [] : ['if [ -n "$tag" ]; then git checkout --quiet "refs/tags/$tag"; fi']),
          'echo "tag=$tag" >> "$GITHUB_OUTPUT"',
        ],
        env: { TAGS: shared.value("tags") },
      },
      // Fetching submodules and Git LFS needs the job's token, which only the action has.
      ...(fetchesMore
        ? [
            {
              ...checkOut({ ref: `refs/tags/${expression("steps.newest.outputs.tag")}`, needs: checkout }),
              name: "Check it out",
              if: "steps.newest.outputs.tag != ''",
            },
          ]
        : []),
      setUpNode(shared.stack),
      installPackages(shared.stack),
      {
        name: "Compare with the registries",
        if: "steps.newest.outputs.tag != ''",
        run: [`npx --no slipway plan --stack ${shared.stackWord} ${flags.join(" ")}`],
        env: { ...shared.variables, RELEASE_TAG: expression("steps.newest.outputs.tag"), ...signIn },
      },
    ],
  };
}

function stateJob(stacks: readonly HostedStack[]): Job {
  const shared = sharedJob(stacks, "kept");
  return {
    ...driftJob(shared, "State"),
    steps: [
      checkOut(),
      setUpNode(shared.stack),
      setUpPulumi(),
      installPackages(shared.stack),
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

function driftJob({ stack, title, packages, matrix }: SharedJob, name: string): Omit<Job, "steps"> {
  const { workflows } = stack;
  return {
    name: title(name),
    runsOn: workflows.runner,
    environment: workflows.drift?.environment ?? "drift",
    timeoutMinutes: Math.min(30, workflows.timeout),
    permissions: { contents: "read", ...packages },
    matrix,
    workingDirectory: workingDirectory(stack),
  };
}
