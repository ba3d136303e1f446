import { subjectsOutput } from "./attest-job";
import { BUILD_JOB, type BuildJobInput, mergeScript, takeParts } from "./build-job";
import { furtherSecrets, packagePermission, signingVariables } from "./credentials";
import type { EnvValue, Job, RunStep, Step } from "./model";
import { expression } from "./model";
import { SOURCE_COMMIT, SOURCE_JOB } from "./source-job";
import { environmentOf, type HostedStack, inRepository, type StateKind, type WorkflowStack } from "./stack";
import {
  checkOut,
  installPackages,
  programVariables,
  requireState,
  selectStack,
  setUpNode,
  setUpPulumi,
} from "./steps";
import { shellWord } from "./words";

export interface ReleaseJobInput extends BuildJobInput {
  readonly name: string;
}

/** The job that may sign: it merges what the build made, verifies, signs, tags and keeps the manifest. */
export function releaseJob({ stack, name, hasSource, variables }: ReleaseJobInput): Job {
  const { workflows } = stack;
  const program = runProgram(stack, "Release", stack.state, {
    ...variables,
    // The build has run them. They are commands of the repository, and this job can sign.
    ...(stack.config.checks.length === 0 ? {} : { SLIPWAY_CHECKS: "false" }),
  });
  const steps: Step[] = [
    checkOut(hasSource ? SOURCE_COMMIT : undefined),
    setUpNode(stack),
    setUpPulumi(),
    installPackages(stack),
    takeParts(stack),
    { ...program, run: [...program.run.slice(0, -1), mergeScript(stack), ...program.run.slice(-1)] },
    ...keepManifest(stack),
  ];
  return {
    name,
    needs: [...(hasSource ? [SOURCE_JOB] : []), BUILD_JOB],
    ...writingJob(stack),
    ...(workflows.attest ? { outputs: { subjects: expression("steps.released.outputs.subjects") } } : {}),
    steps,
  };
}

/** What a job that writes to registries and may sign needs: where it runs, how long, and with which rights. */
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

/** `pulumi up`, as on a laptop; or `slipway up`, which can release some of several images. */
export function runProgram(
  stack: WorkflowStack,
  name: string,
  state: StateKind,
  variables: Readonly<Record<string, EnvValue>>,
): RunStep {
  const word = shellWord(stack.stack);
  const up =
    "CI_SERVICES" in variables
      ? `npx --no slipway up --stack ${word} -- --yes`
      : `pulumi up --stack ${word} --yes`;
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

/** The report on the run's page, and the manifest as an artifact. */
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
