import { furtherSecrets, packagePermission, registryVariables } from "./credentials";
import type { EnvValue, Job, Step } from "./model";
import { expression } from "./model";
import { environmentOf, type HostedStack, runnersOf } from "./stack";
import { checkOut, installPackages, setUpBuildx, setUpNode } from "./steps";
import { shellWord } from "./words";

/** The job's id. */
export const BUILD_JOB = "build";

/** Away from the checkout: what stands there is content. */
const FOLDER = "$RUNNER_TEMP/parts";
const FOLDER_VALUE = `${expression("runner.temp")}/parts`;

export interface NativeBuildInput {
  readonly stack: HostedStack;
  /** What to release, where the event does not say it. */
  readonly ref?: EnvValue;
  /** What the program reads about this release. */
  readonly variables: Readonly<Record<string, EnvValue>>;
}

/**
 * Builds each platform on a runner that is one, without QEMU: what no registry has, pushed by digest, without a tag. It
 * signs nothing and has no access to the engine's state. What it made is handed on by a file.
 */
export function nativeBuildJob({ stack, ref, variables }: NativeBuildInput): Job {
  const { workflows } = stack;
  const rows = (runnersOf(stack) ?? []).map(({ platform, runner = workflows.runner }) => ({
    platform,
    runner,
    part: platform.replaceAll("/", "-"),
  }));
  return {
    name: `Build (${expression("matrix.platform")})`,
    runsOn: expression("matrix.runner"),
    environment: environmentOf(stack),
    timeoutMinutes: workflows.timeout,
    permissions: { contents: "read", ...packagePermission(stack, "write") },
    matrix: { include: rows },
    ...(workflows.directory === "." ? {} : { workingDirectory: workflows.directory }),
    steps: [
      checkOut(ref),
      setUpNode(stack),
      setUpBuildx(stack),
      installPackages(stack),
      {
        name: "Build",
        run: [`npx slipway build --stack ${shellWord(stack.stack)} --platform "$PLATFORM" --out "${FOLDER}"`],
        env: { PLATFORM: expression("matrix.platform"), ...variables, ...signIn(stack) },
      },
      {
        name: "Hand it on",
        uses: "actions/upload-artifact",
        with: {
          name: artifactName(stack, expression("matrix.part")),
          path: FOLDER_VALUE,
          "if-no-files-found": "error",
          // A job that is run again has built it anew.
          overwrite: true,
          "retention-days": 5,
        },
      },
    ],
  };
}

/** Puts together what the job above made, so that the program finds it and builds nothing. */
export function mergeSteps({ stack, variables }: Omit<NativeBuildInput, "ref">): Step[] {
  return [
    {
      name: "Take the platforms' builds",
      uses: "actions/download-artifact",
      with: { pattern: artifactName(stack, "*"), path: FOLDER_VALUE, "merge-multiple": true },
    },
    {
      name: "Merge",
      run: [`npx slipway merge "${FOLDER}" --stack ${shellWord(stack.stack)}`],
      env: { ...variables, ...signIn(stack) },
    },
  ];
}

/** A stack's name may be the beginning of another's; each workflow has one stack that builds. */
function artifactName({ stack }: HostedStack, part: string): string {
  return `parts-${stack}-${part}`;
}

function signIn(stack: HostedStack): Readonly<Record<string, EnvValue>> {
  return { ...registryVariables(stack), ...furtherSecrets(stack) };
}
