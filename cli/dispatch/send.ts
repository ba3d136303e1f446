import type { Problem } from "../../plan/problem";
import type { Octokit } from "./client";
import type { Repository } from "./grammar";
import { dispatched, type ErrorContext, explain, isOutage, notDispatched, requestFailure } from "./problems";

export interface SendInput {
  readonly octokit: Octokit;
  readonly repository: Repository;
  readonly workflow: string;
  readonly workflowId: number;
  readonly workflowRef: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly errors: ErrorContext;
  readonly runsPage: string;
}

/** What GitHub said: the run's id, nothing but that it took the request, or nothing at all. */
export type Sent =
  | { readonly kind: "run"; readonly id: number; readonly url: string }
  | { readonly kind: "taken" }
  /** It may have been accepted: a run would show it. */
  | { readonly kind: "unknown"; readonly reason: string };

/**
 * Dispatches the workflow, once: a second request would be a second release, so nothing is tried again but what GitHub
 * has refused for its form.
 *
 * @throws ProblemError where GitHub refuses
 */
export async function sendDispatch(input: SendInput): Promise<Sent> {
  try {
    return await send(input, true);
  } catch (error) {
    if (!refusesDetails(error)) return afterError(error, input);
  }
  // An older Enterprise server.
  return send(input, false).catch((error) => afterError(error, input));
}

async function send(input: SendInput, withDetails: boolean): Promise<Sent> {
  const { octokit, repository, workflowId, workflowRef, inputs } = input;
  const { data } = await octokit.rest.actions.createWorkflowDispatch({
    ...repository,
    workflow_id: workflowId,
    ref: workflowRef,
    inputs: { ...inputs },
    ...(withDetails ? { return_run_details: true } : {}),
    request: { retries: 0 },
  });
  // Servers that do not know of details answer 204 without a body, which Octokit's types leave out.
  const answer: unknown = data;
  return isRunDetails(answer)
    ? { kind: "run", id: answer.workflow_run_id, url: answer.html_url }
    : { kind: "taken" };
}

function isRunDetails(value: unknown): value is { workflow_run_id: number; html_url: string } {
  return (
    typeof value === "object" &&
    value !== null &&
    "workflow_run_id" in value &&
    typeof value.workflow_run_id === "number" &&
    "html_url" in value &&
    typeof value.html_url === "string"
  );
}

function refusesDetails(error: unknown): boolean {
  const failure = requestFailure(error);
  return failure?.status === 422 && failure.message.includes("return_run_details");
}

function afterError(error: unknown, input: SendInput): Sent {
  const failure = requestFailure(error);
  if (failure !== undefined && isOutage(error)) return { kind: "unknown", reason: failure.message };
  throw notDispatched(refusal(error, input));
}

function refusal(error: unknown, { errors, workflow, workflowRef }: SendInput): Problem {
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
  return {
    ...problem,
    code: "dispatch-permission",
    message: `the token may not start workflows (${problem.message})`,
  };
}

/** The dispatch got no answer, and no run shows that it was accepted. */
export function uncertain(reason: string, { runsPage, errors }: Pick<SendInput, "runsPage" | "errors">) {
  return dispatched("Whether the release was dispatched is not known:", {
    code: "dispatch-uncertain",
    path: runsPage,
    message: `GitHub did not answer the dispatch (${reason}), and no run of it was seen`,
    hint: `Look at the page before you dispatch again. ${errors.fallback}`,
  });
}
