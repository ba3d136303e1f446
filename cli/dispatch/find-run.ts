import { isOutage, oneLine, statusOf } from "../../source/github";
import { pollSeconds, type Session } from "./github";
import { dispatched } from "./problems";

export interface ListedRun {
  readonly id: number;
  readonly url: string;
  readonly title: string;
  readonly event: string;
  readonly branch: string;
  /** Who started it; absent where GitHub does not say. */
  readonly actor?: string;
}

export interface RunMarks {
  /** The newest run before the dispatch; ids only grow. 0 where there was none. */
  readonly afterId: number;
  /** In the title of the run, where the workflow has an input for it. */
  readonly dispatchId?: string;
  /** The branch or tag that it was dispatched on. */
  readonly ref: string;
  /** Absent if the token's user is unknown. */
  readonly actor?: string;
}

/** A run turns up within seconds, on a bad day of GitHub's within minutes. */
const START_SECONDS = 180;
/** A run without a mark of its own is believed when this many looks saw no other: a neighbour's may turn up first. */
const LOOKS_ALONE = 3;

/** The run that a dispatch has started. @throws ProblemError `run-missing`, `run-ambiguous` */
export async function findRun(session: Session, workflowId: number, marks: RunMarks): Promise<ListedRun> {
  const { pace, runsPage } = session;
  const isOver = pace.timer(START_SECONDS);
  let looksAlone = 0;
  let seen: readonly ListedRun[] = [];
  for (let looks = 0; ; looks += 1) {
    await pace.sleep(pollSeconds(looks));
    seen = await listRuns(session, workflowId).catch((error) => {
      if (isOutage(error) && !isOver()) return seen;
      throw error;
    });
    const [own, ...others] = ownRuns(seen, marks);
    if (own !== undefined && others.length > 0) throw ambiguous([own, ...others], runsPage);
    looksAlone = own === undefined ? 0 : looksAlone + 1;
    if (own !== undefined && (marks.dispatchId !== undefined || looksAlone >= LOOKS_ALONE)) return own;
    if (isOver()) throw missing(seen, marks, runsPage);
  }
}

export async function newestRun({ octokit, repository }: Session, workflow_id: number): Promise<number> {
  const { data } = await octokit.rest.actions.listWorkflowRuns({ ...repository, workflow_id, per_page: 1 });
  return Math.max(0, ...data.workflow_runs.map(({ id }) => id));
}

/** Whose token it is; undefined for one without a user, such as a workflow's own. */
export async function tokenOwner({ octokit }: Session): Promise<string | undefined> {
  try {
    return (await octokit.rest.users.getAuthenticated()).data.login;
  } catch (error) {
    if (statusOf(error) === 401 || isOutage(error)) throw error;
    return undefined;
  }
}

async function listRuns({ octokit, repository }: Session, workflow_id: number): Promise<ListedRun[]> {
  const { data } = await octokit.rest.actions.listWorkflowRuns({
    ...repository,
    workflow_id,
    event: "workflow_dispatch",
    per_page: 100,
  });
  return data.workflow_runs.map((run) => ({
    id: run.id,
    url: run.html_url,
    title: oneLine(run.display_title),
    event: run.event,
    branch: run.head_branch ?? "",
    actor: run.actor?.login,
  }));
}

/** The runs that may be the one that was dispatched; none, one, or several that cannot be distinguished. */
export function ownRuns(runs: readonly ListedRun[], marks: RunMarks): readonly ListedRun[] {
  const { dispatchId } = marks;
  const possible = runs.filter((run) => isPossible(run, marks));
  return dispatchId === undefined ? possible : possible.filter(({ title }) => title.includes(dispatchId));
}

/** All but the dispatch's own mark: what a person may look through where the mark is missing. */
function isPossible(run: ListedRun, { afterId, ref, actor }: RunMarks): boolean {
  return (
    run.id > afterId &&
    run.event === "workflow_dispatch" &&
    run.branch === ref.replace(/^refs\/(?:heads|tags)\//, "") &&
    (actor === undefined || run.actor === undefined || run.actor.toLowerCase() === actor.toLowerCase())
  );
}

function ambiguous(runs: readonly ListedRun[], runsPage: string) {
  return dispatched("The release was dispatched, but its run cannot be distinguished from others:", {
    code: "run-ambiguous",
    path: runsPage,
    message: `${runs.length} runs of the workflow started at once, and none says whose it is: ${runs.map(({ url }) => url).join(", ")}`,
    hint: "Look at both. A workflow with an input dispatch_id that is part of its run-name distinguishes them; `slipway workflows` writes one.",
  });
}

function missing(seen: readonly ListedRun[], marks: RunMarks, runsPage: string) {
  const possible = seen.filter((run) => isPossible(run, marks));
  const found =
    possible.length === 0
      ? {
          message: `GitHub took the request, but started no run on ${marks.ref} within ${START_SECONDS / 60} minutes`,
          hint: "It may start later: look at the page before you dispatch again. https://www.githubstatus.com shows whether GitHub has trouble.",
        }
      : {
          message: `no run has ${marks.dispatchId} in its title; these started since: ${possible.map(({ url }) => url).join(", ")}`,
          hint: `The workflow's run-name has to hold \${{ inputs.dispatch_id }}; \`slipway workflows\` writes it so.`,
        };
  return dispatched("The release was dispatched, but no run of it was seen:", {
    code: "run-missing",
    path: runsPage,
    ...found,
  });
}
