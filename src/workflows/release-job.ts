import {
  BUILD_JOB,
  type BuildJobInput,
  MERGED,
  mergeScript,
  SOURCE_COMMIT,
  SOURCE_JOB,
  takeParts,
} from "./build-job";
import {
  type EnvValue,
  expression,
  type Input,
  type Job,
  type RunStep,
  type Step,
  shellWord,
  stem,
  type Workflow,
} from "./model";
import {
  checkOut,
  environmentOf,
  furtherSecrets,
  type HostedStack,
  inRepository,
  installPackages,
  madeFrom,
  packagePermission,
  programVariables,
  requireState,
  type StateKind,
  selectStack,
  setUpNode,
  setUpPulumi,
  signingVariables,
  type WorkflowStack,
  waiting,
  workingDirectory,
} from "./stack";

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

/** What a job that writes to registries and may sign needs: where it runs, how long, and with which rights. */
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

/** Signing keyless needs the workflow's identity. What promotes signs nothing: it takes signatures over. */
function signsKeyless({ config }: WorkflowStack): boolean {
  return config.sign.mode === "keyless" && config.promote === undefined;
}

/** `slipway up`: a short log with the reason of a failure last, and state that is written seldom for many images. */
function runProgram(
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
 * GitHub's own provenance of each digest that this run built and released, in a job of its own: it alone may attest, and
 * it runs nothing of the repository's. GitHub states the commit that the workflow runs for, so that a release of another
 * commit has none. On GHCR the attestation is pushed beside the image; elsewhere GitHub alone keeps it.
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
        // Without a predicate of its own the action states the build's provenance.
        name: "Attest build provenance",
        uses: "actions/attest",
        with: {
          "subject-name": expression("matrix.subject"),
          "subject-digest": expression("matrix.digest"),
          "push-to-registry": isGhcr,
          // An organization's list of artifacts, which needs a further right.
          ...(isGhcr ? { "create-storage-record": false } : {}),
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
 * The script's lines that output what this run built and released, for the job above: image, repository and digest,
 * from the manifest and from what was merged. What was there before is left out: this run does not know how it was
 * built. GHCR's repository, where there is one: the attestation can be pushed there.
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

const VERSION: Input = {
  description: "The released version to promote. Default: the one that the stack's file names",
  type: "string",
  required: false,
};

export function promoteWorkflow(stack: HostedStack): Workflow {
  const { stack: name, workflows, config } = stack;
  const settings = workflows.promote ?? { follow: true };
  const byStatement = config.promote?.source.kind === "statement";
  const file = settings.file ?? `promote-${name}.yml`;
  return {
    file,
    comment: madeFrom([stack]),
    name: settings.name ?? `Promote to ${name}`,
    on: { dispatch: byStatement ? { version: VERSION } : {} },
    concurrency: {
      comment: ["Each run has a group of its own: none that waits for approval is dropped by the next."],
      group: `${stem(file)}-${expression(byStatement ? "inputs.version || github.run_id" : "github.run_id")}`,
      cancelInProgress: false,
      queue: waiting(stack),
    },
    jobs: { promote: promoteJob(stack, []) },
  };
}

/**
 * Takes what was released over by digest, when the environment's reviewers have approved. Nothing is built. What
 * another stack released is in the engine's state, so that a throwaway one will not do.
 */
export function promoteJob(stack: HostedStack, needs: readonly string[]): Job {
  const { workflows, config } = stack;
  const byStatement = config.promote?.source.kind === "statement";
  const state = byStatement ? "throwaway" : "kept";
  const program = runProgram(stack, "Promote", state, {});
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
        comment:
          state === "kept"
            ? ["What the other stack released is in the state that PULUMI_BACKEND_URL names."]
            : undefined,
        run: versioned ? [...program.run.slice(0, -1), choose, ...program.run.slice(-1)] : program.run,
        env: {
          ...(versioned ? { VERSION: expression("inputs.version") } : {}),
          ...program.env,
          ...furtherSecrets(stack),
        },
      },
      ...keepManifest({ ...stack, workflows: { ...workflows, attest: false } }),
    ],
  };
}
