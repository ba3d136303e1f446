import type { Problem } from "../../plan/problem";
import { checkRefs } from "./check-refs";
import { checkPins, checkPolicy, checkRegistries } from "./check-release";
import type { Octokit } from "./client";
import { commitOf } from "./commit-of";
import type { Repository } from "./grammar";
import { type DispatchInputs, dispatchInputs } from "./inputs";
import { type ErrorContext, explain, notDispatched, statusOf } from "./problems";
import type { Project } from "./project";
import { readFileAt } from "./read-file-at";
import type { DispatchSettings } from "./settings";
import { readWorkflowFile, type WorkflowFile } from "./workflow-file";

export interface PreflightInput {
  readonly octokit: Octokit;
  readonly repository: Repository;
  readonly settings: DispatchSettings;
  readonly project: Project;
  /** The project's folder in its repository; undefined where that is not known. */
  readonly place: string | undefined;
  readonly dispatchId: string;
  readonly errors: ErrorContext;
  /** One line for the person. */
  readonly warn: (line: string) => void;
}

/** What can be dispatched, with all that was checked before. */
export interface ReadyDispatch extends Omit<DispatchInputs, "problems"> {
  readonly workflowId: number;
  /** The branch or tag whose workflow file runs. */
  readonly workflowRef: string;
}

/**
 * Checks what would make the release fail, before anything is started. Nothing is written.
 *
 * @throws ProblemError with every problem at once
 */
export async function preflight(input: PreflightInput): Promise<ReadyDispatch> {
  const { octokit, repository, settings, errors } = input;
  const defaultBranch = await checkRepositoryAccess(input);
  const workflowId = await findWorkflow(input);
  const workflowRef =
    settings.workflowRef ??
    (await taggedWorkflow(input).catch((error) => fail(error, errors))) ??
    defaultBranch;
  const headSha = await commitOf(octokit, repository, workflowRef).catch((error) => fail(error, errors));
  if (headSha === undefined) {
    throw notDispatched({
      code: "workflow-ref-missing",
      path: workflowRef,
      message: `there is no such branch or tag in ${errors.path}`,
      hint: "Name where the workflow file is by --workflow-ref.",
    });
  }
  const file = await readWorkflow(input, workflowRef);
  const { problems: wrongInputs, ...inputs } = dispatchInputs(
    settings,
    file.inputs ?? {},
    settings.workflow,
    input.dispatchId,
  );
  const checked = await Promise.all([
    checkRefs(input).then(async ({ problems, sha }) => [
      ...problems,
      ...(problems.length > 0 ? [] : await checkPins(input, sha ?? headSha)),
    ]),
    checkPolicy(input),
    checkRegistries(input, file),
  ]).catch((error) => fail(error, errors));
  const problems = [...wrongInputs, ...checked.flat()];
  if (problems.length > 0) throw notDispatched(...problems);
  return { ...inputs, workflowId, workflowRef };
}

/** @returns the default branch */
async function checkRepositoryAccess({ octokit, repository, errors }: PreflightInput): Promise<string> {
  const { data } = await octokit.rest.repos.get({ ...repository }).catch((error) =>
    statusOf(error) === 404
      ? refuse({
          code: "repository-missing",
          path: errors.path,
          message: "there is no such repository, or the token may not see it",
          hint: "Name it by --repo owner/name, or use a token that has access.",
        })
      : fail(error, errors),
  );
  if (data.archived || data.disabled) {
    refuse({
      code: "repository-closed",
      path: errors.path,
      message: `is ${data.archived ? "archived" : "disabled"}: nothing runs there`,
      hint: errors.fallback,
    });
  }
  if (data.permissions?.push === false) {
    refuse({
      code: "dispatch-permission",
      path: errors.path,
      message: "the token's owner may read this repository, but not start its workflows",
      hint: "Ask for write access, or use the token of a user who has it.",
    });
  }
  return data.default_branch;
}

/** GitHub knows a workflow by the file on the default branch, whichever reference it is run from. */
async function findWorkflow({ octokit, repository, settings, errors }: PreflightInput): Promise<number> {
  const { workflow } = settings;
  try {
    const { data } = await octokit.rest.actions.getWorkflow({ ...repository, workflow_id: workflow });
    if (data.state === "active") return data.id;
    const why: Readonly<Record<string, string>> = {
      disabled_manually: "it was disabled by hand",
      disabled_inactivity: "GitHub disabled it after 60 days without activity",
      disabled_fork: "GitHub disables a fork's workflows until they are enabled by hand",
      deleted: "its file is gone from the default branch",
    };
    return refuse({
      code: "workflow-disabled",
      path: workflow,
      message: `does not run: ${why[data.state] ?? data.state}`,
      hint: `Enable it: gh workflow enable ${workflow} --repo ${errors.path}. ${errors.fallback}`,
    });
  } catch (error) {
    if (statusOf(error) !== 404) return fail(error, errors);
    return refuse({
      code: "workflow-missing",
      path: workflow,
      message: `${errors.path} has no such workflow on its default branch; it has ${await workflowNames(octokit, repository)}`,
      hint: "Commit the file that `slipway workflows` writes, or name another one by --workflow.",
    });
  }
}

async function workflowNames(octokit: Octokit, repository: Repository): Promise<string> {
  const answer = await octokit.rest.actions
    .listRepoWorkflows({ ...repository, per_page: 100 })
    .catch(() => undefined);
  const names = answer?.data.workflows.map(({ path }) => path.replace(/^\.github\/workflows\//, "")) ?? [];
  return names.join(", ") || "none";
}

/**
 * The version's git tag, where it has the workflow: the environments of a release let tags deploy, and what runs is as
 * protected as what is released.
 */
async function taggedWorkflow({
  octokit,
  repository,
  settings,
}: PreflightInput): Promise<string | undefined> {
  const { version, workflow } = settings;
  const sha = version === undefined ? undefined : await commitOf(octokit, repository, `tags/${version}`);
  if (sha === undefined) return undefined;
  const path = `.github/workflows/${workflow}`;
  const text = await readFileAt(octokit, repository, path, sha);
  const isThere = text !== undefined && readWorkflowFile(path, text).inputs !== undefined;
  return isThere ? version : undefined;
}

async function readWorkflow(input: PreflightInput, ref: string): Promise<WorkflowFile> {
  const { octokit, repository, settings, errors } = input;
  const path = `.github/workflows/${settings.workflow}`;
  const text = await readFileAt(octokit, repository, path, ref).catch((error) => fail(error, errors));
  if (text === undefined) {
    return refuse({
      code: "workflow-missing-on-ref",
      path: `${settings.workflow} on ${ref}`,
      message: "this reference does not have the workflow's file",
      hint: "Name a branch or tag that has it by --workflow-ref, or leave that out for the default branch.",
    });
  }
  const file = readWorkflowFile(`${path} on ${ref}`, text);
  if (file.inputs !== undefined) return file;
  return refuse({
    code: "workflow-not-dispatchable",
    path: `${settings.workflow} on ${ref}`,
    message: "does not start by workflow_dispatch",
    hint: "Commit the file that `slipway workflows` writes, or name another one by --workflow.",
  });
}

function refuse(problem: Problem): never {
  throw notDispatched(problem);
}

function fail(error: unknown, errors: ErrorContext): never {
  throw notDispatched(explain(error, errors));
}
