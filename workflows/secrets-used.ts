import type { EnvValue, Workflow } from "./model";

/** One secret that some job reads. */
export interface SecretUse {
  readonly name: string;
  /** The environment that may hold it; absent for a job without one, which sees the repository's secrets alone. */
  readonly environment?: string;
  /** Something else serves where it is missing. */
  readonly optional: boolean;
  /** The files that use it, sorted. */
  readonly files: readonly string[];
}

/** Every secret that workflows use, optional ones too; one entry for each name and environment, sorted. */
export function secretUses(workflows: readonly Workflow[]): SecretUse[] {
  const found = new Map<string, SecretUse>();
  for (const { file, jobs } of workflows) {
    for (const { environment, steps } of Object.values(jobs)) {
      const values = steps.flatMap((step) => [
        ...Object.values(step.env ?? {}),
        ...("uses" in step ? Object.values(step.with ?? {}) : []),
      ]);
      for (const use of values.flatMap(secretIn)) {
        const key = `${use.name}\n${environment ?? ""}`;
        const known = found.get(key);
        found.set(key, {
          name: use.name,
          ...(environment === undefined ? {} : { environment }),
          optional: use.optional && (known?.optional ?? true),
          files: [...new Set([...(known?.files ?? []), file])].sort(),
        });
      }
    }
  }
  return [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, use]) => use);
}

/** Names of the secrets without which a workflow fails, sorted. `secretUses` has the optional ones too. */
export function secretsUsed(workflows: readonly Workflow[]): string[] {
  const needed = secretUses(workflows).filter(({ optional }) => !optional);
  return [...new Set(needed.map(({ name }) => name))].sort();
}

function secretIn(value: EnvValue | boolean | number): { name: string; optional: boolean }[] {
  if (typeof value !== "object") return [];
  return [{ name: value.secret, optional: value.optional ?? value.otherwise !== undefined }];
}
