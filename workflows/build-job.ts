import { buildSecrets, packagePermission, registryVariables } from "./credentials";
import type { EnvValue, Job, Step } from "./model";
import { expression } from "./model";
import { SOURCE_COMMIT, SOURCE_JOB } from "./source-job";
import { environmentOf, type HostedStack, platformsOf, runnersOf } from "./stack";
import { checkOut, installPackages, setUpBuilder, setUpBuildx, setUpNode } from "./steps";
import { shellWord } from "./words";

/** The job's id. */
export const BUILD_JOB = "build";

/** Outside the checkout, whose files can go into images. */
const FOLDER = "$RUNNER_TEMP/parts";
const FOLDER_VALUE = `${expression("runner.temp")}/parts`;

export interface BuildJobInput {
  readonly stack: HostedStack;
  /** Whether another job finds the commit; else it is the one that the workflow runs for. */
  readonly hasSource: boolean;
  /** What the program reads about this release. */
  readonly variables: Readonly<Record<string, EnvValue>>;
}

/**
 * Builds what no registry has and pushes it by digest, without a tag: all platforms under QEMU, or each on a runner of
 * its own. It may push and nothing else: no key, no identity, no access to the engine's state. A file says what it made.
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
    ...(hasSource ? { needs: [SOURCE_JOB] } : {}),
    runsOn: rows === undefined ? workflows.runner : expression("matrix.runner"),
    environment: environmentOf(stack),
    timeoutMinutes: workflows.timeout,
    permissions: { contents: "read", ...packagePermission(stack, "write") },
    ...(rows === undefined ? {} : { matrix: { include: rows } }),
    ...(workflows.directory === "." ? {} : { workingDirectory: workflows.directory }),
    steps: [
      checkOut(hasSource ? SOURCE_COMMIT : undefined),
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
          // A job that runs again replaces what it built.
          overwrite: true,
          "retention-days": 5,
        },
      },
    ],
  };
}

/** Downloads what the build job of this run made. */
export function takeParts(stack: HostedStack): Step {
  return {
    name: "Take what was built",
    uses: "actions/download-artifact",
    with: { pattern: artifactName(stack, "*"), path: FOLDER_VALUE, "merge-multiple": true },
  };
}

/** Merges the parts into one index for each image, which the program finds instead of building. A file lists them. */
export function mergeScript({ stack }: HostedStack): string {
  return `npx --no slipway merge "${FOLDER}" --stack ${shellWord(stack)} > "${MERGED}"`;
}

/** What this run built itself: images and digests. */
export const MERGED = "$RUNNER_TEMP/merged.json";

/** The pattern `parts-a-*` also matches a stack `a-b`, but each workflow has only one stack that builds. */
function artifactName({ stack }: HostedStack, part: string): string {
  return `parts-${stack}-${part}`;
}
