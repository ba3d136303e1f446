import { type Problem, ProblemError } from "../plan/problem";
import type {
  LiveEnvironment,
  LiveRepository,
  LiveRuleset,
  Reviewer,
  SetupConfig,
} from "../plan/setup/config";
import {
  type Found,
  failure,
  field,
  list,
  type Need,
  pages,
  type Read,
  repositoryReader,
  text,
  texts,
} from "./repository-reader";

/**
 * What a repository has, read before anything is written.
 *
 * @throws ProblemError `github-…` that says at once what the token, its scopes or the repository lack
 */
export async function readRepository(
  config: SetupConfig,
  env: Readonly<Record<string, string | undefined>>,
): Promise<LiveRepository> {
  refuseOtherOwner(config, env);
  const read = await repositoryReader(config);
  const found = await read("", "Metadata");
  if (found === undefined) {
    throw failure(
      "github-repository-missing",
      "github.repository",
      `there is no ${config.repository} (404)`,
      `Make it first, or give the token (${config.tokenFrom ?? ""}) access to it: GitHub gives the same answer for both`,
    );
  }
  const { defaultBranch } = checkAccess(config, found);
  const branch = config.branch ?? defaultBranch;
  const environmentNames = Object.keys(config.environments);
  const [secrets, organizationSecrets, variables, environments, rulesets, labels, files, mergedFiles] =
    await Promise.all([
      // Files use secrets too, so it has to be known whether those are there.
      when(size(config.secrets) > 0 || config.files.length > 0, [], () =>
        names(read, "/actions/secrets", "secrets", "Secrets"),
      ),
      when(config.files.length > 0, [], () =>
        names(read, "/actions/organization-secrets", "secrets", "Secrets"),
      ),
      when(size(config.variables) > 0, {}, () => values(read, "/actions/variables", "Variables")),
      readEnvironments(read, environmentNames),
      when(config.tagRules !== undefined, [], () => readRulesets(read)),
      when(config.labels.length > 0, [], () => names(read, "/labels", undefined, "Issues")),
      readFiles(read, config, branch),
      branch === defaultBranch ? undefined : readFiles(read, config, defaultBranch),
    ]);
  const ofOwn = branch !== defaultBranch && config.files.length > 0;
  const [hasBranch, hasPullRequest, reviewers] = await Promise.all([
    ofOwn ? exists(read, `/branches/${encodeURIComponent(branch)}`) : true,
    ofOwn && config.pullRequest ? hasOpenPullRequest(read, config, branch) : false,
    readReviewers(config, read),
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

/** These win over the owner that the provider gets from us, so it would set up another owner's repository. */
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
      `Unset ${name}: the GitHub provider would take it for the owner`,
    );
  }
}

/** GitHub reports scopes for classic tokens only; a fine-grained token's permissions show when the parts are read. */
function checkAccess(config: SetupConfig, { data, headers }: Found): { defaultBranch: string } {
  const { repository, tokenFrom = "" } = config;
  const problems: Problem[] = [];
  if (field(data, "archived") === true) {
    const message = `${repository} is archived, and nothing in it can be changed`;
    problems.push({ code: "github-repository-archived", path: "github.repository", message });
  }
  const permissions = field(data, "permissions");
  const administers =
    size(config.environments) > 0 || config.tagRules !== undefined || config.permissions !== undefined;
  const wanted = administers ? "admin" : "push";
  if (permissions !== undefined && field(permissions, wanted) !== true) {
    const what = administers
      ? "environments, tag rules and permissions need an administrator"
      : "secrets and files need write access";
    const message = `the token's owner is no ${administers ? "administrator" : "writer"} of ${repository}; ${what}`;
    problems.push({ code: "github-permission", path: tokenFrom, message });
  }
  const told = headers["x-oauth-scopes"];
  if (typeof told === "string" && told !== "") {
    const scopes = told.split(",").map((scope) => scope.trim());
    const writesWorkflows = config.files.some(({ path }) => path.startsWith(".github/workflows/"));
    for (const [scope, isNeeded] of [
      ["repo", true],
      ["workflow", writesWorkflows],
    ] as const) {
      if (!isNeeded || scopes.includes(scope)) continue;
      problems.push({
        code: "github-scope",
        path: tokenFrom,
        message: `the token lacks the scope ${scope}; it has ${scopes.join(", ")}`,
        hint: "Add it at https://github.com/settings/tokens, or use a fine-grained token (docs/github.md)",
      });
    }
  }
  if (problems.length > 0) throw new ProblemError("The repository cannot be set up:", problems);
  const defaultBranch = field(data, "default_branch");
  return { defaultBranch: typeof defaultBranch === "string" ? defaultBranch : "main" };
}

