import { structuredPatch } from "diff";
import type { WorkflowHost, WorkflowStack } from "../plan/config";
import { type Problem, ProblemError } from "../plan/problem";
import { jobId, renderWorkflow, type Workflow } from "./model";
import { deployWorkflow, promoteWorkflow, releaseWorkflow } from "./own-workflows";
import { promoteJob } from "./release-job";
import { driftWorkflow, previewWorkflow } from "./shared-workflows";
import { builds, fileOf, type HostedStack, runnersOf } from "./stack";

export interface WorkflowFile {
  /** From the repository's root: `.github/workflows/release.yml`. */
  readonly path: string;
  readonly host: WorkflowHost;
  readonly workflow: Workflow;
  readonly text: string;
  /** The names of the stacks with jobs in it, sorted. */
  readonly stacks: readonly string[];
}

type StackWorkflow = Pick<WorkflowFile, "workflow" | "stacks">;

const HOSTS: readonly WorkflowHost[] = ["github", "gitea"];

/**
 * Every workflow file that the stacks of a project configure, sorted by path. Pure: the same settings give the same
 * bytes.
 *
 * @throws ProblemError `workflows-file` if two stacks use one file, `workflows-expression` for a value that would be an
 *   expression, `workflows-preview-tag`, `workflows-promote`, `workflows-shared` for settings that contradict each other
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

/** A stack that another one promotes from needs state that is kept. */
function stateOf({ stack }: WorkflowStack, stacks: readonly WorkflowStack[]): HostedStack["state"] {
  const isPromoted = stacks.some(
    ({ config: { promote } }) => promote?.source.kind === "stack" && promote.source.stack === stack,
  );
  return isPromoted ? "kept" : "throwaway";
}

function generate(stacks: readonly HostedStack[]): StackWorkflow[] {
  return [
    ...stacks.flatMap((stack) => ownWorkflows(stack, stacks)),
    ...sharedWorkflows(stacks, ({ workflows }) => workflows.preview?.file, previewWorkflow),
    ...sharedWorkflows(stacks, ({ workflows }) => workflows.drift?.file, driftWorkflow),
  ];
}

function ownWorkflows(stack: HostedStack, stacks: readonly HostedStack[]): StackWorkflow[] {
  const { workflows, stack: name } = stack;
  return [
    ...(workflows.release === undefined ? [] : [{ workflow: releaseWorkflow(stack), stacks: [name] }]),
    ...(workflows.deploy === undefined ? [] : [deployAndFollowers(stack, stacks)]),
    ...(workflows.promote === undefined ? [] : [{ workflow: promoteWorkflow(stack), stacks: [name] }]),
  ];
}

/** A deploy, then the promotions to the stacks that follow it. */
function deployAndFollowers(stack: HostedStack, stacks: readonly HostedStack[]): StackWorkflow {
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
  fileIn: (stack: HostedStack) => string | undefined,
  make: (file: string, stacks: readonly HostedStack[]) => Workflow,
): StackWorkflow[] {
  const files = [...new Set(stacks.flatMap((stack) => fileIn(stack) ?? []))];
  return files.map((file) => {
    const members = stacks.filter((stack) => fileIn(stack) === file);
    return { workflow: make(file, members), stacks: members.map(({ stack }) => stack) };
  });
}

function requireNoProblems(stacks: readonly WorkflowStack[]): void {
  const problems = [...stacks.flatMap(ownProblems), ...fileProblems(stacks), ...sharedProblems(stacks)];
  if (problems.length > 0) throw new ProblemError("The workflows cannot be made:", problems);
}

function problem(stack: string, code: string, key: string, message: string, hint: string): Problem {
  return { code, path: `${stack}: github.workflows.${key}`, message, hint };
}

function ownProblems(stack: WorkflowStack): Problem[] {
  const { config, workflows } = stack;
  const { preview, promote, release, deploy } = workflows;
  const isPromoting = config.promote !== undefined;
  const rows: [wrong: boolean, code: string, key: string, message: string, hint: string][] = [
    [
      preview !== undefined && config.requireTag,
      "workflows-preview-tag",
      "preview",
      "is not possible with requireTag: a pull request has no tag",
      "Leave the preview out, or preview a stack without requireTag",
    ],
    [
      preview !== undefined && config.promote?.source.kind === "stack",
      "workflows-preview-promote",
      "preview",
      "is not possible for a stack that promotes from another: a pull request cannot read the other stack's state",
      "Leave the preview out, or promote by statement",
    ],
    [
      promote !== undefined && !isPromoting,
      "workflows-promote",
      "promote",
      "needs slipway:promote, the source of the promotion",
      "Set slipway:promote, e.g. { from: stage }",
    ],
    [release !== undefined && isPromoting, "workflows-promote", "release", NOTHING_BUILT, "Use promote"],
    [deploy !== undefined && isPromoting, "workflows-promote", "deploy", NOTHING_BUILT, "Use promote"],
    [
      workflows.attest && config.images.length > 256,
      "workflows-attest",
      "attest",
      "is possible for 256 images at most, GitHub's limit of a matrix",
      "Leave attest out",
    ],
  ];
  return [
    ...rows.flatMap(([wrong, ...rest]) => (wrong ? [problem(stack.stack, ...rest)] : [])),
    ...runnerProblems(stack),
    ...expressionProblems(stack),
  ];
}

