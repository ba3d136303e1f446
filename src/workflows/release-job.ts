import type { WorkflowStack } from "../plan/config";
import {
  BUILD_JOB,
  type BuildJobInput,
  MERGED,
  mergeScript,
  SOURCE_COMMIT,
  SOURCE_JOB,
  takeParts,
} from "./build-job";
import { type EnvValue, expression, type Job, type RunStep, type Step, shellWord } from "./model";
import {
  checkOut,
  environmentOf,
  furtherSecrets,
  type HostedStack,
  inRepository,
  installPackages,
  packagePermission,
  programVariables,
  requireState,
  type StateKind,
  selectStack,
  setUpNode,
  setUpPulumi,
  signingVariables,
  workingDirectory,
} from "./stack";

/** The job that may sign: it merges the build's parts, runs the program and keeps the manifest. */
export function releaseJob(name: string, { stack, hasSource, variables }: BuildJobInput): Job {
  const { workflows } = stack;
  const program = upStep(stack, "Release", stack.state, {
    ...variables,
    // The build job has run the checks. They are commands of the repository, and this job can sign.
    ...(stack.config.checks.length === 0 ? {} : { SLIPWAY_CHECKS: "false" }),
  });
  const steps: Step[] = [
    checkOut({ ref: hasSource ? SOURCE_COMMIT : undefined, needs: stack.checkout }),
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
    outputs: workflows.attest ? { subjects: expression("steps.released.outputs.subjects") } : undefined,
    steps,
  };
}

/** The settings of a job that writes to registries and may sign. */
function writingJob(
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
    workingDirectory: workingDirectory(stack),
  };
}

/** Keyless signing needs the workflow's identity. A promotion signs nothing: it copies signatures. */
function signsKeyless({ config }: WorkflowStack): boolean {
  return config.sign.mode === "keyless" && config.promote === undefined;
}

/** A step that runs `slipway up`, because its log is short, ends with the reason of a failure, and it seldom writes state. */
function upStep(
  stack: WorkflowStack,
  name: string,
  state: StateKind,
  variables: Readonly<Record<string, EnvValue>>,
): RunStep {
  const word = shellWord(stack.stack);
  const up = `npx --no slipway up --stack ${word} -- --yes`;
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

function keepManifest(stack: WorkflowStack): Step[] {
  const { artifacts } = stack.config;
  const report = `cat ${shellWord(`${artifacts}/release-report.md`)} >> "$GITHUB_STEP_SUMMARY"`;
  const manifest = shellWord(`${artifacts}/release-manifest.json`);
  const { attest } = stack.workflows;
  return [
    {
      name: "Report",
      id: attest ? "released" : undefined,
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

const SIGN_IN: Step = {
  name: "Sign in to GHCR",
  uses: "docker/login-action",
  with: {
    registry: "ghcr.io",
    username: expression("github.actor"),
    password: expression("github.token"),
  },
};

/**
 * GitHub's own provenance for each digest that this run built and released. Only this job may attest, and it runs no code
 * of the repository. GitHub states the workflow's own commit, so a release of another commit gets no attestation.
 */
export function attestJob({ stack, hasSource }: BuildJobInput, released: string): Job {
  const isOwnCommit = hasSource ? ` && needs.${SOURCE_JOB}.outputs.commit == github.sha` : "";
  const isGhcr = stack.config.registries.some(({ host }) => host === "ghcr.io");
  return {
    name: `Attest (${expression("matrix.image")})`,
    needs: [...(hasSource ? [SOURCE_JOB] : []), released],
    if: `needs.${released}.outputs.subjects != '[]'${isOwnCommit}`,
    runsOn: stack.workflows.runner,
    timeoutMinutes: 15,
    permissions: {
      ...packagePermission(stack, "write"),
      attestations: "write",
      "id-token": "write",
    },
    matrix: { include: expression(`fromJSON(needs.${released}.outputs.subjects)`) },
    steps: [
      ...(isGhcr ? [SIGN_IN] : []),
      {
        // Without a predicate the action states the build's provenance.
        name: "Attest build provenance",
        uses: "actions/attest",
        with: {
          "subject-name": expression("matrix.subject"),
          "subject-digest": expression("matrix.digest"),
          "push-to-registry": isGhcr,
          // The record in the organization's list of artifacts needs another permission.
          "create-storage-record": isGhcr ? false : undefined,
        },
      },
      {
        name: "Read it back",
        run: ['gh attestation verify "oci://$SUBJECT@$DIGEST" --repo "$GITHUB_REPOSITORY"'],
        env: {
          SUBJECT: expression("matrix.subject"),
          DIGEST: expression("matrix.digest"),
          GH_TOKEN: expression("github.token"),
        },
      },
    ],
  };
}

/**
 * A script that outputs what this run built and released: images of the manifest that are also in the merged ones. How
 * older content was built is unknown here. GHCR's repository is preferred: only there the attestation can be pushed.
 */
function subjectsOutput({ config: { registries } }: WorkflowStack, manifest: string): string[] {
  const isSecond = registries.findIndex(({ host }) => host === "ghcr.io") > 0;
  const primary = ".repositories[0]";
  const ghcr = `(first(.repositories[] | select(startswith("ghcr.io/"))) // ${primary})`;
  const built = "select({image: .name, digest} | IN($merged[][]))";
  const subjects = `.images | map(${built} | {image: .name, subject: ${isSecond ? ghcr : primary}, digest})`;
  return [
    `subjects="$(jq --compact-output --slurpfile merged "${MERGED}" ${shellWord(subjects)} ${manifest})"`,
    'echo "subjects=$subjects" >> "$GITHUB_OUTPUT"',
  ];
}

/**
 * Promotes a release by digest once the environment's reviewers have approved, and builds nothing. To read what another
 * stack released, it needs the engine's kept state.
 */
export function promoteJob(stack: HostedStack, needs: readonly string[]): Job {
  const { workflows, config } = stack;
  const byStatement = config.promote?.source.kind === "statement";
  const state = byStatement ? "throwaway" : "kept";
  const program = upStep(stack, "Promote", state, {});
  const versioned = byStatement && needs.length === 0;
  const choose =
    'if [ -n "$VERSION" ]; then pulumi config set --path slipway:promote.statement "$VERSION"; fi';
  return {
    name: `Promote to ${stack.stack}`,
    needs: needs.length === 0 ? undefined : needs,
    ...writingJob(stack),
    steps: [
      checkOut(),
      setUpNode(stack),
      setUpPulumi(),
      installPackages(stack),
      {
        ...program,
        comment: byStatement
          ? undefined
          : ["What the other stack released is in the state that PULUMI_BACKEND_URL names."],
        run: versioned ? [...program.run.slice(0, -1), choose, ...program.run.slice(-1)] : program.run,
        env: { ...(versioned ? { VERSION: expression("inputs.version") } : {}), ...program.env },
      },
      ...keepManifest({ ...stack, workflows: { ...workflows, attest: false } }),
    ],
  };
}
