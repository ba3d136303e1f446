import { isOutage, oneLine, statusOf } from "../../github/client";
import { type DispatchedRun, dispatched, explain, pollSeconds, type Session } from "./github";
import type { RunState } from "./view";

/** A run whose id is known may be nowhere for a moment. */
const APPEARS_SECONDS = 180;
/** Each look has tried several times already. */
const OUTAGES_BORNE = 5;

/**
 * Waits until a run has ended, and shows what happens meanwhile.
 *
 * @throws ProblemError `run-timeout`, `run-gone`, `run-missing`, `run-unreachable`; none of them ends the run
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
        if (!isOutage(error) || outages > OUTAGES_BORNE) throw unreachable(error, session, run);
        say(`GitHub does not answer (${outages} of ${OUTAGES_BORNE}); the run goes on without it`);
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
    // The mark that identified the run means nothing to the reader.
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

const LOST = "The release was dispatched, but its run cannot be followed:";

function gone(url: string) {
  return dispatched(LOST, {
    code: "run-gone",
    path: url,
    message: "the run was deleted",
    hint: "What it released by then is in the registries: `slipway plan` shows what is missing.",
  });
}

function late(url: string) {
  return dispatched(LOST, {
    code: "run-missing",
    path: url,
    message: `GitHub named this run, but did not start it within ${APPEARS_SECONDS / 60} minutes`,
    hint: "Look at the page before you dispatch again. https://www.githubstatus.com shows whether GitHub has trouble.",
  });
}

function unreachable(error: unknown, { errors }: Session, run: DispatchedRun) {
  const problem = explain(error, { ...errors, fallback: "The run goes on: look at its page." });
  const code = problem.code === "github-unreachable" ? "run-unreachable" : problem.code;
  return dispatched(LOST, { ...problem, code, path: run.url });
}

function timedOut({ settings, errors }: Session, run: DispatchedRun, last: RunState | undefined) {
  const minutes = settings.timeoutSeconds / 60;
  const waits = last?.jobs.find(({ status }) => status === "waiting");
  return dispatched("The release has not ended in time:", {
    code: "run-timeout",
    path: run.url,
    message:
      waits === undefined
        ? `the run goes on, but the wait ended after ${minutes} minutes (--timeout)`
        : `the job ${waits.name} waits for an approval, for longer than ${minutes} minutes (--timeout)`,
    hint: `Follow it: ${followCommand(run.id, errors.path)}. Cancel it: ${cancelCommand(run.id, errors.path)}.`,
  });
}

export function followCommand(id: number, repository: string): string {
  return `gh run watch ${id} --repo ${repository}`;
}

export function cancelCommand(id: number, repository: string): string {
  return `gh run cancel ${id} --repo ${repository}`;
}