const NOTHING_BUILT = "is not possible for a stack that promotes: nothing is built there";

function runnerProblems(stack: WorkflowStack): Problem[] {
  const runners = (builds(stack) ? runnersOf(stack) : undefined) ?? [];
  return runners
    .filter(({ runner }) => runner === undefined)
    .map(({ platform }) =>
      problem(
        stack.stack,
        "workflows-runner",
        `runners.${platform}`,
        `is missing, and images are built for ${platform}; expected a runner's label`,
        "Name a runner that runs this platform without QEMU, or leave `runners` out: then one job builds all",
      ),
    );
}

/** Texts that GitHub would evaluate. The schema allows them because elsewhere they are harmless. */
function expressionProblems({ stack, config, configFile }: WorkflowStack): Problem[] {
  const texts = { artifacts: config.artifacts, "builder.name": config.builder.name, configFile };
  return Object.entries(texts)
    .filter(([, text]) => text?.includes("${{"))
    .map(([key, text]) => ({
      code: "workflows-expression",
      path: `${stack}: ${key}`,
      message: `${JSON.stringify(text)} would be an expression in a workflow`,
    }));
}

interface NamedFile {
  readonly stack: string;
  readonly key: string;
  readonly file: string;
  /** Stacks may share a file for previews, and one for drift. */
  readonly shared: boolean;
}

function namedFiles(one: WorkflowStack): NamedFile[] {
  const { stack, workflows } = one;
  const { release, deploy, promote, preview, drift } = workflows;
  const named: [key: string, file: string | undefined, shared: boolean][] = [
    ["release", release?.file, false],
    ["deploy", deploy && fileOf(one, "deploy"), false],
    ["promote", promote && fileOf(one, "promote"), false],
    ["preview", preview?.file, true],
    ["drift", drift?.file, true],
  ];
  return named.flatMap(([key, file, shared]) => (file === undefined ? [] : [{ stack, key, file, shared }]));
}

/** Compares names as case-insensitive file systems do. */
function fileProblems(stacks: readonly WorkflowStack[]): Problem[] {
  const all = stacks.flatMap(namedFiles);
  return all.flatMap((one, index) => {
    const isSame = (other: NamedFile) => other.file.toLowerCase() === one.file.toLowerCase();
    const isShared = (other: NamedFile) => one.shared && other.key === one.key && other.file === one.file;
    const other = all.slice(0, index).find((earlier) => isSame(earlier) && !isShared(earlier));
    if (other === undefined) return [];
    const message = `${JSON.stringify(one.file)} is also the file of ${other.stack}'s ${other.key}`;
    const hint = "Give each of them a file of its own";
    return [problem(one.stack, "workflows-file", `${one.key}.file`, message, hint)];
  });
}

/** A shared file has one runner, one install command and one environment. */
function sharedProblems(stacks: readonly WorkflowStack[]): Problem[] {
  return (["preview", "drift"] as const).flatMap((key) => {
    const members = stacks.filter(({ workflows }) => workflows[key] !== undefined);
    return members.flatMap((member, index) => {
      const first = members
        .slice(0, index)
        .find(({ workflows }) => workflows[key]?.file === member.workflows[key]?.file);
      if (first === undefined || commonSettings(first, key) === commonSettings(member, key)) return [];
      const message = `shares ${member.workflows[key]?.file} with ${first.stack}, but differs in directory, runner, node, install, hosts, timeout or environment`;
      const hint = "Set these in Pulumi.yaml for all stacks, or give each its own file";
      return [problem(member.stack, "workflows-shared", key, message, hint)];
    });
  });
}

function commonSettings({ workflows }: WorkflowStack, key: "preview" | "drift"): string {
  const { directory, runner, node, install, hosts, timeout, drift } = workflows;
  const environment = key === "drift" ? drift?.environment : undefined;
  return JSON.stringify({ directory, runner, node, install, hosts, timeout, environment });
}

export interface FileDifference {
  readonly path: string;
  readonly change: "created" | "changed" | "unchanged";
  /** The first line that differs, from 1; only of a changed file. */
  readonly line?: number;
  /** The lines that differ with some context: `-` as the file is, `+` as it should be. */
  readonly diff: readonly string[];
}

/**
 * Compares a file with the text it should have. A checkout's line ends (CRLF) do not count.
 *
 * @param found the file's text; undefined if there is no file
 */
export function compareFile(path: string, desired: string, found: string | undefined): FileDifference {
  if (found === undefined) return { path, change: "created", diff: [] };
  const text = found.replaceAll("\r\n", "\n");
  if (text === desired) return { path, change: "unchanged", diff: [] };
  const { hunks } = structuredPatch(path, path, text, desired, "", "", { context: 2 });
  const [first] = hunks;
  const before = first?.lines.findIndex((line) => !line.startsWith(" ")) ?? 0;
  return {
    path,
    change: "changed",
    line: (first?.oldStart ?? 1) + Math.max(before, 0),
    diff: hunks.flatMap(({ oldStart, lines }) => [`@@ line ${oldStart} @@`, ...lines]),
  };
}
