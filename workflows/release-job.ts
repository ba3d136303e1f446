import { subjectsOutput } from "./attest-job";
import { furtherSecrets, packagePermission, signingVariables } from "./credentials";
import type { EnvValue, Job, RunStep, Step } from "./model";
import { expression } from "./model";
import { BUILD_JOB, mergeSteps } from "./native-build";
import {
  environmentOf,
  type HostedStack,
  inRepository,
  runnersOf,
  type StateKind,
  type WorkflowStack,
} from "./stack";
import {
  checkOut,
  installPackages,
  programVariables,
  requireState,
  selectStack,
  setUpBuilder,
  setUpNode,
  setUpPulumi,
} from "./steps";
import { shellWord } from "./words";

export interface ReleaseJobInput {
  readonly stack: HostedStack;
  readonly name: string;
  /** What to release, where the event does not say it. */
  readonly ref?: EnvValue;
  /** What the program reads about this release: its version, a subset of services. */
  readonly variables: Readonly<Record<string, EnvValue>>;
}

/**
 * The job that runs the program: builds, proves, tags, and keeps the manifest. Where each platform has a runner of its
 * own, it takes what those built, and builds nothing.
 */
export function releaseJob({ stack, name, ref, variables }: ReleaseJobInput): Job {
  const { workflows } = stack;
  const isSplit = runnersOf(stack) !== undefined;
  const steps: Step[] = [
    checkOut(ref),
    setUpNode(stack),
    setUpPulumi(),
    ...(isSplit ? [] : setUpBuilder(stack)),
    installPackages(stack),
    ...(isSplit ? mergeSteps({ stack, variables }) : []),
    runProgram(stack, "Release", stack.state, variables),
    ...keepManifest(stack),
  ];
  return {
    name,
    ...(isSplit ? { needs: [BUILD_JOB] } : {}),
    ...writingJob(stack),
    ...(workflows.attest ? { outputs: { subjects: expression("steps.released.outputs.subjects") } } : {}),
    steps,
  };
}

/** What every job has that writes to registries: where it runs, how long, and with which rights. */
export function writingJob(
  stack: HostedStack,
): Pick<Job, "runsOn" | "environment" | "timeoutMinutes" | "permissions" | "workingDirectory"> {
  const { workflows } = stack;
  return {
    runsOn: workflows.runner,
    environment: environmentOf(stack),
    timeoutMinutes: workflows.timeout,
    permissions: {
      contents: "read",
      ...packagePermission(stack, "write"),
      ...(signsKeyless(stack) ? { "id-token": "write" } : {}),
    },
    ...(workflows.directory === "." ? {} : { workingDirectory: workflows.directory }),
  };
}

/** Signing keyless needs the workflow's identity. What promotes signs nothing: it takes signatures over. */
function signsKeyless({ config }: WorkflowStack): boolean {
  return config.sign.mode === "keyless" && config.promote === undefined;
}

/** `pulumi up`, as on a laptop. A subset of services needs Slipway's own command for it. */
export function runProgram(
  stack: WorkflowStack,
  name: string,
  state: StateKind,
  variables: Readonly<Record<string, EnvValue>>,
): RunStep {
  const word = shellWord(stack.stack);
  const up =
    stack.config.fleet === undefined
      ? `pulumi up --stack ${word} --yes`
      : `npx slipway up --stack ${word} -- --yes`;
  return {
    name,
    run: [...requireState(state), selectStack(stack), up],
    env: {
      ...variables,
      ...programVariables(stack, state),
      ...signingVariables(stack),
      ...furtherSecrets(stack),
    },
  };
}

/** The report on the run's page, and the manifest for whoever comes next. */
export function keepManifest(stack: WorkflowStack): Step[] {
  const { artifacts } = stack.config;
  const report = `cat ${shellWord(`${artifacts}/release-report.md`)} >> "$GITHUB_STEP_SUMMARY"`;
  const manifest = shellWord(`${artifacts}/release-manifest.json`);
  const { attest } = stack.workflows;
  return [
    {
      name: "Report",
      ...(attest ? { id: "released" } : {}),
      run: attest ? [report, ...subjectsOutput(stack, manifest)] : [report],
    },
    {
      name: "Keep the manifest",
      uses: "actions/upload-artifact",
      with: {
        name: `release-manifest-${stack.stack}`,
        path: inRepository(stack, artifacts),
        "if-no-files-found": "error",
      },
    },
  ];
}
