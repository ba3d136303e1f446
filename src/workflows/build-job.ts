import type { WorkflowStack } from "../plan/config";
import { type EnvValue, expression, type Job, type Step, shellWord } from "./model";
import {
  buildSecrets,
  checkOut,
  environmentOf,
  type HostedStack,
  installPackages,
  packagePermission,
  platformsOf,
  registryVariables,
  runnersOf,
  setUpBuilder,
  setUpBuildx,
  setUpNode,
  versionTags,
  workingDirectory,
} from "./stack";

export const SOURCE_JOB = "source";

export const SOURCE_COMMIT = expression(`needs.${SOURCE_JOB}.outputs.commit`);

/** What a user asks to release, as inputs of the workflow. */
export interface Request {
  readonly ref: EnvValue;
  /** If a git tag has this name, its commit is released. */
  readonly version?: {
    readonly value: EnvValue;
    /** Whether the git tag must exist if `ref` is empty. */
    readonly needsTag: boolean;
  };
}

/**
 * Finds the commit to release, and refuses one that neither the default branch nor a version's git tag contains, such as
 * a fork's. The job runs no code of the repository and has no secrets.
 */
export function sourceJob(stack: WorkflowStack, { ref, version }: Request): Job {
  const { lane } = stack.config;
  return {
    name: "Find the commit",
    runsOn: stack.workflows.runner,
    timeoutMinutes: 10,
    permissions: { contents: "read" },
    outputs: { commit: expression("steps.found.outputs.commit") },
    steps: [
      checkOut(),
      {
        name: "Find the commit",
        id: "found",
        run: sourceScript(version?.needsTag === true),
        env: {
          REF: ref,
          ...(version === undefined
            ? {}
            : { VERSION: version.value, TRIGGER: lane?.trigger ?? "", FORM: lane?.form.prefix ?? "" }),
          DEFAULT_BRANCH: expression("github.event.repository.default_branch"),
          TAGS: versionTags(stack)
            .map((pattern) => `refs/tags/${pattern}`)
            .join(" "),
        },
      },
    ],
  };
}

/**
 * Tags go before branches, since anyone who can push can name a branch like a tag. A lane's version may be written as its
 * git tag or as the image's tag.
 */
function sourceScript(needsTag: boolean): string[] {
  return [
    "# TAGS is split into patterns for git, and they must not expand to files.",
    "# shellcheck disable=SC2086",
    "set -o noglob",
    "refuse() {",
    '  echo "::error::$1"',
    "  exit 1",
    "}",
    "first_commit() {",
    '  for name in "$@"; do',
    '    git rev-parse --quiet --verify --end-of-options "$name^{commit}" && return 0',
    "  done",
    "  return 0",
    "}",
    'tagged=""',
    `if [ -n "\${VERSION-}" ]; then`,
    `  number="\${VERSION#"$TRIGGER"}"`,
    `  number="\${number#"$FORM"}"`,
    `  tagged="$(first_commit "refs/tags/$TRIGGER$number" "refs/tags/\${TRIGGER}v$number" "refs/tags/$TRIGGER\${number#v}")"`,
    ...(needsTag
      ? [
          '  [ -n "$tagged" ] || [ -n "$REF" ] ||',
          '    refuse "The version has no git tag: push it, or say by ref which commit is to be the version"',
        ]
      : []),
    "fi",
    'if [ -n "$REF" ]; then',
    `  commit="$(first_commit "refs/tags/$REF" "refs/remotes/origin/\${REF#refs/heads/}" "$REF")"`,
    '  test -n "$commit" || refuse "The repository has no such branch, tag or commit"',
    "else",
    `  commit="\${tagged:-$(first_commit "$GITHUB_SHA")}"`,
    "fi",
    'if [ -n "$tagged" ] && [ "$tagged" != "$commit" ]; then',
    '  refuse "The version\'s git tag is $tagged, and ref is $commit: leave ref out, or raise the version"',
    "fi",
    'holder="$(git for-each-ref --count=1 --contains="$commit" --format="%(refname)" \\',
    `  "refs/remotes/origin/\${DEFAULT_BRANCH:?}" $TAGS)"`,
    'test -n "$holder" || refuse "Neither $DEFAULT_BRANCH nor a tag of $TAGS contains $commit: merge or tag it first"',
    'echo "$commit is in $holder"',
    'echo "commit=$commit" >> "$GITHUB_OUTPUT"',
  ];
}

