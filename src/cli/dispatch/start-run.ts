import { isOutage, oneLine, requestFailure, statusOf } from "../../github/client";
import type { Problem } from "../../plan/problem";
import { isRecord } from "../../plan/record";
import { type DispatchedRun, dispatched, explain, notDispatched, pollSeconds, type Session } from "./github";
import type { ReadyDispatch } from "./preflight";

/** The run; undefined if the command does not wait and GitHub does not name it at once. */
export async function startRun(session: Session, ready: ReadyDispatch): Promise<DispatchedRun | undefined> {
  const { settings, errors, say, interruption, dispatchId, runsPage } = session;
  const { workflowId, workflowRef, identified } = ready;
  const [afterId, actor] = await Promise.all([newestRun(session, workflowId), tokenOwner(session)]).catch(
    (error) => {
      throw notDispatched(explain(error, errors));
    },
  );
  interruption.leaves(`Whether the release was dispatched is not known: look at ${runsPage}`);
  const { run, unanswered } = await sendDispatch(session, ready);
  const marks = { afterId, ref: workflowRef, actor, dispatchId: identified ? dispatchId : undefined };
  if (unanswered === undefined) {
    const what = settings.version ?? settings.inputRef ?? workflowRef;
    say(`Dispatched ${settings.workflow} on ${workflowRef} for ${what}.`);
    if (run !== undefined || !settings.wait) return run;
    interruption.leaves(`The run goes on, once it has begun: ${runsPage}`);
  } else {
    say(`GitHub did not answer the dispatch (${unanswered}); looking for its run.`);
    // Without a mark, a neighbour's run would be taken for one that may not exist.
    if (marks.dispatchId === undefined) throw uncertain(unanswered, session);
  }
  return findRun(session, workflowId, marks).catch((error) => {
    if (unanswered !== undefined) throw uncertain(unanswered, session);
    if (requestFailure(error) === undefined) throw error;
    const { message, code } = explain(error, errors);
    throw new Error(
      `The release was dispatched, but its run cannot be looked for: ${message} [${code}]\n  ${runsPage}`,
    );
  });
}

interface Sent {
  /** Absent where GitHub accepted the request and named no run. */
  readonly run?: DispatchedRun;
  /** Why there is no answer: the request may have been accepted, and a run would show it. */
  readonly unanswered?: string;
}

/**
 * Dispatches the workflow, once: a second request would be a second release, so nothing is tried again but what GitHub
 * has refused for its form.
 */
async function sendDispatch(session: Session, ready: ReadyDispatch): Promise<Sent> {
  try {
    return await send(session, ready, { return_run_details: true }).catch((error) => {
      if (!refusesDetails(error)) throw error;
      // An older Enterprise server.
      return send(session, ready, {});
    });
  } catch (error) {
    const failure = requestFailure(error);
    if (failure !== undefined && isOutage(error)) return { unanswered: failure.message };
    throw notDispatched(refusal(error, session, ready));
  }
}

async function send(
  { octokit, repository }: Session,
  { workflowId, workflowRef, inputs }: ReadyDispatch,
  details: { readonly return_run_details?: true },
): Promise<Sent> {
  const { data } = await octokit.rest.actions.createWorkflowDispatch({
    ...repository,
    workflow_id: workflowId,
    ref: workflowRef,
    inputs: { ...inputs },
    ...details,
    request: { retries: 0 },
  });
  // Servers that do not know of details answer 204 without a body, which Octokit's types leave out.
  const answer: unknown = data;
  const { workflow_run_id: id, html_url: url } = isRecord(answer) ? answer : {};
  return typeof id === "number" && typeof url === "string" ? { run: { id, url } } : {};
}

function refusesDetails(error: unknown): boolean {
  const failure = requestFailure(error);
  return failure?.status === 422 && failure.message.includes("return_run_details");
}

function refusal(error: unknown, { errors, settings }: Session, { workflowRef }: ReadyDispatch): Problem {
  const { workflow } = settings;
  const failure = requestFailure(error);
  if (
    failure?.status === 422 &&
    /unexpected inputs|required input|not a valid|inputs? /i.test(failure.message)
  ) {
    return {
      code: "workflow-input",
      path: workflow,
      message: `GitHub does not take the inputs: ${failure.message}`,
      hint: "The file on the reference may have changed just now: run the same again.",
    };
  }
  if (failure?.status === 422) {
    return {
      code: "workflow-refused",
      path: `${workflow} on ${workflowRef}`,
      message: `GitHub does not start it: ${failure.message}`,
      hint: "--workflow-ref takes a branch or a tag, whose file has workflow_dispatch.",
    };
  }
  const problem = explain(error, errors);
  if (problem.code !== "github-forbidden") return problem;
  const message = `the token may not start workflows (${problem.message})`;
  return { ...problem, code: "dispatch-permission", message };
}

function uncertain(reason: string, { runsPage, errors }: Session) {
  return dispatched("Whether the release was dispatched is not known:", {
    code: "dispatch-uncertain",
    path: runsPage,
    message: `GitHub did not answer the dispatch (${reason}), and no run of it was seen`,
    hint: `Look at the page before you dispatch again. ${errors.fallback}`,
  });
}

export interface ListedRun extends DispatchedRun {
  readonly title: string;
  readonly event: string;
  readonly branch: string;
  /** Who started it; absent where GitHub does not say. */
  readonly actor?: string;
}

interface RunMarks {
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
async function findRun(session: Session, workflowId: number, marks: RunMarks): Promise<ListedRun> {
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

async function newestRun({ octokit, repository }: Session, workflow_id: number): Promise<number> {
  const { data } = await octokit.rest.actions.listWorkflowRuns({ ...repository, workflow_id, per_page: 1 });
  return Math.max(0, ...data.workflow_runs.map(({ id }) => id));
}

/** Whose token it is; undefined for one without a user, such as a workflow's own. */
async function tokenOwner({ octokit }: Session): Promise<string | undefined> {
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
