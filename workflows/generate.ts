import type { WorkflowHost } from "../plan/github-config";
import { driftWorkflow } from "./drift-workflow";
import type { Workflow } from "./model";
import { previewWorkflow } from "./preview-workflow";
import { promoteJob, promoteWorkflow } from "./promote-workflow";
import { deployWorkflow, releaseWorkflow } from "./release-workflow";
import { renderWorkflow } from "./render";
import type { HostedStack, WorkflowStack } from "./stack";
import { jobId } from "./words";
import { requireNoProblems } from "./workflow-problems";

/** A workflow file of the repository. */
export interface WorkflowFile {
  /** From the repository's root: `.github/workflows/release.yml`. */
  readonly path: string;
  readonly host: WorkflowHost;
  readonly workflow: Workflow;
  readonly text: string;
  /** Names of the stacks that have a part in it, sorted. */
  readonly stacks: readonly string[];
}

interface Made {
  readonly workflow: Workflow;
  readonly stacks: readonly string[];
}

const HOSTS: readonly WorkflowHost[] = ["github", "gitea"];

/**
 * Every workflow file that some stacks of one project ask for, sorted by path. Pure: the same settings give the same
 * bytes.
 *
 * @throws ProblemError `workflows-file` for a file that two stacks claim, `workflows-expression` for a value that would be
 *   an expression, `workflows-preview-tag`, `workflows-promote`, `workflows-shared` for settings that do not go together
 */
export function workflowFiles(stacks: readonly WorkflowStack[]): WorkflowFile[] {
  requireNoProblems(stacks);
  return HOSTS.flatMap((host) => {
    const hosted = stacks
      .filter(({ workflows }) => workflows.hosts.includes(host))
      .map((stack): HostedStack => ({ ...stack, host, state: stateOf(stack, stacks) }));
    return generate(hosted).map(({ workflow, stacks: names }) => ({
      path: `.${host}/workflows/${workflow.file}`,
      host,
      workflow,
      text: renderWorkflow(workflow),
      stacks: [...names].sort(),
    }));
  }).sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** What another stack promotes from has to be found again. */
function stateOf({ stack }: WorkflowStack, stacks: readonly WorkflowStack[]): HostedStack["state"] {
  const isPromoted = stacks.some(
    ({ config: { promote } }) => promote?.source.kind === "stack" && promote.source.stack === stack,
  );
  return isPromoted ? "kept" : "throwaway";
}

function generate(stacks: readonly HostedStack[]): Made[] {
  return [
    ...stacks.flatMap((stack) => ownWorkflows(stack, stacks)),
    ...sharedWorkflows(stacks, ({ workflows }) => workflows.preview?.file, previewWorkflow),
    ...sharedWorkflows(stacks, ({ workflows }) => workflows.drift?.file, driftWorkflow),
  ];
}

function ownWorkflows(stack: HostedStack, stacks: readonly HostedStack[]): Made[] {
  const { workflows, stack: name } = stack;
  return [
    ...(workflows.release === undefined ? [] : [{ workflow: releaseWorkflow(stack), stacks: [name] }]),
    ...(workflows.deploy === undefined ? [] : [followed(stack, stacks)]),
    ...(workflows.promote === undefined ? [] : [{ workflow: promoteWorkflow(stack), stacks: [name] }]),
  ];
}

/** A deploy, and after it the promotions to the stacks that follow. */
function followed(stack: HostedStack, stacks: readonly HostedStack[]): Made {
  const workflow = deployWorkflow(stack);
  const followers = stacks.filter(
    ({ workflows, config: { promote } }) =>
      workflows.promote?.follow === true &&
      promote?.source.kind === "stack" &&
      promote.source.stack === stack.stack,
  );
  const jobs = followers.map((follower) => [
    jobId("promote", follower.stack),
    promoteJob(follower, ["deploy"]),
  ]);
  return {
    workflow: { ...workflow, jobs: { ...workflow.jobs, ...Object.fromEntries(jobs) } },
    stacks: [stack.stack, ...followers.map((follower) => follower.stack)],
  };
}

function sharedWorkflows(
  stacks: readonly HostedStack[],
  fileOf: (stack: HostedStack) => string | undefined,
  make: (file: string, stacks: readonly HostedStack[]) => Workflow,
): Made[] {
  const files = [...new Set(stacks.flatMap((stack) => fileOf(stack) ?? []))];
  return files.map((file) => {
    const members = stacks.filter((stack) => fileOf(stack) === file);
    return { workflow: make(file, members), stacks: members.map(({ stack }) => stack) };
  });
}
