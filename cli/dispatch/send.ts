import type { Problem } from "../../plan/problem";
import { isRecord } from "../../plan/record";
import { isOutage, requestFailure } from "../../source/github";
import type { Session } from "./github";
import type { ReadyDispatch } from "./preflight";
import { dispatched, explain, notDispatched } from "./problems";

/** What GitHub answered: the run's id, only that the request was accepted, or nothing. */
export type Sent =
  | { readonly kind: "run"; readonly id: number; readonly url: string }
  | { readonly kind: "taken" }
  /** It may have been accepted: a run would show it. */
  | { readonly kind: "unknown"; readonly reason: string };

/**
 * Dispatches the workflow, once: a second request would be a second release, so nothing is tried again but what GitHub
 * has refused for its form.
 */
export async function sendDispatch(session: Session, ready: ReadyDispatch): Promise<Sent> {
  try {
    return await send(session, ready, { return_run_details: true }).catch((error) => {
      if (!refusesDetails(error)) throw error;
      // An older Enterprise server.
      return send(session, ready, {});
    });
  } catch (error) {
    const failure = requestFailure(error);
    if (failure !== undefined && isOutage(error)) return { kind: "unknown", reason: failure.message };
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
  return typeof id === "number" && typeof url === "string" ? { kind: "run", id, url } : { kind: "taken" };
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

export function uncertain(reason: string, { runsPage, errors }: Session) {
  return dispatched("Whether the release was dispatched is not known:", {
    code: "dispatch-uncertain",
    path: runsPage,
    message: `GitHub did not answer the dispatch (${reason}), and no run of it was seen`,
    hint: `Look at the page before you dispatch again. ${errors.fallback}`,
  });
}
