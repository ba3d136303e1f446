/**
 * Something a user has to know about or fix: in a configuration, a plan or a registry.
 * Codes are stable; texts are not.
 */
export interface Problem {
  /** Stable, kebab-case, for scripts and documentation: `config-unknown-key`, `tag-write-once`. */
  readonly code: string;
  /** Where it stands: a path into the configuration (`images[2].platforms[0]`) or a reference. */
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
}

/** One or more problems that stop what was asked for, all at once. */
export class ProblemError extends Error {
  readonly problems: readonly Problem[];

  constructor(title: string, problems: readonly Problem[]) {
    super([title, ...problems.map(formatProblem)].join("\n"));
    this.name = "ProblemError";
    this.problems = problems;
  }
}

export function formatProblem(problem: Problem): string {
  const first = `  ${problem.path}: ${problem.message} [${problem.code}]`;
  return problem.hint === undefined ? first : `${first}\n    ${problem.hint.replaceAll("\n", "\n    ")}`;
}

/** Each once: several checks may find the same thing. */
export function withoutRepeats(problems: readonly Problem[]): Problem[] {
  const keys = problems.map(({ path, message }) => `${path}\n${message}`);
  return problems.filter((_, index) => keys.indexOf(keys[index] ?? "") === index);
}

/** The message of anything that was thrown. Node's error for several failed connections has messages inside only. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== "") return error.message;
  return error instanceof AggregateError ? error.errors.map(reasonOf).join("; ") : error.name;
}
