import { Document, isMap, isScalar, type Node, Scalar, type YAMLMap } from "yaml";
import { mapValues } from "../plan/record";
import { ACTION_PINS, type ActionName } from "./action-pins";

/**
 * The part of GitHub's workflow syntax that Slipway's workflows use. Texts are written as they are, expressions
 * (`${{ … }}`) included.
 *
 * @see https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax
 */
export interface Workflow {
  /** The file's name in the host's folder, `release.yml`. */
  readonly file: string;
  /** Lines at the top of the file, without `#`. */
  readonly comment: readonly string[];
  readonly name: string;
  /** The run's title. @default GitHub's */
  readonly runName?: string;
  readonly on: Triggers;
  readonly concurrency?: Concurrency;
  readonly jobs: Readonly<Record<string, Job>>;
}

export interface Triggers {
  /** When a release is published. */
  readonly release?: true;
  readonly push?: { readonly branches?: readonly string[]; readonly tags?: readonly string[] };
  readonly pullRequest?: true;
  readonly schedule?: readonly string[];
  /** The inputs of a run that is started by hand. */
  readonly dispatch?: Readonly<Record<string, Input>>;
}

export interface Input {
  readonly description: string;
  readonly required?: boolean;
  /** Makes it a choice, with the first option as default. */
  readonly options?: readonly string[];
}

export interface Concurrency {
  readonly group: string;
  readonly cancelInProgress: boolean;
  /** `max`: a hundred runs may wait. @default only the newest */
  readonly queue?: "max";
  /** Lines above it, without `#`. */
  readonly comment?: readonly string[];
}

export interface Job {
  readonly name: string;
  readonly needs?: readonly string[];
  readonly if?: string;
  readonly runsOn: string;
  readonly environment?: string;
  /** GitHub's own default is six hours. */
  readonly timeoutMinutes: number;
  readonly permissions: Permissions;
  readonly matrix?: { readonly include: string | readonly Readonly<Record<string, string>>[] };
  readonly outputs?: Readonly<Record<string, string>>;
  /** Where scripts run, relative to the repository. @default the repository */
  readonly workingDirectory?: string;
  readonly steps: readonly Step[];
}

export type Scope = "attestations" | "contents" | "id-token" | "packages" | "pull-requests";
export type Permissions = Readonly<Partial<Record<Scope, "read" | "write">>>;

export type Step = ActionStep | RunStep;

interface AnyStep {
  readonly name: string;
  readonly id?: string;
  readonly if?: string;
  readonly env?: Readonly<Record<string, EnvValue>>;
  /** Lines above it, without `#`. */
  readonly comment?: readonly string[];
}

export interface ActionStep extends AnyStep {
  readonly uses: ActionName;
  readonly with?: Readonly<Record<string, EnvValue | boolean | number | undefined>>;
}

export interface RunStep extends AnyStep {
  /** Lines of a script. It has no expressions: values come from `env`. */
  readonly run: readonly string[];
  readonly shell?: "bash";
}

/** Secrets are not plain text, so that a workflow's secrets can be listed. */
export type EnvValue = string | SecretValue;

export interface SecretValue {
  readonly secret: string;
  /** The expression to use if there is no such secret. */
  readonly otherwise?: string;
  /** Whether the job works without it. @default whether there is an `otherwise` */
  readonly optional?: boolean;
}

export function valueText(value: EnvValue): string {
  if (typeof value === "string") return value;
  const name = `secrets.${value.secret}`;
  return expression(value.otherwise === undefined ? name : `${name} || ${value.otherwise}`);
}

export function expression(text: string): string {
  return `\${{ ${text} }}`;
}

/** A text as one word of a shell's command, in single quotes if it needs them. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9@%_+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A text as a string in an expression: `'it''s'`. */
export function expressionText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A job's id: letters, digits, `_` and `-`, starting with a letter. */
export function jobId(...parts: readonly string[]): string {
  const id = parts.join("-").replace(/[^A-Za-z0-9_-]/g, "-");
  return /^[A-Za-z]/.test(id) ? id : `stack-${id}`;
}

/** A pattern of git tags in GitHub's syntax. There `+` repeats; it is kept after a class (`[0-9]+`), else escaped. */
export function tagFilter(pattern: string): string {
  return pattern.replace(/(?<!\])\+/g, "\\+");
}

export function stem(file: string): string {
  return file.replace(/\.ya?ml$/, "");
}

const DOCUMENT = new Document();

/** The text of a workflow file. The same workflow gives the same text. */
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
    release: release && { types: inline(["published"]) },
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
  const { description, required = false, options } = input;
  return options === undefined
    ? mapping({ description, type: "string", required })
    : mapping({ description, type: "choice", options: inline(options), default: options[0] });
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

function inputText(value: EnvValue | boolean | number | undefined): string | boolean | number | undefined {
  return typeof value === "object" ? valueText(value) : value;
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

/** Keeps the order, drops undefined entries, and leaves values that are nodes already as they are. */
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
