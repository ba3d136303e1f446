import { parseYamlText } from "../../config/yaml-file";
import { isRecord } from "../../plan/record";

/** What a workflow's file says about dispatching it. */
export interface WorkflowFile {
  /** Absent where it does not start by `workflow_dispatch`. */
  readonly inputs?: Readonly<Record<string, WorkflowInput>>;
  /** Secrets that it names, sorted, without the job's own GITHUB_TOKEN. */
  readonly secrets: readonly string[];
  /** Environments that its jobs name as plain text. */
  readonly environments: readonly string[];
  /** Whether a job's token may write packages; `unsaid` leaves it to the repository's setting. */
  readonly packages: "write" | "none" | "unsaid";
}

export interface WorkflowInput {
  readonly required: boolean;
  readonly type: string;
  readonly hasDefault: boolean;
  /** Of a choice; empty otherwise. */
  readonly options: readonly string[];
}

/** @param path what the file is called in an error @throws ProblemError `config-file` for what is no YAML */
export function readWorkflowFile(path: string, text: string): WorkflowFile {
  const parsed = parseYamlText(path, text);
  const workflow = isRecord(parsed) ? parsed : {};
  const jobs = Object.values(isRecord(workflow.jobs) ? workflow.jobs : {}).filter(isRecord);
  const inputs = dispatchInputs(workflow.on);
  return {
    ...(inputs === undefined ? {} : { inputs }),
    secrets: secretNames(text),
    environments: [...new Set(jobs.flatMap(environmentName))].sort(),
    packages: packagesOf(workflow, jobs),
  };
}

/** `on` may be one event, a list of them, or a mapping. */
function dispatchInputs(on: unknown): Record<string, WorkflowInput> | undefined {
  if (on === "workflow_dispatch" || (Array.isArray(on) && on.includes("workflow_dispatch"))) return {};
  if (!isRecord(on) || !Object.hasOwn(on, "workflow_dispatch")) return undefined;
  const dispatch = on.workflow_dispatch;
  const inputs = isRecord(dispatch) && isRecord(dispatch.inputs) ? dispatch.inputs : {};
  return Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, readInput(input)]));
}

function readInput(value: unknown): WorkflowInput {
  const input = isRecord(value) ? value : {};
  return {
    required: input.required === true,
    type: typeof input.type === "string" ? input.type : "string",
    hasDefault: input.default !== undefined && input.default !== "",
    options: Array.isArray(input.options) ? input.options.map(String) : [],
  };
}

function secretNames(text: string): string[] {
  const uncommented = text.replace(/^\s*#.*$/gm, "");
  const found = [...uncommented.matchAll(/\bsecrets\.([A-Za-z_][A-Za-z0-9_]*)/g)].map(([, name = ""]) =>
    name.toUpperCase(),
  );
  return [...new Set(found)].filter((name) => name !== "GITHUB_TOKEN").sort();
}

function environmentName({ environment }: Readonly<Record<string, unknown>>): string[] {
  const name = isRecord(environment) ? environment.name : environment;
  return typeof name === "string" && !name.includes("${{") ? [name] : [];
}

/** A job's permissions replace the workflow's. */
function packagesOf(
  workflow: Readonly<Record<string, unknown>>,
  jobs: readonly Readonly<Record<string, unknown>>[],
): WorkflowFile["packages"] {
  const told = (jobs.length === 0 ? [workflow] : jobs).map((job) => job.permissions ?? workflow.permissions);
  if (told.some(writesPackages)) return "write";
  return told.some((permissions) => permissions === undefined || permissions === null) ? "unsaid" : "none";
}

function writesPackages(permissions: unknown): boolean {
  return permissions === "write-all" || (isRecord(permissions) && permissions.packages === "write");
}
