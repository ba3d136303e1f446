import type { Problem } from "../../plan/problem";
import { isRecord } from "../../plan/record";
import { parseYamlText } from "../../settings/yaml-file";
import type { DispatchSettings } from "./settings";

export interface WorkflowFile {
  /** Absent if the workflow has no `workflow_dispatch`. */
  readonly inputs?: Readonly<Record<string, WorkflowInput>>;
  /** The secrets it uses, sorted, without the job's own GITHUB_TOKEN. */
  readonly secrets: readonly string[];
  /** Its jobs' environments, except for expressions. */
  readonly environments: readonly string[];
  /** Whether a job's token may write packages; `default` is the repository's setting. */
  readonly packages: "write" | "none" | "default";
}

export interface WorkflowInput {
  readonly required: boolean;
  readonly hasDefault: boolean;
  /** The options of a choice; empty for other types. */
  readonly options: readonly string[];
}

/** @param path what the file is called in an error @throws ProblemError `config-file` for invalid YAML */
export function readWorkflowFile(path: string, text: string): WorkflowFile {
  const parsed = parseYamlText(path, text);
  const workflow = isRecord(parsed) ? parsed : {};
  const jobs = Object.values(isRecord(workflow.jobs) ? workflow.jobs : {}).filter(isRecord);
  return {
    inputs: declaredInputs(workflow.on),
    secrets: secretNames(text),
    environments: [...new Set(jobs.flatMap(environmentName))].sort(),
    packages: packagesOf(workflow, jobs),
  };
}

/** `on` may be one event, a list of them, or a mapping. */
function declaredInputs(on: unknown): Record<string, WorkflowInput> | undefined {
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
  const given = (jobs.length === 0 ? [workflow] : jobs).map((job) => job.permissions ?? workflow.permissions);
  const isWriting = (permissions: unknown) =>
    permissions === "write-all" || (isRecord(permissions) && permissions.packages === "write");
  if (given.some(isWriting)) return "write";
  return given.some((permissions) => permissions === undefined || permissions === null) ? "default" : "none";
}

/** The names that a workflow may give each input, the preferred one first; `-` and `_` are the same. */
const INPUTS = {
  version: { names: ["version", "release_version", "release_tag", "tag"], flag: "--version vX.Y.Z" },
  inputRef: { names: ["input_ref", "ref", "git_ref"], flag: "--input-ref <ref>" },
  publishVersionTag: {
    names: ["publish_version_tag"],
    flag: "--publish-version-tag or --no-publish-version-tag",
  },
};
const ID_NAMES = ["dispatch_id", "correlation_id"];

export interface DispatchInputs {
  readonly inputs: Readonly<Record<string, string>>;
  /** Whether the dispatch id is among them. */
  readonly identified: boolean;
  readonly problems: readonly Problem[];
}

/**
 * The request as the workflow's own inputs. Without an `inputRef`, the input for a reference gets the version's git tag,
 * so that no workflow releases its branch as that version.
 *
 * @param dispatchId identifies the run, if the workflow has an input for it
 */
export function dispatchInputs(
  {
    version,
    gitTag,
    inputRef,
    publishVersionTag,
  }: Pick<DispatchSettings, keyof typeof INPUTS> & { readonly gitTag?: string },
  declared: Readonly<Record<string, WorkflowInput>>,
  workflow: string,
  dispatchId: string,
): DispatchInputs {
  const find = (names: readonly string[]) =>
    names.flatMap((name) => Object.keys(declared).filter((own) => isSameName(own, name)))[0];
  const inputs: Record<string, string> = {};
  const problems: Problem[] = [];
  const put = (name: string | undefined, value: string, flag: string) => {
    if (name !== undefined) inputs[name] = value;
    else
      problems.push({
        code: "workflow-input",
        path: workflow,
        message: `has no input for ${flag}; it has ${Object.keys(declared).join(", ") || "none"}`,
        hint: "Commit the file that `slipway workflows` writes, or leave the flag out.",
      });
  };

  const versionInput = find(INPUTS.version.names);
  const refInput = find(INPUTS.inputRef.names);
  const tagRef = gitTag === undefined || refInput === undefined ? undefined : `refs/tags/${gitTag}`;
  const ref = inputRef ?? tagRef;
  // The version's own tag in the input for references is enough; any other reference does not imply the version.
  if (version !== undefined && (versionInput !== undefined || ref !== tagRef || ref === undefined))
    put(versionInput, version, "--version");
  if (ref !== undefined) put(refInput, ref, "--input-ref");
  if (publishVersionTag !== undefined) {
    const name = find(INPUTS.publishVersionTag.names);
    const value = wordFor(publishVersionTag, declared[name ?? ""]?.options ?? []);
    put(name, value, publishVersionTag ? "--publish-version-tag" : "--no-publish-version-tag");
  }
  const idInput = find(ID_NAMES);
  if (idInput !== undefined) inputs[idInput] = dispatchId;
  problems.push(...wrongValues(inputs, declared, workflow));
  return { inputs, identified: idInput !== undefined, problems };
}

function isSameName(own: string, name: string): boolean {
  return own.toLowerCase().replaceAll("-", "_") === name;
}

function wordFor(value: boolean, options: readonly string[]): string {
  const words = value ? ["true", "yes", "1"] : ["false", "no", "0"];
  return options.find((option) => words.includes(option.toLowerCase())) ?? String(value);
}

function wrongValues(
  inputs: Readonly<Record<string, string>>,
  declared: Readonly<Record<string, WorkflowInput>>,
  workflow: string,
): Problem[] {
  return Object.entries(declared).flatMap(([name, { required, hasDefault, options }]) => {
    const problem = { code: "workflow-input", path: `${workflow} ${name}` };
    const value = inputs[name];
    if (value === undefined) {
      if (!required || hasDefault) return [];
      const known = Object.values(INPUTS).find(({ names }) => names.some((one) => isSameName(name, one)));
      return [{ ...problem, message: "is required, but has no value", hint: known && `Add ${known.flag}.` }];
    }
    if (options.length === 0 || options.includes(value)) return [];
    return [{ ...problem, message: `${JSON.stringify(value)} is not one of ${options.join(", ")}` }];
  });
}
