import type { Octokit } from "./client";
import type { Repository } from "./grammar";
import { type Pace, pollSeconds } from "./pace";
import { dispatched, type ErrorContext, explain, isOutage, oneLine, statusOf } from "./problems";
import type { JobState, RunState, StepState } from "./run-state";

export interface FollowInput {
  readonly octokit: Octokit;
  readonly repository: Repository;
  readonly run: { readonly id: number; readonly url: string };
  /** What the dispatch put into the run's title. */
  readonly dispatchId: string;
  readonly timeoutSeconds: number;
  readonly pace: Pace;
  readonly errors: ErrorContext;
  readonly show: (run: RunState) => void;
  /** One line for the person. */
  readonly say: (line: string) => void;
}

/** A run whose id is known may be nowhere for a moment. */
const APPEARS_SECONDS = 180;
/** Each look has tried several times already. */
const OUTAGES_BORNE = 5;

/**
 * Waits until a run has ended, and shows what happens meanwhile.
 *
 * @throws ProblemError `run-timeout`, `run-gone`, `run-missing`, `run-unreachable`; none of them ends the run
 */
export async function followRun(input: FollowInput): Promise<RunState> {
  const { pace, run } = input;
  const isOver = pace.timer(input.timeoutSeconds);
  const isLate = pace.timer(APPEARS_SECONDS);
  let outages = 0;
  let last: RunState | undefined;
  for (let looks = 0; ; looks += 1) {
    try {
      const state = await readRun(input);
      outages = 0;
      if (state.status !== last?.status) looks = 0;
      last = state;
      input.show(state);
      if (state.status === "completed") return state;
    } catch (error) {
      if (statusOf(error) === 404) {
        if (last !== undefined) throw gone(run.url);
        if (isLate()) throw late(run.url);
      } else {
        outages += 1;
        if (!isOutage(error) || outages > OUTAGES_BORNE) throw unreachable(error, input);
        input.say(`GitHub does not answer (${outages} of ${OUTAGES_BORNE}); the run goes on without it`);
      }
    }
    if (isOver()) throw timedOut(input, last);
    await pace.sleep(pollSeconds(looks));
  }
}

async function readRun(input: FollowInput): Promise<RunState> {
  const { octokit, repository, run } = input;
  const [{ data }, jobs] = await Promise.all([
    octokit.rest.actions.getWorkflowRun({ ...repository, run_id: run.id }),
    octokit.paginate(octokit.rest.actions.listJobsForWorkflowRun, {
      ...repository,
      run_id: run.id,
      filter: "latest",
      per_page: 100,
    }),
  ]);
  return {
    id: data.id,
    url: data.html_url,
    title: withoutMark(oneLine(data.display_title), input.dispatchId),
    status: data.status ?? "queued",
    ...(data.conclusion === null ? {} : { conclusion: data.conclusion }),
    jobs: jobs.map(
      (job): JobState => ({
        id: job.id,
        name: oneLine(job.name),
        url: job.html_url ?? data.html_url,
        ...partOf(job),
        steps: (job.steps ?? []).map(
          (step): StepState => ({ number: step.number, name: oneLine(step.name), ...partOf(step) }),
        ),
      }),
    ),
  };
}

/** Without the mark that identified the run: it means nothing to the reader. */
function withoutMark(title: string, dispatchId: string): string {
  return title.replace(` (${dispatchId})`, "");
}

function partOf(part: {
  readonly status: string;
  readonly conclusion: string | null;
  readonly started_at?: string | null;
  readonly completed_at?: string | null;
}): Omit<StepState, "number" | "name"> {
  return {
    status: part.status,
    ...(part.conclusion === null ? {} : { conclusion: part.conclusion }),
    ...(part.started_at ? { startedAt: part.started_at } : {}),
    ...(part.completed_at ? { completedAt: part.completed_at } : {}),
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

function unreachable(error: unknown, { run, errors }: FollowInput) {
  const problem = explain(error, { ...errors, fallback: "The run goes on: look at its page." });
  const code = problem.code === "github-unreachable" ? "run-unreachable" : problem.code;
  return dispatched(LOST, { ...problem, code, path: run.url });
}

function timedOut({ run, timeoutSeconds, errors }: FollowInput, last: RunState | undefined) {
  const waits = last?.jobs.find(({ status }) => status === "waiting");
  return dispatched("The release has not ended in time:", {
    code: "run-timeout",
    path: run.url,
    message:
      waits === undefined
        ? `the run goes on, but the wait ended after ${timeoutSeconds / 60} minutes (--timeout)`
        : `the job ${waits.name} waits for an approval, for longer than ${timeoutSeconds / 60} minutes (--timeout)`,
    hint: `Follow it: ${followCommand(run.id, errors.path)}. Cancel it: ${cancelCommand(run.id, errors.path)}.`,
  });
}

export function followCommand(id: number, repository: string): string {
  return `gh run watch ${id} --repo ${repository}`;
}

export function cancelCommand(id: number, repository: string): string {
  return `gh run cancel ${id} --repo ${repository}`;
}
