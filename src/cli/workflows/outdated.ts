import Table from "cli-table3";
import type { Octokit } from "octokit";
import { githubClient, statusOf } from "../../github/client";
import { reasonOf } from "../../plan/problem";
import { proxyAwareFetch } from "../../registry/connections";
import { ACTION_PINS, type NewestRelease, type PinState, pinStates } from "../../workflows/action-pins";

const DEADLINE_MS = 20_000;

/**
 * Lists the pinned actions that have a newer release, or whose version tag was moved.
 *
 * @returns the exit code: 0 all current, 1 some not
 */
export async function listOutdated(
  { json }: { readonly json?: true },
  env: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  const baseUrl = (env.GITHUB_API_URL || "https://api.github.com").replace(/\/+$/, "");
  const token = env.GH_TOKEN || env.GITHUB_TOKEN;
  const octokit = await githubClient({
    baseUrl,
    auth: token || undefined,
    retry: { enabled: false },
    throttle: { enabled: false },
    request: { fetch: proxyAwareFetch(env), signal: AbortSignal.timeout(DEADLINE_MS) },
  });
  const found = await Promise.all(
    Object.entries(ACTION_PINS).map(async ([action, pin]) => {
      try {
        return [action, await newestRelease(octokit, action, pin.version)] as const;
      } catch (error) {
        throw new Error(failure(error, action, baseUrl, Boolean(token)));
      }
    }),
  );
  const states = pinStates(Object.fromEntries(found));
  process.stdout.write(
    json === true ? `${JSON.stringify({ actions: states }, undefined, 2)}\n` : table(states),
  );
  return states.every(({ state }) => state === "current") ? 0 : 1;
}

async function newestRelease(octokit: Octokit, action: string, pinned: string): Promise<NewestRelease> {
  const [owner = "", repo = ""] = action.split("/");
  const { data } = await octokit.rest.repos.getLatestRelease({ owner, repo });
  const version = data.tag_name;
  const commit = await tagCommit(octokit, { owner, repo }, version);
  if (commit === undefined) throw new Error(`${action} has a release ${version}, but no such tag`);
  const pinnedNow = version === pinned ? commit : await tagCommit(octokit, { owner, repo }, pinned);
  return { version, commit, pinnedNow };
}

async function tagCommit(
  octokit: Octokit,
  repository: { readonly owner: string; readonly repo: string },
  tag: string,
): Promise<string | undefined> {
  try {
    const { data } = await octokit.rest.git.getRef({ ...repository, ref: `tags/${tag}` });
    if (data.object.type !== "tag") return data.object.sha;
    const annotated = await octokit.rest.git.getTag({ ...repository, tag_sha: data.object.sha });
    return annotated.data.object.sha;
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

function failure(error: unknown, action: string, baseUrl: string, hasToken: boolean): string {
  const host = new URL(baseUrl).host;
  const status = statusOf(error);
  if (status === 401) {
    return `${host} refuses the token of GH_TOKEN or GITHUB_TOKEN (401). Renew it, or unset it.`;
  }
  if (status === 403 || status === 429) {
    const next = hasToken ? "Wait an hour, or use another token." : "Set GH_TOKEN to be allowed more.";
    return `${host} allows no more requests (${status}). ${next}`;
  }
  if (status === 404) return `${host} knows no release of ${action} (404). Is GITHUB_API_URL right?`;
  // Octokit reports status 500 for a request without an answer.
  const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : "";
  return `${host} could not be asked about ${action}: ${reasonOf(error)}${cause}. Check the network, or set GITHUB_API_URL.`;
}

function table(states: readonly PinState[]): string {
  const rows = new Table({
    head: ["action", "pinned", "newest", "newest commit", ""],
    style: { head: [], border: [] },
  });
  for (const { action, version, newest, state } of states) {
    const remark = state === "moved" ? `moved: ${version} is now ${newest.pinnedNow}` : state;
    rows.push([action, version, newest.version, newest.commit, remark]);
  }
  return `${rows.toString()}\n`;
}
