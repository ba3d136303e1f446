import path from "node:path";
import { oneLine, requestFailure, statusOf, unlessStatus } from "../../github/client";
import { parseEnvFile } from "../../inputs/versions";
import type { Problem } from "../../plan/problem";
import { yesOrNo } from "../../settings/environment";
import { commitOf, explain, notDispatched, readFileAt, type Session, versionTag } from "./github";
import { type DispatchInputs, dispatchInputs, readWorkflowFile, type WorkflowFile } from "./workflow-file";

export interface ReadyDispatch extends Omit<DispatchInputs, "problems"> {
  readonly workflowId: number;
  /** The branch or tag with the workflow file that runs. */
  readonly workflowRef: string;
}

/** Checks everything that would make the release fail. Writes nothing. @throws ProblemError with every problem */
export async function preflight(session: Session): Promise<ReadyDispatch> {
  try {
    return await check(session);
  } catch (error) {
    throw notDispatched(explain(error, session));
  }
}

async function check(session: Session): Promise<ReadyDispatch> {
  const { settings, repositoryName } = session;
  const defaultBranch = await checkRepositoryAccess(session);
  const workflowId = await findWorkflow(session);
  const workflowRef = settings.workflowRef ?? (await taggedWorkflow(session)) ?? defaultBranch;
  const headSha = await commitOf(session, workflowRef);
  if (headSha === undefined) {
    throw notDispatched({
      code: "workflow-ref-missing",
      path: workflowRef,
      message: `there is no such branch or tag in ${repositoryName}`,
      hint: "Name the branch or tag that has the workflow file: --workflow-ref <ref>",
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

/** @returns the default branch */
async function checkRepositoryAccess({
  octokit,
  repository,
  repositoryName,
  fallback,
}: Session): Promise<string> {
  const answer = await unlessStatus([404], octokit.rest.repos.get({ ...repository }));
  if (answer === undefined) {
    throw notDispatched({
      code: "repository-missing",
      path: repositoryName,
      message: "there is no such repository, or the token may not see it",
      hint: "Name it: --repo owner/name, or use a token with access.",
    });
  }
  const { archived, disabled, permissions, default_branch } = answer.data;
  if (archived || disabled) {
    throw notDispatched({
      code: "repository-closed",
      path: repositoryName,
      message: `is ${archived ? "archived" : "disabled"}, so no workflow runs there`,
      hint: fallback,
    });
  }
  if (permissions?.push === false) {
    throw notDispatched({
      code: "dispatch-permission",
      path: repositoryName,
      message: "the token's user may read this repository, but not start its workflows",
      hint: "Ask for write access, or use the token of a user who has it.",
    });
  }
  return default_branch;
}

/** Why GitHub does not run a workflow, by its state. */
const DISABLED: Readonly<Record<string, string>> = {
  disabled_manually: "it was disabled by hand",
  disabled_inactivity: "GitHub disabled it after 60 days without activity",
  disabled_fork: "GitHub disables a fork's workflows until they are enabled by hand",
  deleted: "its file is gone from the default branch",
};

/** GitHub identifies a workflow by its file on the default branch, whichever reference it runs on. */
async function findWorkflow(session: Session): Promise<number> {
  const { octokit, repository, settings, repositoryName, fallback } = session;
  const { workflow } = settings;
  const answer = await unlessStatus(
    [404],
    octokit.rest.actions.getWorkflow({ ...repository, workflow_id: workflow }),
  );
  if (answer === undefined) {
    throw notDispatched({
      code: "workflow-missing",
      path: workflow,
      message: `${repositoryName} has no such workflow on its default branch; it has ${await workflowNames(session)}`,
      hint: "Commit the file that `slipway workflows` writes, or name another: --workflow <file>",
    });
  }
  const { id, state } = answer.data;
  if (state === "active") return id;
  throw notDispatched({
    code: "workflow-disabled",
    path: workflow,
    message: `does not run: ${DISABLED[state] ?? state}`,
    hint: `Enable it: gh workflow enable ${workflow} --repo ${repositoryName}. ${fallback}`,
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
 * The version's git tag, if it has the workflow. A release's environments allow deployments from tags, and the workflow
 * is then as protected as what it releases.
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
    throw notDispatched({
      code: "workflow-missing-on-ref",
      path,
      message: "this reference lacks the workflow's file",
      hint: "Name a branch or tag that has it: --workflow-ref <ref>; or leave that out for the default branch.",
    });
  }
  if (file.inputs !== undefined) return file;
  throw notDispatched({
    code: "workflow-not-dispatchable",
    path,
    message: "does not start by workflow_dispatch",
    hint: "Commit the file that `slipway workflows` writes, or name another: --workflow <file>",
  });
}

async function workflowOn(session: Session, ref: string): Promise<WorkflowFile | undefined> {
  const path = `.github/workflows/${session.settings.workflow}`;
  const text = await readFileAt(session, path, ref);
  return text === undefined ? undefined : readWorkflowFile(`${path} on ${ref}`, text);
}

/** Checks that tag and reference exist and are the same commit. @returns that commit */
async function checkRefs(
  session: Session,
): Promise<{ readonly problems: readonly Problem[]; readonly sha: string | undefined }> {
  const { settings, repositoryName } = session;
  const { inputRef } = settings;
  const tag = versionTag(session);
  const [tagged, named] = await Promise.all([
    tag === undefined ? undefined : commitOf(session, `tags/${tag}`),
    inputRef === undefined ? undefined : commitOf(session, inputRef),
  ]);
  const problems: Problem[] = [];
  if (inputRef !== undefined && named === undefined) {
    problems.push({
      code: "input-ref-missing",
      path: inputRef,
      message: `there is no such branch, tag or commit in ${repositoryName}`,
      hint: "Push it first, or name another one: --input-ref <ref>",
    });
  }
  if (tag !== undefined && inputRef === undefined && tagged === undefined) {
    problems.push({
      code: "release-tag-missing",
      path: tag,
      message: `there is no such git tag in ${repositoryName}`,
      hint: `Push it: git tag ${tag} && git push origin ${tag}; or name another reference to release: --input-ref <ref>`,
    });
  }
  if (named !== undefined && tagged !== undefined && named !== tagged) {
    const [tagAt, refAt] = [tagged.slice(0, 12), named.slice(0, 12)];
    problems.push({
      code: "release-tag-elsewhere",
      path: `${tag}`,
      message: `the git tag is ${tagAt}, but --input-ref ${inputRef} is ${refAt}`,
      hint: "A version is released from its own tag: leave --input-ref out, or use the next version.",
    });
  }
  return { problems, sha: named ?? tagged };
}

/** Checks that the files of pinned versions have their keys in the commit. */
async function checkPins(session: Session, sha: string): Promise<Problem[]> {
  const { project, place, settings } = session;
  if (place === undefined) return [];
  const what = settings.inputRef ?? versionTag(session) ?? sha.slice(0, 12);
  const files = [...new Set(project.pins.map(({ file }) => file))];
  const texts = new Map(
    await Promise.all(
      files.map(async (file) => {
        const inRepository = path.posix.join(place, file.split(path.sep).join("/"));
        return [file, await readFileAt(session, inRepository, sha)] as const;
      }),
    ),
  );
  return project.pins.flatMap(({ file, key }) => {
    const at = `${file} at ${what}`;
    const text = texts.get(file);
    if (text === undefined) {
      return [{ code: "build-arg-file", path: at, message: `does not exist, and ${key} is read from it` }];
    }
    const known = [...parseEnvFile(text).keys()];
    if (known.includes(key)) return [];
    const some = oneLine(known.slice(0, 10).join(", ")) || "no keys";
    return [{ code: "build-arg-key", path: at, message: `has no key ${key}; it has ${some}` }];
  });
}

/** Checks the request against the repository's variable PUBLISH_VERSION_TAG. */
async function checkPolicy(session: Session): Promise<Problem[]> {
  const { settings, repositoryName } = session;
  const setting = await publishSetting(session);
  if (setting === undefined) return [];
  const { name, value } = setting;
  if (settings.publishVersionTag !== undefined && settings.publishVersionTag !== value) {
    const flag = settings.publishVersionTag ? "--publish-version-tag" : "--no-publish-version-tag";
    return [
      {
        code: "publish-policy",
        path: flag,
        message: `the repository's variable ${name} is ${value}`,
        hint: `Leave the flag out, or change the variable: gh variable set ${name} --body ${!value} --repo ${repositoryName}`,
      },
    ];
  }
  if (!value || settings.version !== undefined) return [];
  return [
    {
      code: "publish-policy",
      path: name,
      message: "every release must publish a version's tag, but there is no version",
      hint: "Add --version vX.Y.Z.",
    },
  ];
}

/** The repository's Actions variable: first with the stack's prefix, then without. */
async function publishSetting({
  octokit,
  repository,
  project,
  say,
}: Session): Promise<{ readonly name: string; readonly value: boolean } | undefined> {
  const { envPrefix = "" } = project;
  for (const name of new Set([`${envPrefix}PUBLISH_VERSION_TAG`, "PUBLISH_VERSION_TAG"])) {
    try {
      const answer = await unlessStatus([404], octokit.rest.actions.getRepoVariable({ ...repository, name }));
      if (answer === undefined) continue;
      const value = yesOrNo(answer.data.value);
      if (value !== undefined) return { name, value };
      say(`warning: the repository's variable ${name} is ignored: it is neither true nor false`);
    } catch (error) {
      if (statusOf(error) !== 403) throw error;
      say("warning: the repository's variables are not checked: the token may not read them");
      return undefined;
    }
  }
  return undefined;
}

/** Checks that the workflow can push: the permission for GHCR, the secrets for Docker Hub. */
async function checkRegistries(session: Session, file: WorkflowFile): Promise<Problem[]> {
  const { project, settings, repositoryName } = session;
  const problems: Problem[] = [];
  const pushesToGhcr = project.registries.some(({ host }) => host === "ghcr.io");
  if (pushesToGhcr && file.packages === "none" && !file.secrets.includes("GHCR_TOKEN")) {
    problems.push({
      code: "packages-permission",
      path: settings.workflow,
      message: "no job has the permission `packages: write`, which pushing to ghcr.io needs",
      hint: "Commit the file that `slipway workflows` writes.",
    });
  }
  const hub = project.registries.find(({ host }) => host === "docker.io");
  if (hub === undefined) return problems;
  const needed = hub.username === undefined ? ["DOCKERHUB_USERNAME", "DOCKERHUB_TOKEN"] : ["DOCKERHUB_TOKEN"];
  const missing = await missingSecrets(
    session,
    file,
    needed.filter((name) => file.secrets.includes(name)),
  );
  if (missing.length === 0) return problems;
  const message = `the repository has no secret ${missing.join(" and no ")}`;
  if (hub.optional) {
    session.say(`warning: ${message}: Docker Hub will be skipped`);
    return problems;
  }
  const environment = file.environments.length === 1 ? ` --env ${file.environments[0]}` : "";
  const commands = missing.map((name) => `gh secret set ${name}${environment} --repo ${repositoryName}`);
  problems.push({
    code: "repository-secrets",
    path: repositoryName,
    message: `${message}, which Docker Hub needs`,
    hint: `Set ${missing.length === 1 ? "it" : "them"}: ${commands.join("; ")}`,
  });
  return problems;
}

/**
 * The secrets that repository, organisation and the jobs' environments lack. Empty if the token may not list them; a
 * missing one then only shows in the run.
 */
async function missingSecrets(
  { octokit, repository, say }: Session,
  { environments }: WorkflowFile,
  needed: readonly string[],
): Promise<readonly string[]> {
  const { actions } = octokit.rest;
  const page = { ...repository, per_page: 100 };
  const sources = [
    () => octokit.paginate(actions.listRepoSecrets, page),
    () => octokit.paginate(actions.listRepoOrganizationSecrets, page),
    // GitHub creates an environment with the first job that names it.
    ...environments.map(
      (environment_name) => () =>
        unlessStatus([404], octokit.paginate(actions.listEnvironmentSecrets, { ...page, environment_name })),
    ),
  ];
  let missing = needed;
  try {
    for (const list of sources) {
      if (missing.length === 0) return [];
      const found = (await list())?.map(({ name }) => name) ?? [];
      missing = missing.filter((name) => !found.includes(name));
    }
    return missing;
  } catch (error) {
    const status = statusOf(error);
    if (status !== 403 && status !== 404) throw error;
    say(`warning: the secrets are not checked: ${requestFailure(error)?.message}`);
    return [];
  }
}
