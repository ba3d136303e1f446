import { type Environment, lookUp } from "../../config/environment";
import * as grammar from "./grammar";
import { UsageError } from "./problems";
import { type Server, serverFor } from "./server";

/** What the command line says. */
export interface DispatchFlags {
  readonly cwd: string;
  readonly stack?: string;
  readonly version?: string;
  readonly inputRef?: string;
  readonly workflowRef?: string;
  readonly workflow?: string;
  readonly repo?: string;
  readonly apiUrl?: string;
  readonly publishVersionTag?: boolean;
  readonly wait: boolean;
  readonly timeout?: string;
  readonly json?: true;
}

/** What the project says, where there is one. */
export interface ProjectSettings {
  readonly envPrefix?: string;
  readonly repository?: string;
  /** Whether a version's tag is to be published, by the stack's file. */
  readonly publishVersionTag?: boolean;
}

export interface DispatchSettings {
  readonly server: Server;
  /** Absent where neither flag, variable nor project names it: the git remote does. */
  readonly repository?: grammar.Repository;
  readonly workflow: string;
  /** Default: the repository's default branch. */
  readonly workflowRef?: string;
  readonly inputRef?: string;
  readonly version?: string;
  /** Only where it was asked for. */
  readonly publishVersionTag?: boolean;
  readonly wait: boolean;
  readonly timeoutSeconds: number;
}

const DEFAULT_WORKFLOW = "release-docker.yml";
const DEFAULT_TIMEOUT = "2h";

/** Variables of each setting; all but the first need the stack's prefix, being too common without. */
const VARIABLES = {
  version: "VERSION",
  inputRef: "INPUT_REF",
  workflowRef: "WORKFLOW_REF",
  workflow: "WORKFLOW",
  repo: "REPO",
  publishVersionTag: "PUBLISH_VERSION_TAG",
  wait: "WAIT",
  timeout: "TIMEOUT",
} as const;

/**
 * Flags, then variables with the stack's prefix, then what the project says, then defaults.
 *
 * @throws UsageError naming flag or variable, value and what is allowed
 */
export function dispatchSettings(
  flags: DispatchFlags,
  env: Environment,
  project: ProjectSettings,
): DispatchSettings {
  const { envPrefix: prefix = "" } = project;
  const pick = (flag: string, typed: string | undefined, variable: string, bare: readonly string[] = []) => {
    if (typed !== undefined) return { from: flag, text: typed };
    const own = prefix === "" ? undefined : lookUp(env, [prefix + variable]);
    const given = own ?? lookUp(env, bare, prefix);
    return given === undefined ? undefined : { from: given.variable, text: given.value.trim() };
  };

  const version = pick("--version", flags.version, VARIABLES.version, ["RELEASE_TAG"]);
  const inputRef = pick("--input-ref", flags.inputRef, VARIABLES.inputRef);
  const workflowRef = pick("--workflow-ref", flags.workflowRef, VARIABLES.workflowRef);
  const workflow = pick("--workflow", flags.workflow, VARIABLES.workflow);
  const repo = pick("--repo", flags.repo, VARIABLES.repo, ["GH_REPO"]);
  const publish = pick("--publish-version-tag", undefined, VARIABLES.publishVersionTag, [
    "PUBLISH_VERSION_TAG",
  ]);
  const wait = pick("--no-wait", undefined, VARIABLES.wait);
  const timeout = pick("--timeout", flags.timeout, VARIABLES.timeout);

  const named = repo === undefined ? undefined : grammar.checkRepository(repo.text, repo.from);
  const written =
    project.repository === undefined
      ? undefined
      : grammar.checkRepository(project.repository, "slipway:repository");
  const repository = named ?? written;
  const publishVersionTag =
    flags.publishVersionTag ??
    (publish === undefined ? undefined : grammar.checkYesOrNo(publish.text, publish.from));
  const settings: DispatchSettings = {
    server: serverFor({
      env,
      ...(flags.apiUrl === undefined ? {} : { apiUrl: flags.apiUrl }),
      ...(named?.host === undefined ? {} : { host: named.host }),
    }),
    ...(repository === undefined ? {} : { repository: { owner: repository.owner, repo: repository.repo } }),
    workflow: workflow === undefined ? DEFAULT_WORKFLOW : grammar.checkWorkflow(workflow.text, workflow.from),
    ...(workflowRef === undefined
      ? {}
      : { workflowRef: grammar.checkRef(workflowRef.text, workflowRef.from) }),
    ...(inputRef === undefined ? {} : { inputRef: grammar.checkRef(inputRef.text, inputRef.from) }),
    ...(version === undefined ? {} : { version: grammar.checkVersion(version.text, version.from) }),
    ...(publishVersionTag === undefined ? {} : { publishVersionTag }),
    wait: flags.wait && (wait === undefined || grammar.checkYesOrNo(wait.text, wait.from)),
    timeoutSeconds: grammar.checkDuration(timeout?.text ?? DEFAULT_TIMEOUT, timeout?.from ?? "--timeout"),
  };
  if ((publishVersionTag ?? project.publishVersionTag) === true && version === undefined)
    throw new UsageError(
      "a version's tag is to be published, but there is no version: say --version vX.Y.Z, or --no-publish-version-tag",
    );
  return settings;
}