async function names(read: Read, path: string, key: string | undefined, need: Need): Promise<string[]> {
  return (await pages(read, path, key, need)).flatMap((one) => text(one, "name"));
}

async function values(read: Read, path: string, need: Need): Promise<Record<string, string>> {
  const found = await pages(read, path, "variables", need);
  return Object.fromEntries(
    found.flatMap((one) => text(one, "name").map((name) => [name, text(one, "value")[0] ?? ""])),
  );
}

async function readEnvironments(
  read: Read,
  wanted: readonly string[],
): Promise<Record<string, LiveEnvironment>> {
  const found = await Promise.all(
    wanted.map(async (name) => {
      const at = `/environments/${encodeURIComponent(name)}`;
      if (!(await exists(read, at, "Environments"))) return [];
      const [secrets, variables, policies] = await Promise.all([
        names(read, `${at}/secrets`, "secrets", "Environments"),
        values(read, `${at}/variables`, "Environments"),
        pages(read, `${at}/deployment-branch-policies`, "branch_policies", "Environments"),
      ]);
      const live: LiveEnvironment = {
        secrets,
        variables,
        policies: policies.map((one) => ({
          id: Number(field(one, "id")),
          name: text(one, "name")[0] ?? "",
          type: text(one, "type")[0] ?? "branch",
        })),
      };
      return [[name, live] as const];
    }),
  );
  return Object.fromEntries(found.flat());
}

async function readRulesets(read: Read): Promise<LiveRuleset[]> {
  const listed = await pages(read, "/rulesets", undefined, "Administration");
  const own = listed.filter((one) => field(one, "target") === "tag");
  return Promise.all(
    own.map(async (one) => {
      const id = Number(field(one, "id"));
      const full = (await read(`/rulesets/${id}`, "Administration"))?.data;
      const refs = field(field(full, "conditions"), "ref_name");
      return {
        id,
        name: text(one, "name")[0] ?? "",
        target: "tag",
        enforcement: text(one, "enforcement")[0] ?? "",
        includes: texts(field(refs, "include")),
        excludes: texts(field(refs, "exclude")),
        rules: list(field(full, "rules")).flatMap((rule) => text(rule, "type")),
      };
    }),
  );
}

async function readFiles(
  read: Read,
  { files }: SetupConfig,
  branch: string,
): Promise<Record<string, string>> {
  const found = await Promise.all(
    files.map(async ({ path }) => {
      const at = path.split("/").map(encodeURIComponent).join("/");
      const answer = await read(`/contents/${at}?ref=${encodeURIComponent(branch)}`, "Contents");
      const [content] = text(answer?.data, "content");
      return content === undefined ? [] : [[path, Buffer.from(content, "base64").toString("utf8")] as const];
    }),
  );
  return Object.fromEntries(found.flat());
}

async function hasOpenPullRequest(read: Read, { repository }: SetupConfig, branch: string): Promise<boolean> {
  const head = encodeURIComponent(`${repository.split("/")[0]}:${branch}`);
  const found = await read(`/pulls?state=open&head=${head}`, "Pull requests");
  return list(found?.data).length > 0;
}

/** GitHub wants numbers, people know names. */
async function readReviewers(config: SetupConfig, read: Read): Promise<Record<string, Reviewer>> {
  const wanted = [...new Set(Object.values(config.environments).flatMap(({ reviewers }) => reviewers))];
  const found = await Promise.all(
    wanted.map(async (name) => {
      const [organization, team] = name.split("/");
      const path = team === undefined ? `//users/${name}` : `//orgs/${organization}/teams/${team}`;
      const id = field((await read(path, "Metadata"))?.data, "id");
      return { name, kind: team === undefined ? ("user" as const) : ("team" as const), id };
    }),
  );
  const problems = found
    .filter(({ id }) => typeof id !== "number")
    .map(({ name, kind }) => ({
      code: "github-reviewer",
      path: "github.environments",
      message: `there is no ${kind} ${name}, or the token may not see it`,
    }));
  if (problems.length > 0) throw new ProblemError("The repository cannot be set up:", problems);
  return Object.fromEntries(found.map(({ name, kind, id }) => [name, { kind, id: Number(id) }]));
}

async function exists(read: Read, path: string, need: Need = "Contents"): Promise<boolean> {
  return (await read(path, need)) !== undefined;
}

function when<T>(isWanted: boolean, otherwise: T, make: () => Promise<T>): Promise<T> {
  return isWanted ? make() : Promise.resolve(otherwise);
}

function size(record: object): number {
  return Object.keys(record).length;
}
