import { unlessStatus } from "../../github/client";
import type { Problem } from "../../plan/problem";
import { checkPins, checkPolicy, checkRefs, checkRegistries } from "./checks";
import { commitOf, readFileAt, type Session, versionTag } from "./github";
import { explain, notDispatched } from "./problems";
import { type DispatchInputs, dispatchInputs, readWorkflowFile, type WorkflowFile } from "./workflow-file";

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
export async function preflight(session: Session): Promise<ReadyDispatch> {
  try {
    return await check(session);
  } catch (error) {
    // Only GitHub's answers are explained; other errors are thrown as they are.
    throw notDispatched(explain(error, session.errors));
  }
}

async function check(session: Session): Promise<ReadyDispatch> {
  const { settings, errors } = session;
  const defaultBranch = await checkRepositoryAccess(session);
  const workflowId = await findWorkflow(session);
  const workflowRef = settings.workflowRef ?? (await taggedWorkflow(session)) ?? defaultBranch;
  const headSha = await commitOf(session, workflowRef);
  if (headSha === undefined) {
    return refuse({
      code: "workflow-ref-missing",
      path: workflowRef,
      message: `there is no such branch or tag in ${errors.path}`,
      hint: "Name where the workflow file is by --workflow-ref.",
    });
  }
  const file = await readWorkflow(session, workflowRef);
  const { problems: wrongInputs, ...inputs } = dispatchInputs(
    { ...settings, gitTag: versionTag(session) },
    file.inputs ?? {},
    settings.workflow,
    session.dispatchId,
  );
  const checked = await Promise.all([
    checkRefs(session).then(async ({ problems, sha = headSha }) =>
      problems.length > 0 ? problems : checkPins(session, sha),
    ),
    checkPolicy(session),
    checkRegistries(session, file),
  ]);
  const problems = [...wrongInputs, ...checked.flat()];
  if (problems.length > 0) throw notDispatched(...problems);
  return { ...inputs, workflowId, workflowRef };
}

async function checkRepositoryAccess({ octokit, repository, errors }: Session): Promise<string> {
  const answer = await unlessStatus([404], octokit.rest.repos.get({ ...repository }));
  if (answer === undefined) {
    return refuse({
      code: "repository-missing",
      path: errors.path,
      message: "there is no such repository, or the token may not see it",
      hint: "Name it by --repo owner/name, or use a token that has access.",
    });
  }
  const { archived, disabled, permissions, default_branch } = answer.data;
  if (archived || disabled) {
    refuse({
      code: "repository-closed",
      path: errors.path,
      message: `is ${archived ? "archived" : "disabled"}: nothing runs there`,
      hint: errors.fallback,
    });
  }
  if (permissions?.push === false) {
    refuse({
      code: "dispatch-permission",
      path: errors.path,
      message: "the token's owner may read this repository, but not start its workflows",
      hint: "Ask for write access, or use the token of a user who has it.",
    });
  }
  return default_branch;
}

const DISABLED: Readonly<Record<string, string>> = {
  disabled_manually: "it was disabled by hand",
  disabled_inactivity: "GitHub disabled it after 60 days without activity",
  disabled_fork: "GitHub disables a fork's workflows until they are enabled by hand",
  deleted: "its file is gone from the default branch",
};

/** GitHub knows a workflow by the file on the default branch, whichever reference it is run from. */
async function findWorkflow(session: Session): Promise<number> {
  const { octokit, repository, settings, errors } = session;
  const { workflow } = settings;
  const answer = await unlessStatus(
    [404],
    octokit.rest.actions.getWorkflow({ ...repository, workflow_id: workflow }),
  );
  if (answer === undefined) {
    return refuse({
      code: "workflow-missing",
      path: workflow,
      message: `${errors.path} has no such workflow on its default branch; it has ${await workflowNames(session)}`,
      hint: "Commit the file that `slipway workflows` writes, or name another one by --workflow.",
    });
  }
  const { id, state } = answer.data;
  if (state === "active") return id;
  return refuse({
    code: "workflow-disabled",
    path: workflow,
    message: `does not run: ${DISABLED[state] ?? state}`,
    hint: `Enable it: gh workflow enable ${workflow} --repo ${errors.path}. ${errors.fallback}`,
  });
}

async function workflowNames({ octokit, repository }: Session): Promise<string> {
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
async function taggedWorkflow(session: Session): Promise<string | undefined> {
  const tag = versionTag(session);
  const sha = tag === undefined ? undefined : await commitOf(session, `tags/${tag}`);
  const file = sha === undefined ? undefined : await workflowOn(session, sha);
  return file?.inputs === undefined ? undefined : tag;
}

async function readWorkflow(session: Session, ref: string): Promise<WorkflowFile> {
  const path = `${session.settings.workflow} on ${ref}`;
  const file = await workflowOn(session, ref);
  if (file === undefined) {
    return refuse({
      code: "workflow-missing-on-ref",
      path,
      message: "this reference does not have the workflow's file",
      hint: "Name a branch or tag that has it by --workflow-ref, or leave that out for the default branch.",
    });
  }
  if (file.inputs !== undefined) return file;
  return refuse({
    code: "workflow-not-dispatchable",
    path,
    message: "does not start by workflow_dispatch",
    hint: "Commit the file that `slipway workflows` writes, or name another one by --workflow.",
  });
}

async function workflowOn(session: Session, ref: string): Promise<WorkflowFile | undefined> {
  const path = `.github/workflows/${session.settings.workflow}`;
  const text = await readFileAt(session, path, ref);
  return text === undefined ? undefined : readWorkflowFile(`${path} on ${ref}`, text);
}

function refuse(problem: Problem): never {
  throw notDispatched(problem);
}
