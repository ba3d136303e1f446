import type { Problem } from "../../plan/problem";
import type { Octokit } from "./client";
import type { Repository } from "./grammar";
import { logLines, reasonsInLog } from "./log-hints";
import { dispatched, plain } from "./problems";
import type { JobState, RunState } from "./run-state";
import { phase } from "./view";

const LOGS_READ = 3;
const LOG_LIMIT = 4 * 1024 * 1024;

interface FailedJob {
  readonly job: JobState;
  /** Absent where it could not be read. */
  readonly log?: string;
}

/** Why a run that has ended did not succeed, with the last lines of its failed jobs. */
export async function failedRun(octokit: Octokit, repository: Repository, run: RunState): Promise<Error> {
  const failed = run.jobs.filter(({ conclusion }) => conclusion === "failure" || conclusion === "timed_out");
  const jobs = await Promise.all(
    failed.map(async (job, index): Promise<FailedJob> => {
      const log = index < LOGS_READ ? await readLog(octokit, repository, job.id) : undefined;
      return { job, ...(log === undefined ? {} : { log }) };
    }),
  );
  return failure(run, jobs);
}

async function readLog(
  octokit: Octokit,
  repository: Repository,
  job_id: number,
): Promise<string | undefined> {
  try {
    const { data } = await octokit.rest.actions.downloadJobLogsForWorkflowRun({ ...repository, job_id });
    // GitHub leads to a plain text, which Octokit's types do not say.
    const text: unknown = data;
    return typeof text === "string" ? plain(text.slice(-LOG_LIMIT)) : undefined;
  } catch {
    // The log is gone or not for this token; the run's page has it.
    return undefined;
  }
}

/** How a run ended that did not succeed, as an error. */
function failure(run: RunState, jobs: readonly FailedJob[]): Error {
  const ended = ENDINGS[run.conclusion ?? ""] ?? {
    code: "release-failed",
    message: `the run ${phase(run)}`,
  };
  const problems: Problem[] = [{ ...ended, path: run.url }];
  const texts: string[] = [];
  for (const { job, log } of jobs) {
    const step = job.steps.find(({ conclusion }) => conclusion === "failure" || conclusion === "timed_out");
    const where = step === undefined ? job.name : `${job.name}, step ${step.name}`;
    problems.push({ code: "job-failed", path: job.url, message: `${where} ${phase(job)}` });
    if (log === undefined) continue;
    const lines = logLines(log);
    problems.push(...reasonsInLog(lines.all));
    texts.push(`\nThe end of ${where}:\n${lines.tail.map((line) => `  | ${line}`).join("\n")}`);
  }
  const error = dispatched("The release did not succeed:", ...problems);
  error.message += texts.map((text) => `\n${text}`).join("");
  return error;
}

const AGAIN = "Fix it and dispatch the same again: what is released already is kept.";

const ENDINGS: Readonly<Record<string, Omit<Problem, "path">>> = {
  failure: { code: "release-failed", message: "the run failed", hint: AGAIN },
  cancelled: {
    code: "release-cancelled",
    message: "the run was cancelled",
    hint: "It was cancelled by hand, or a newer run replaced it. Dispatch the same again to complete it.",
  },
  timed_out: {
    code: "release-timed-out",
    message: "the run took longer than the workflow allows",
    hint: AGAIN,
  },
  startup_failure: {
    code: "workflow-invalid",
    message: "GitHub could not start the run: the workflow's file is wrong, or an action is not allowed",
    hint: "The run's page says why; `slipway workflows --check` shows whether the file is as it should be.",
  },
  action_required: {
    code: "release-needs-approval",
    message: "the run ended, since it has to be approved first",
    hint: "Approve it on its page.",
  },
  skipped: {
    code: "release-skipped",
    message: "every job was skipped: nothing was released",
    hint: "Look at the conditions (`if:`) of the workflow's jobs.",
  },
};