export const BUILD_JOB = "build";

/** Outside of the checkout, so that no build context contains it. */
const FOLDER = "$RUNNER_TEMP/parts";
const FOLDER_VALUE = `${expression("runner.temp")}/parts`;

export interface BuildJobInput {
  readonly stack: HostedStack;
  /** Whether the source job finds the commit. Otherwise it is the workflow's own. */
  readonly hasSource: boolean;
  readonly variables: Readonly<Record<string, EnvValue>>;
}

/**
 * Builds what no registry has and pushes it by digest, without a tag: all platforms under QEMU, or each on its own
 * runner. The job may only push: it has no key, no identity and no access to the engine's state.
 */
export function buildJob({ stack, hasSource, variables }: BuildJobInput): Job {
  const { workflows } = stack;
  const rows = runnersOf(stack)?.map(({ platform, runner = workflows.runner }) => ({
    platform,
    runner,
    part: platform.replaceAll("/", "-"),
  }));
  const platforms = rows === undefined ? platformsOf(stack).join(",") : '"$PLATFORM"';
  return {
    name: rows === undefined ? "Build" : `Build (${expression("matrix.platform")})`,
    needs: hasSource ? [SOURCE_JOB] : undefined,
    runsOn: rows === undefined ? workflows.runner : expression("matrix.runner"),
    environment: environmentOf(stack),
    timeoutMinutes: workflows.timeout,
    permissions: { contents: "read", ...packagePermission(stack, "write") },
    matrix: rows && { include: rows },
    workingDirectory: workingDirectory(stack),
    steps: [
      checkOut({ ref: hasSource ? SOURCE_COMMIT : undefined, needs: stack.checkout }),
      setUpNode(stack),
      ...(rows === undefined ? setUpBuilder(stack) : [setUpBuildx(stack)]),
      installPackages(stack),
      {
        name: "Build",
        run: [
          `npx --no slipway build --stack ${shellWord(stack.stack)} --platform ${platforms} --out "${FOLDER}"`,
        ],
        env: {
          ...(rows === undefined ? {} : { PLATFORM: expression("matrix.platform") }),
          ...variables,
          ...registryVariables(stack),
          ...buildSecrets(stack),
        },
      },
      {
        name: "Hand it on",
        uses: "actions/upload-artifact",
        with: {
          name: artifactName(stack, rows === undefined ? "all" : expression("matrix.part")),
          path: FOLDER_VALUE,
          "if-no-files-found": "error",
          // For a job that runs again.
          overwrite: true,
          "retention-days": 5,
        },
      },
    ],
  };
}

export function takeParts(stack: HostedStack): Step {
  return {
    name: "Take what was built",
    uses: "actions/download-artifact",
    with: { pattern: artifactName(stack, "*"), path: FOLDER_VALUE, "merge-multiple": true },
  };
}

/** Merges the parts into an index for each image, so that the program finds these images and builds nothing. */
export function mergeScript({ stack }: HostedStack): string {
  return `npx --no slipway merge "${FOLDER}" --stack ${shellWord(stack)} > "${MERGED}"`;
}

/** A file with the images and digests that this run built. */
export const MERGED = "$RUNNER_TEMP/merged.json";

/** The pattern `parts-a-*` also matches a stack `a-b`, but only one stack builds in a workflow. */
function artifactName({ stack }: HostedStack, part: string): string {
  return `parts-${stack}-${part}`;
}
