import type { Octokit } from "./client";
import type { Repository } from "./grammar";
import { statusOf } from "./problems";

/** A text file of a repository at a reference; undefined where there is none. @param path from the repository's root */
export async function readFileAt(
  octokit: Octokit,
  repository: Repository,
  path: string,
  ref: string,
): Promise<string | undefined> {
  try {
    const { data } = await octokit.rest.repos.getContent({ ...repository, path, ref });
    if (Array.isArray(data) || data.type !== "file" || !("content" in data)) return undefined;
    return Buffer.from(data.content, "base64").toString("utf8");
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}
