import { isOutage, oneLine, statusOf } from "../../github/client";
import { type Problem, ProblemError } from "../../plan/problem";
import { type DispatchedRun, explain, pollSeconds, type Session } from "./github";
import type { RunState } from "./view";

/** GitHub may answer 404 for a new run for a while, although it has returned its id. */
const APPEARS_SECONDS = 180;
/** The client has retried several times before each of them. */
const MAX_OUTAGES = 5;

/**
 * Waits until a run has ended, and shows every change.
 *
 * @throws ProblemError `run-timeout`, `run-gone`, `run-missing`, `run-unreachable`; the run itself goes on
 */
export async function followRun(
  session: Session,
  run: DispatchedRun,
  show: (run: RunState) => void,
): Promise<RunState> {
  const { pace, settings, say } = session;
  const isOver = pace.timer(settings.timeoutSeconds);
  const isLate = pace.timer(APPEARS_SECONDS);
  let outages = 0;
  let last: RunState | undefined;
  for (let looks = 0; ; looks += 1) {
    try {
      const state = await readRun(session, run.id);
      outages = 0;
      if (state.status !== last?.status) looks = 0;
      last = state;
      show(state);
      if (state.status === "completed") return state;
    } catch (error) {
      if (statusOf(error) === 404) {
        if (last !== undefined) throw gone(run.url);
        if (isLate()) throw late(run.url);
      } else {
        outages += 1;
        if (!isOutage(error) || outages > MAX_OUTAGES) throw unreachable(error, session, run);
        say(`GitHub does not answer (${outages} of ${MAX_OUTAGES}); the run goes on`);
      }
    }
    if (isOver()) throw timedOut(session, run, last);
    await pace.sleep(pollSeconds(looks));
  }
}

async function readRun({ octokit, repository, dispatchId }: Session, run_id: number): Promise<RunState> {
  const [{ data }, jobs] = await Promise.all([
    octokit.rest.actions.getWorkflowRun({ ...repository, run_id }),
    octokit.paginate(octokit.rest.actions.listJobsForWorkflowRun, {
      ...repository,
      run_id,
      filter: "latest",
      per_page: 100,
    }),
  ]);
  return {
    id: data.id,
    url: data.html_url,
    // The id only served to find the run.
    title: oneLine(data.display_title).replace(` (${dispatchId})`, ""),
    status: data.status ?? "queued",
    conclusion: data.conclusion,
    jobs: jobs.map(({ steps = [], ...job }) => ({
      ...job,
      name: oneLine(job.name),
      steps: steps.map((step) => ({ ...step, name: oneLine(step.name) })),
    })),
  };
}

function lost(problem: Problem): ProblemError {
  return new ProblemError("The release was dispatched, but its run cannot be followed:", [problem]);
}

function gone(url: string) {
  return lost({
    code: "run-gone",
    path: url,
    message: "the run was deleted",
    hint: "What it had released is in the registries; `slipway plan` shows what is missing.",
  });
}

function late(url: string) {
  return lost({
    code: "run-missing",
    path: url,
    message: `GitHub returned this run, but did not start it within ${APPEARS_SECONDS / 60} minutes`,
    hint: "Look at the page before you dispatch again. https://www.githubstatus.com shows whether GitHub has trouble.",
  });
}

function unreachable(error: unknown, session: Session, run: DispatchedRun) {
  const problem = explain(error, { ...session, fallback: "The run goes on: look at its page." });
  const code = problem.code === "github-unreachable" ? "run-unreachable" : problem.code;
  return lost({ ...problem, code, path: run.url });
}

function timedOut({ settings, repositoryName }: Session, run: DispatchedRun, last: RunState | undefined) {
  const minutes = settings.timeoutSeconds / 60;
  const waits = last?.jobs.find(({ status }) => status === "waiting");
  const message =
    waits === undefined
      ? `the run goes on, but the wait ended after ${minutes} minutes (--timeout)`
      : `the job ${waits.name} has waited for an approval for longer than ${minutes} minutes (--timeout)`;
  return new ProblemError("The release has not ended in time:", [
    {
      code: "run-timeout",
      path: run.url,
      message,
      hint: `Follow it: ${followCommand(run.id, repositoryName)}. Cancel it: ${cancelCommand(run.id, repositoryName)}.`,
    },
  ]);
}

export function followCommand(id: number, repository: string): string {
  return `gh run watch ${id} --repo ${repository}`;
}

export function cancelCommand(id: number, repository: string): string {
  return `gh run cancel ${id} --repo ${repository}`;
}
