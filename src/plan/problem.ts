/** Something in a configuration, a plan or a registry that a user has to fix. Codes are stable, texts are not. */
export interface Problem {
  /** In kebab-case: `config-unknown-key`, `tag-write-once`. */
  readonly code: string;
  /** A path in the configuration (`images[2].platforms[0]`), or a reference. */
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
}

/** Stops a run, with all of its problems. */
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

/** Several checks may find the same problem. */
export function withoutRepeats<T extends Problem>(problems: readonly T[]): T[] {
  const keys = problems.map(({ path, message }) => `${path}\n${message}`);
  return problems.filter((_, index) => keys.indexOf(keys[index] ?? "") === index);
}

/** The message of anything that is thrown. Node's error for several failed connections only has messages inside. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== "") return error.message;
  return error instanceof AggregateError ? error.errors.map(reasonOf).join("; ") : error.name;
}
