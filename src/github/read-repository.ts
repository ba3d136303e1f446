import type { Octokit } from "octokit";
import { type Problem, ProblemError } from "../plan/problem";
import type {
  LiveEnvironment,
  LiveRepository,
  LiveRuleset,
  Reviewer,
  SetupConfig,
} from "../plan/setup/config";
import { contentText, failure, type RepositoryReader, repositoryReader } from "./client";

/**
 * What a repository has, read before anything is written.
 *
 * @throws ProblemError `github-…` with everything that the token, its scopes or the repository lack
 */
export async function readRepository(
  config: SetupConfig,
  env: Readonly<Record<string, string | undefined>>,
): Promise<LiveRepository> {
  refuseOtherOwner(config, env);
  const reader = await repositoryReader(config);
  const { octokit, repository, ask } = reader;
  const { actions, issues, repos } = octokit.rest;
  const page = { ...repository, per_page: 100 };
  const found = await ask("Metadata", repos.get(repository));
  if (found === undefined) {
    throw failure(
      "github-repository-missing",
      "github.repository",
      `there is no ${config.repository} (404)`,
      `Create it first, or give the token (${config.tokenFrom ?? ""}) access to it: GitHub gives the same answer for both`,
    );
  }
  checkAccess(config, found);
  const defaultBranch = found.data.default_branch;
  const branch = config.branch ?? defaultBranch;
  const hasFiles = config.files.length > 0;
  const [secrets, organizationSecrets, variables, environments, rulesets, labels, files, mergedFiles] =
    await Promise.all([
      // Files use secrets, which have to exist.
      size(config.secrets) > 0 || hasFiles
        ? ask("Secrets", octokit.paginate(actions.listRepoSecrets, page)).then(namesOf)
        : [],
      hasFiles
        ? ask("Secrets", octokit.paginate(actions.listRepoOrganizationSecrets, page)).then(namesOf)
        : [],
      size(config.variables) > 0
        ? ask("Variables", octokit.paginate(actions.listRepoVariables, page)).then(values)
        : {},
      readEnvironments(reader, Object.keys(config.environments)),
      config.tagRules === undefined ? [] : readRulesets(reader),
      config.labels.length > 0
        ? ask("Issues", octokit.paginate(issues.listLabelsForRepo, page)).then(namesOf)
        : [],
      readFiles(reader, config, branch),
      branch === defaultBranch ? undefined : readFiles(reader, config, defaultBranch),
    ]);
  const hasOwnBranch = branch !== defaultBranch && hasFiles;
  const [hasBranch, hasPullRequest, reviewers] = await Promise.all([
    hasOwnBranch
      ? ask("Contents", repos.getBranch({ ...repository, branch })).then((one) => one !== undefined)
      : true,
    hasOwnBranch && config.pullRequest ? hasOpenPullRequest(reader, branch) : false,
    readReviewers(config, reader),
  ]);
  return {
    defaultBranch,
    secrets,
    organizationSecrets,
    variables,
    environments,
    rulesets,
    labels,
    files,
    mergedFiles: mergedFiles ?? files,
    hasBranch,
    hasPullRequest,
    reviewers,
  };
}

/** The GitHub provider prefers these variables to its argument, so it would set up another owner's repository. */
function refuseOtherOwner(
  { repository }: SetupConfig,
  env: Readonly<Record<string, string | undefined>>,
): void {
  const owner = repository.split("/")[0] ?? "";
  for (const name of ["GITHUB_OWNER", "GITHUB_ORGANIZATION"]) {
    const value = env[name];
    if (value === undefined || value === "" || value.toLowerCase() === owner.toLowerCase()) continue;
    throw failure(
      "github-owner-environment",
      name,
      `is ${value}, and the repository is ${repository}`,
      `Unset ${name}: the GitHub provider would use it as the owner`,
    );
  }
}

/** GitHub reports scopes of classic tokens only. A fine-grained token's permissions show when the parts are read. */
function checkAccess(
  config: SetupConfig,
  { data, headers }: Awaited<ReturnType<Octokit["rest"]["repos"]["get"]>>,
): void {
  const { repository, tokenFrom = "" } = config;
  const problems: Problem[] = [];
  if (data.archived) {
    const message = `${repository} is archived, and nothing in it can be changed`;
    problems.push({ code: "github-repository-archived", path: "github.repository", message });
  }
  const administers =
    size(config.environments) > 0 || config.tagRules !== undefined || config.permissions !== undefined;
  if (data.permissions !== undefined && !data.permissions[administers ? "admin" : "push"]) {
    const what = administers
      ? "environments, tag rules and permissions need an administrator"
      : "secrets and files need write access";
    const message = `the token's owner is no ${administers ? "administrator" : "writer"} of ${repository}; ${what}`;
    problems.push({ code: "github-permission", path: tokenFrom, message });
  }
  const scopes = headers["x-oauth-scopes"]?.split(",").map((scope) => scope.trim()) ?? [];
  const writesWorkflows = config.files.some(({ path }) => path.startsWith(".github/workflows/"));
  const needed = ["repo", ...(writesWorkflows ? ["workflow"] : [])];
  for (const scope of headers["x-oauth-scopes"] ? needed : []) {
    if (scopes.includes(scope)) continue;
    problems.push({
      code: "github-scope",
      path: tokenFrom,
      message: `the token lacks the scope ${scope}; it has ${scopes.join(", ")}`,
      hint: "Add it at https://github.com/settings/tokens, or use a fine-grained token (docs/github.md)",
    });
  }
  if (problems.length > 0) throw new ProblemError("The repository cannot be set up:", problems);
}

