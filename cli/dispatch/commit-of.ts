import type { Octokit } from "./client";
import type { Repository } from "./grammar";
import { statusOf } from "./problems";

/** The commit of a branch, tag (`tags/v1.2.3`, `heads/main` say which) or commit; undefined where there is none. */
export async function commitOf(
  octokit: Octokit,
  repository: Repository,
  ref: string,
): Promise<string | undefined> {
  try {
    const { data } = await octokit.rest.repos.getCommit({
      ...repository,
      ref: ref.replace(/^refs\//, ""),
      per_page: 1,
    });
    return data.sha;
  } catch (error) {
    const status = statusOf(error);
    // 409: a repository without a commit. 422: no such commit.
    if (status === 404 || status === 409 || status === 422) return undefined;
    throw error;
  }
}
