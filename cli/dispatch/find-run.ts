import type { Octokit } from "./client";
import type { Repository } from "./grammar";
import { isPossible, type ListedRun, ownRuns, type RunMarks } from "./own-run";
import { type Pace, pollSeconds } from "./pace";
import { dispatched, isOutage, oneLine, statusOf } from "./problems";

export interface RunSearch {
  readonly octokit: Octokit;
  readonly repository: Repository;
  readonly workflowId: number;
  readonly marks: RunMarks;
  readonly pace: Pace;
  /** Where a person finds the workflow's runs. */
  readonly runsPage: string;
}

/** A run turns up within seconds, on a bad day of GitHub's within minutes. */
const START_SECONDS = 180;
/** A run without a mark of its own is believed when this many looks saw no other: a neighbour's may turn up first. */
const LOOKS_ALONE = 3;

/** The run that a dispatch has started. @throws ProblemError `run-missing`, `run-ambiguous` */
export async function findRun(search: RunSearch): Promise<ListedRun> {
  const { marks, pace, runsPage } = search;
  const isOver = pace.timer(START_SECONDS);
  let looksAlone = 0;
  let seen: readonly ListedRun[] = [];
  for (let looks = 0; ; looks += 1) {
    await pace.sleep(pollSeconds(looks));
    seen = await listRuns(search).catch((error) => {
      if (isOutage(error) && !isOver()) return seen;
      throw error;
    });
    const [own, ...others] = ownRuns(seen, marks);
    if (own !== undefined && others.length > 0) throw ambiguous([own, ...others], runsPage);
    looksAlone = own === undefined ? 0 : looksAlone + 1;
    if (own !== undefined && (marks.dispatchId !== undefined || looksAlone >= LOOKS_ALONE)) return own;
    if (isOver())
      throw missing(
        seen.filter((run) => isPossible(run, marks)),
        search,
      );
  }
}

/** The newest run's id, which everything that starts later is above. */
export async function newestRun({
  octokit,
  repository,
  workflowId,
}: Omit<RunSearch, "marks">): Promise<number> {
  const { data } = await octokit.rest.actions.listWorkflowRuns({
    ...repository,
    workflow_id: workflowId,
    per_page: 1,
  });
  return Math.max(0, ...data.workflow_runs.map(({ id }) => id));
}

/** Whose token it is; undefined for one without a user, such as a workflow's own. */
export async function tokenOwner(octokit: Octokit): Promise<string | undefined> {
  try {
    const { data } = await octokit.rest.users.getAuthenticated();
    return data.login;
  } catch (error) {
    const status = statusOf(error);
    if (status === 401 || isOutage(error)) throw error;
    return undefined;
  }
}

async function listRuns({ octokit, repository, workflowId }: RunSearch): Promise<ListedRun[]> {
  const { data } = await octokit.rest.actions.listWorkflowRuns({
    ...repository,
    workflow_id: workflowId,
    event: "workflow_dispatch",
    per_page: 100,
  });
  return data.workflow_runs.map((run) => ({
    id: run.id,
    url: run.html_url,
    title: oneLine(run.display_title),
    event: run.event,
    branch: run.head_branch ?? "",
    ...(run.actor ? { actor: run.actor.login } : {}),
  }));
}

function ambiguous(runs: readonly ListedRun[], runsPage: string) {
  return dispatched("The release was dispatched, but its run cannot be distinguished from others:", {
    code: "run-ambiguous",
    path: runsPage,
    message: `${runs.length} runs of the workflow started at once, and none says whose it is: ${runs.map(({ url }) => url).join(", ")}`,
    hint: "Look at both. A workflow with an input dispatch_id that is part of its run-name distinguishes them; `slipway workflows` writes one.",
  });
}

function missing(possible: readonly ListedRun[], { marks, runsPage }: RunSearch) {
  const near = possible.map(({ url }) => url).join(", ");
  return dispatched("The release was dispatched, but no run of it was seen:", {
    code: "run-missing",
    path: runsPage,
    message:
      near === ""
        ? `GitHub took the request, but started no run on ${marks.ref} within ${START_SECONDS / 60} minutes`
        : `no run has ${marks.dispatchId} in its title; these started since: ${near}`,
    hint:
      near === ""
        ? "It may start later: look at the page before you dispatch again. https://www.githubstatus.com shows whether GitHub has trouble."
        : `The workflow's run-name has to hold \${{ inputs.dispatch_id }}; \`slipway workflows\` writes it so.`,
  });
}