function namesOf(found: readonly { readonly name: string }[] = []): string[] {
  return found.map(({ name }) => name);
}

function values(found: readonly { readonly name: string; readonly value: string }[] = []) {
  return Object.fromEntries(found.map(({ name, value }) => [name, value]));
}

async function readEnvironments(
  { octokit, repository, ask }: RepositoryReader,
  names: readonly string[],
): Promise<Record<string, LiveEnvironment>> {
  const { actions, repos } = octokit.rest;
  const found = await Promise.all(
    names.map(async (environment_name) => {
      const at = { ...repository, environment_name };
      if ((await ask("Environments", repos.getEnvironment(at))) === undefined) return [];
      const page = { ...at, per_page: 100 };
      const [secrets, variables, policies = []] = await Promise.all([
        ask("Environments", octokit.paginate(actions.listEnvironmentSecrets, page)).then(namesOf),
        ask("Environments", octokit.paginate(actions.listEnvironmentVariables, page)).then(values),
        ask("Environments", octokit.paginate(repos.listDeploymentBranchPolicies, page)),
      ]);
      const live: LiveEnvironment = {
        secrets,
        variables,
        policies: policies.map(({ id = 0, name = "", type = "branch" }) => ({ id, name, type })),
      };
      return [[environment_name, live] as const];
    }),
  );
  return Object.fromEntries(found.flat());
}

async function readRulesets({ octokit, repository, ask }: RepositoryReader): Promise<LiveRuleset[]> {
  const { repos } = octokit.rest;
  const page = { ...repository, per_page: 100 };
  const listed = (await ask("Administration", octokit.paginate(repos.getRepoRulesets, page))) ?? [];
  return Promise.all(
    listed
      .filter(({ target }) => target === "tag")
      .map(async ({ id, name, enforcement }) => {
        const full = await ask("Administration", repos.getRepoRuleset({ ...repository, ruleset_id: id }));
        const { conditions, rules = [] } = full?.data ?? {};
        const refs = conditions && "ref_name" in conditions ? conditions.ref_name : undefined;
        return {
          id,
          name,
          target: "tag",
          enforcement,
          includes: refs?.include ?? [],
          excludes: refs?.exclude ?? [],
          rules: rules.map(({ type }) => type),
        };
      }),
  );
}

async function readFiles(
  { octokit, repository, ask }: RepositoryReader,
  { files }: SetupConfig,
  ref: string,
): Promise<Record<string, string>> {
  const found = await Promise.all(
    files.map(async ({ path }) => {
      const answer = await ask("Contents", octokit.rest.repos.getContent({ ...repository, path, ref }));
      const text = contentText(answer?.data);
      return text === undefined ? [] : [[path, text] as const];
    }),
  );
  return Object.fromEntries(found.flat());
}

async function hasOpenPullRequest(
  { octokit, repository, ask }: RepositoryReader,
  branch: string,
): Promise<boolean> {
  const head = `${repository.owner}:${branch}`;
  const found = await ask("Pull requests", octokit.rest.pulls.list({ ...repository, state: "open", head }));
  return (found?.data ?? []).length > 0;
}

/** Configurations have names, GitHub's API numbers. */
async function readReviewers(
  config: SetupConfig,
  { octokit, ask }: RepositoryReader,
): Promise<Record<string, Reviewer>> {
  const { teams, users } = octokit.rest;
  const reviewers = new Set(Object.values(config.environments).flatMap((one) => one.reviewers));
  const problems: Problem[] = [];
  const found = await Promise.all(
    [...reviewers].map(async (name): Promise<[string, Reviewer][]> => {
      const [org = "", team_slug] = name.split("/");
      const kind = team_slug === undefined ? "user" : "team";
      const answer = await (team_slug === undefined
        ? ask("Metadata", users.getByUsername({ username: name }))
        : ask("Metadata", teams.getByName({ org, team_slug })));
      if (answer !== undefined) return [[name, { kind, id: answer.data.id }]];
      const message = `there is no ${kind} ${name}, or the token may not see it`;
      problems.push({ code: "github-reviewer", path: "github.environments", message });
      return [];
    }),
  );
  if (problems.length > 0) throw new ProblemError("The repository cannot be set up:", problems);
  return Object.fromEntries(found.flat());
}

function size(record: object): number {
  return Object.keys(record).length;
}
