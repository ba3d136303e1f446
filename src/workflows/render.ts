import { Document, isMap, isScalar, type Node, Scalar, type YAMLMap } from "yaml";
import { mapValues } from "../plan/record";
import { ACTION_PINS } from "./action-pins";
import {
  type Concurrency,
  type EnvValue,
  type Input,
  type Job,
  type Permissions,
  type Scope,
  type Step,
  type Triggers,
  valueText,
  type Workflow,
} from "./model";

const DOCUMENT = new Document();

/** The text of a workflow file: the same workflow is the same text, with a final newline. */
export function renderWorkflow(workflow: Workflow): string {
  const document = new Document();
  const { name, runName, on, concurrency, jobs } = workflow;
  const root = mapping({
    name,
    "run-name": runName,
    on: triggers(on),
    permissions: {},
    concurrency: concurrency && renderConcurrency(concurrency),
    jobs: mapValues(jobs, renderJob),
  });
  document.contents = root;
  document.commentBefore = commentLines(workflow.comment);
  spaceOut(root, 1);
  const jobMap = root.get("jobs", true);
  if (isMap(jobMap)) spaceOut(jobMap, 1);
  return document.toString({ lineWidth: 0, flowCollectionPadding: false, nullStr: "" });
}

function triggers({ release, push, pullRequest, schedule, dispatch }: Triggers): YAMLMap {
  return mapping({
    release: release && { types: inline(release.types) },
    push: push && { branches: push.branches && inline(push.branches), tags: push.tags && inline(push.tags) },
    pull_request: pullRequest && new Scalar(null),
    schedule: schedule?.map((cron) => ({ cron: quoted(cron) })),
    workflow_dispatch: dispatch && renderDispatch(dispatch),
  });
}

function renderDispatch(inputs: Readonly<Record<string, Input>>): Node {
  return Object.keys(inputs).length === 0
    ? new Scalar(null)
    : mapping({ inputs: mapValues(inputs, renderInput) });
}

function renderInput(input: Input): YAMLMap {
  const { description, type } = input;
  return type === "choice"
    ? mapping({ description, type, options: inline(input.options), default: input.default })
    : mapping({ description, type, required: input.required });
}

function renderConcurrency({ group, cancelInProgress, queue, comment }: Concurrency): YAMLMap {
  const map = mapping({ group, "cancel-in-progress": cancelInProgress, queue });
  if (comment !== undefined) map.commentBefore = commentLines(comment);
  return map;
}

function renderJob(job: Job): YAMLMap {
  const { workingDirectory, needs, matrix } = job;
  return mapping({
    name: job.name,
    needs: needs === undefined ? undefined : needs.length === 1 ? needs[0] : inline(needs),
    if: job.if,
    "runs-on": job.runsOn,
    environment: job.environment,
    "timeout-minutes": job.timeoutMinutes,
    permissions: permissions(job.permissions),
    strategy: matrix && { "fail-fast": false, matrix },
    outputs: job.outputs,
    defaults: workingDirectory && { run: { "working-directory": workingDirectory } },
    steps: steps(job.steps),
  });
}

const REASONS: Readonly<Record<Scope, string>> = {
  attestations: "GitHub keeps the attestation",
  contents: "check out",
  "id-token": "sign as this workflow",
  packages: "GHCR",
  "pull-requests": "comment",
};

function permissions(granted: Permissions): YAMLMap {
  return mapping(
    Object.fromEntries(
      Object.entries(granted).map(([scope, access]) => {
        const scalar = new Scalar(access);
        const reason = Object.entries(REASONS).find(([known]) => known === scope)?.[1];
        scalar.comment = ` ${reason}`;
        return [scope, scalar];
      }),
    ),
  );
}

function steps(list: readonly Step[]): readonly YAMLMap[] {
  return list.map((step, index) => {
    const rendered = renderStep(step);
    rendered.spaceBefore = index > 0;
    return rendered;
  });
}

function renderStep(step: Step): YAMLMap {
  const { name, id, comment, env = {} } = step;
  const map = mapping({
    name,
    id,
    if: step.if,
    ...("uses" in step
      ? { uses: pinned(step.uses), with: step.with && mapValues(step.with, inputText) }
      : { shell: step.shell, run: script(step.run) }),
    env: Object.keys(env).length === 0 ? undefined : mapValues(env, valueText),
  });
  if (comment !== undefined) map.commentBefore = commentLines(comment);
  return map;
}

function inputText(value: EnvValue | boolean | number): string | boolean | number {
  return typeof value === "boolean" || typeof value === "number" ? value : valueText(value);
}

/** `owner/name@<commit> # v1.2.3`. */
function pinned(name: keyof typeof ACTION_PINS): Scalar {
  const { commit, version } = ACTION_PINS[name];
  const scalar = new Scalar(`${name}@${commit}`);
  scalar.comment = ` ${version}`;
  return scalar;
}

function script(lines: readonly string[]): Scalar {
  if (lines.length === 1) return new Scalar(lines[0]);
  const scalar = new Scalar(`${lines.join("\n")}\n`);
  scalar.type = Scalar.BLOCK_LITERAL;
  return scalar;
}

function quoted(text: string): Scalar {
  const scalar = new Scalar(text);
  scalar.type = Scalar.QUOTE_DOUBLE;
  return scalar;
}

function inline(values: readonly unknown[]): Node {
  return DOCUMENT.createNode(values, { flow: true });
}

/** Entries in their order; undefined ones are left out, and what is a node already stays it. */
function mapping(entries: Readonly<Record<string, unknown>>): YAMLMap {
  const map = DOCUMENT.createNode(entries, { aliasDuplicateObjects: false });
  if (!isMap(map)) throw new TypeError("an object is a mapping");
  return map;
}

function spaceOut(map: YAMLMap, from: number): void {
  for (const { key } of map.items.slice(from)) if (isScalar(key)) key.spaceBefore = true;
}

function commentLines(lines: readonly string[]): string {
  return lines.map((line) => ` ${line}`).join("\n");
}
