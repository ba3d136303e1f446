import type { EnvValue, Job } from "./model";
import { expression } from "./model";
import { versionTags, type WorkflowStack } from "./stack";
import { checkOut } from "./steps";

/** The job's id. */
export const SOURCE_JOB = "source";

/** The commit that it found, as the jobs that need it check it out. */
export const SOURCE_COMMIT = expression(`needs.${SOURCE_JOB}.outputs.commit`);

export interface Asked {
  /** What a person typed in: a branch, tag or commit. */
  readonly ref: EnvValue;
  /** A version that a person typed in, and what its git tag has before it. */
  readonly version?: EnvValue;
  readonly prefix?: string;
}

/**
 * Finds the commit to release, and requires that the default branch or a version's git tag contains it. It runs nothing
 * of the repository and has no secret: a commit of a fork, or of a branch that is not merged, ends here.
 */
export function sourceJob(stack: WorkflowStack, { ref, version, prefix = "" }: Asked): Job {
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
        run: SCRIPT,
        env: {
          REF: ref,
          ...(version === undefined ? {} : { VERSION: version, PREFIX: prefix }),
          DEFAULT_BRANCH: expression("github.event.repository.default_branch"),
          TAGS: versionTags(stack)
            .map((pattern) => `refs/tags/${pattern}`)
            .join(" "),
        },
      },
    ],
  };
}

/** Tags go before branches: a branch can be named like a tag, and anyone who can push can make one. */
const SCRIPT: readonly string[] = [
  "# The patterns in TAGS are words of their own, and match no files.",
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
  `  tagged="$(first_commit "refs/tags/$PREFIX$VERSION" "refs/tags/\${PREFIX}v$VERSION" "refs/tags/$PREFIX\${VERSION#v}")"`,
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
