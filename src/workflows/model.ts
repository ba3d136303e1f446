import type { ActionName } from "./action-pins";

/**
 * GitHub's workflow syntax, as far as Slipway's workflows use it. Texts are as they stand in the file, expressions
 * (`${{ … }}`) included; what belongs to the file's looks is the renderer's.
 *
 * @see https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax
 */
export interface Workflow {
  /** The file's name in the host's folder, `release.yml`. */
  readonly file: string;
  /** Lines above everything, without `#`. */
  readonly comment: readonly string[];
  readonly name: string;
  /** The run's title in the list of runs. Default: GitHub's. */
  readonly runName?: string;
  readonly on: Triggers;
  readonly concurrency?: Concurrency;
  readonly jobs: Readonly<Record<string, Job>>;
}

export interface Triggers {
  readonly release?: { readonly types: readonly ["published"] };
  readonly push?: { readonly branches?: readonly string[]; readonly tags?: readonly string[] };
  readonly pullRequest?: true;
  readonly schedule?: readonly string[];
  /** What a person may type in; empty for nothing. */
  readonly dispatch?: Readonly<Record<string, Input>>;
}

export type Input =
  | { readonly description: string; readonly type: "string"; readonly required: boolean }
  | {
      readonly description: string;
      readonly type: "choice";
      readonly options: readonly string[];
      readonly default: string;
    };

export interface Concurrency {
  readonly group: string;
  readonly cancelInProgress: boolean;
  /** `max`: a hundred runs may wait. Default: the newest alone. */
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
  /** A job without is killed after six hours. */
  readonly timeoutMinutes: number;
  readonly permissions: Permissions;
  readonly matrix?: { readonly include: string | readonly Readonly<Record<string, string>>[] };
  readonly outputs?: Readonly<Record<string, string>>;
  /** Where scripts run, relative to the repository. Default: the repository. */
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
  readonly with?: Readonly<Record<string, EnvValue | boolean | number>>;
}

export interface RunStep extends AnyStep {
  /** Lines of a script, without expressions: values come by `env`. */
  readonly run: readonly string[];
  readonly shell?: "bash";
}

/** A text, or a secret, so that a workflow's secrets can be listed. */
export type EnvValue = string | SecretValue;

export interface SecretValue {
  readonly secret: string;
  /** An expression that counts where there is no such secret. */
  readonly otherwise?: string;
  /** Nothing fails without it. Default: there is an `otherwise`. */
  readonly optional?: boolean;
}

export function valueText(value: EnvValue): string {
  if (typeof value === "string") return value;
  const name = `secrets.${value.secret}`;
  return expression(value.otherwise === undefined ? name : `${name} || ${value.otherwise}`);
}

export function textInput(description: string, required = false): Input {
  return { description, type: "string", required };
}

export function expression(text: string): string {
  return `\${{ ${text} }}`;
}

/** A value as one word of a shell's line, in single quotes where it needs any. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9@%_+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A text as a string of an expression: `'it''s'`. */
export function expressionText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A job's id: letters, digits, `_` and `-`, beginning with a letter. */
export function jobId(...parts: readonly string[]): string {
  const id = parts.join("-").replace(/[^A-Za-z0-9_-]/g, "-");
  return /^[A-Za-z]/.test(id) ? id : `stack-${id}`;
}

/** A pattern of git tags in GitHub's syntax, where `+` repeats what is before it: here only a class (`[0-9]+`). */
export function tagFilter(pattern: string): string {
  return pattern.replace(/(?<!\])\+/g, "\\+");
}

export function stem(file: string): string {
  return file.replace(/\.ya?ml$/, "");
}
