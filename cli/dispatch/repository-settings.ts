import type { Octokit } from "./client";
import type { PreflightInput } from "./preflight";
import { statusOf } from "./problems";
import type { WorkflowFile } from "./workflow-file";

/** A yes or no among the repository's Actions variables, with the stack's prefix before without; undefined for none. */
export async function settingOf(
  { octokit, repository, warn }: PreflightInput,
  variable: string,
  prefix = "",
): Promise<{ readonly name: string; readonly value: boolean } | undefined> {
  for (const name of prefix === "" ? [variable] : [prefix + variable, variable]) {
    try {
      const { data } = await octokit.rest.actions.getRepoVariable({ ...repository, name });
      if (/^(?:true|1|yes)$/i.test(data.value.trim())) return { name, value: true };
      if (/^(?:false|0|no)$/i.test(data.value.trim())) return { name, value: false };
      warn(`the repository's variable ${name} is neither true nor false, and counts as not set`);
    } catch (error) {
      const status = statusOf(error);
      if (status === 404) continue;
      if (status !== 403) throw error;
      warn("the repository's variables are not known: the token may not read them");
      return undefined;
    }
  }
  return undefined;
}

/** Those of some secrets that neither repository, organisation nor the jobs' environments have. */
export async function secretsNobodyHas(
  { octokit, repository }: PreflightInput,
  { environments }: WorkflowFile,
  wanted: readonly string[],
): Promise<string[]> {
  const sources: (() => Promise<readonly Named[]>)[] = [
    () => octokit.paginate(octokit.rest.actions.listRepoSecrets, { ...repository, per_page: 100 }),
    () =>
      octokit.paginate(octokit.rest.actions.listRepoOrganizationSecrets, { ...repository, per_page: 100 }),
    ...environments.map((name) => () => environmentSecrets(octokit, repository, name)),
  ];
  let missing = [...wanted];
  for (const list of sources) {
    if (missing.length === 0) return [];
    const found = new Set((await list()).map(({ name }) => name));
    missing = missing.filter((name) => !found.has(name));
  }
  return missing;
}

interface Named {
  readonly name: string;
}

/** An environment comes into being by the first job that names it. */
async function environmentSecrets(
  octokit: Octokit,
  repository: PreflightInput["repository"],
  environment_name: string,
): Promise<readonly Named[]> {
  try {
    return await octokit.paginate(octokit.rest.actions.listEnvironmentSecrets, {
      ...repository,
      environment_name,
      per_page: 100,
    });
  } catch (error) {
    if (statusOf(error) === 404) return [];
    throw error;
  }
}
