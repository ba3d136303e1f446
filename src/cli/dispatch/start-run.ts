import { isOutage, oneLine, requestFailure, statusOf } from "../../github/client";
import { type Problem, ProblemError } from "../../plan/problem";
import { isRecord } from "../../plan/record";
import { type DispatchedRun, explain, notDispatched, pollSeconds, type Session } from "./github";
import type { ReadyDispatch } from "./preflight";

/** Dispatches the workflow and finds its run; undefined if the command does not wait and GitHub returns no run. */
export async function startRun(session: Session, ready: ReadyDispatch): Promise<DispatchedRun | undefined> {
  const { settings, say, interruption, dispatchId, runsPage } = session;
  const { workflowId, workflowRef, identified } = ready;
  const [afterId, actor] = await Promise.all([newestRun(session, workflowId), tokenOwner(session)]).catch(
    (error) => {
      throw notDispatched(explain(error, session));
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
    // Without the id, another dispatch's run could be mistaken for this one.
    if (marks.dispatchId === undefined) throw uncertain(unanswered, session);
  }
  return findRun(session, workflowId, marks).catch((error) => {
    if (unanswered !== undefined) throw uncertain(unanswered, session);
    if (requestFailure(error) === undefined) throw error;
    const { message, code } = explain(error, session);
    throw new Error(
      `The release was dispatched, but its run cannot be looked for: ${message} [${code}]\n  ${runsPage}`,
      { cause: error },
    );
  });
}

interface Sent {
  /** Absent if GitHub accepted the request and returned no run. */
  readonly run?: DispatchedRun;
  /** Why there is no answer. GitHub may have accepted the request all the same. */
  readonly unanswered?: string;
}

/**
 * Dispatches the workflow once, since a second request could be a second release. It is only repeated without
 * `return_run_details` after GitHub has refused that key.
 */
async function sendDispatch(session: Session, ready: ReadyDispatch): Promise<Sent> {
  try {
    return await send(session, ready, { return_run_details: true }).catch((error) => {
      if (!refusesDetails(error)) throw error;
      // Older Enterprise servers do not know the key.
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
  // Older servers answer 204 without a body, which Octokit's types leave out.
  const answer: unknown = data;
  const { workflow_run_id: id, html_url: url } = isRecord(answer) ? answer : {};
  return typeof id === "number" && typeof url === "string" ? { run: { id, url } } : {};
}

function refusesDetails(error: unknown): boolean {
  const failure = requestFailure(error);
  return failure?.status === 422 && failure.message.includes("return_run_details");
}

function refusal(error: unknown, session: Session, { workflowRef }: ReadyDispatch): Problem {
  const { workflow } = session.settings;
  const failure = requestFailure(error);
  if (
    failure?.status === 422 &&
    /unexpected inputs|required input|not a valid|inputs? /i.test(failure.message)
  ) {
    return {
      code: "workflow-input",
      path: workflow,
      message: `GitHub does not take the inputs: ${failure.message}`,
      hint: "The file on the reference may have changed just now: run the same command again.",
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
  const problem = explain(error, session);
  if (problem.code !== "github-forbidden") return problem;
  const message = `the token may not start workflows (${problem.message})`;
  return { ...problem, code: "dispatch-permission", message };
}

function uncertain(reason: string, { runsPage, fallback }: Session) {
  return new ProblemError("Whether the release was dispatched is not known:", [
    {
      code: "dispatch-uncertain",
      path: runsPage,
      message: `GitHub did not answer the dispatch (${reason}), and no run of it was found`,
      hint: `Look at the page before you dispatch again. ${fallback}`,
    },
  ]);
}

export interface ListedRun extends DispatchedRun {
  readonly title: string;
  readonly event: string;
  readonly branch: string;
  /** The login of the user who started it; absent if GitHub does not say. */
  readonly actor?: string;
}

/** What identifies the run that a dispatch starts. */
interface RunMarks {
  /** The newest run before the dispatch, 0 if there was none. Ids only grow. */
  readonly afterId: number;
  /** Part of the run's title, if the workflow has an input for it. */
  readonly dispatchId?: string;
  /** The branch or tag of the dispatch. */
  readonly ref: string;
  /** Absent if the token's user is unknown. */
  readonly actor?: string;
}

/** A run usually appears within seconds; when GitHub is slow, within minutes. */
const START_SECONDS = 180;
/** Without a dispatch id a run is accepted only after it was alone this often: another dispatch's may appear first. */
const LOOKS_ALONE = 3;

/** @throws ProblemError `run-missing`, `run-ambiguous` */
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

/** The login of the token's user; undefined for a token without one, such as a workflow's own. */
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

/** The runs that may be the dispatched one; several if they cannot be distinguished. */
export function ownRuns(runs: readonly ListedRun[], marks: RunMarks): readonly ListedRun[] {
  const { dispatchId } = marks;
  const possible = runs.filter((run) => isPossible(run, marks));
  return dispatchId === undefined ? possible : possible.filter(({ title }) => title.includes(dispatchId));
}

/** Everything but the dispatch id, which the title may lack. */
function isPossible(run: ListedRun, { afterId, ref, actor }: RunMarks): boolean {
  return (
    run.id > afterId &&
    run.event === "workflow_dispatch" &&
    run.branch === ref.replace(/^refs\/(?:heads|tags)\//, "") &&
    (actor === undefined || run.actor === undefined || run.actor.toLowerCase() === actor.toLowerCase())
  );
}

function ambiguous(runs: readonly ListedRun[], runsPage: string) {
  return new ProblemError("The release was dispatched, but its run cannot be distinguished from others:", [
    {
      code: "run-ambiguous",
      path: runsPage,
      message: `${runs.length} runs of the workflow started at the same time: ${runs.map(({ url }) => url).join(", ")}`,
      hint: "Look at each. To distinguish them, the workflow needs an input dispatch_id in its run-name; `slipway workflows` writes such a workflow.",
    },
  ]);
}

function missing(seen: readonly ListedRun[], marks: RunMarks, runsPage: string) {
  const possible = seen.filter((run) => isPossible(run, marks));
  const found =
    possible.length === 0
      ? {
          message: `GitHub accepted the request, but started no run on ${marks.ref} within ${START_SECONDS / 60} minutes`,
          hint: "It may start later: look at the page before you dispatch again. https://www.githubstatus.com shows whether GitHub has trouble.",
        }
      : {
          message: `no run has ${marks.dispatchId} in its title; these started since: ${possible.map(({ url }) => url).join(", ")}`,
          hint: `The workflow's run-name must contain \${{ inputs.dispatch_id }}, as in the file that \`slipway workflows\` writes.`,
        };
  return new ProblemError("The release was dispatched, but its run was not found:", [
    { code: "run-missing", path: runsPage, ...found },
  ]);
}
