import type { Problem } from "../problem";
import type { SetupFile } from "./config";

/** GitHub gives this one to every job. */
const GIVEN = "GITHUB_TOKEN";

/** A secret that a workflow uses. */
export interface UsedSecret {
  readonly name: string;
  /** The workflows that use it. */
  readonly files: readonly string[];
  /** Where the job that uses it looks first; absent for the repository's own. */
  readonly environment?: string;
  /** The workflow asks whether it is there (`secrets.X != ''`), so it may be absent. */
  readonly optional: boolean;
}

/** The secrets that workflow files use, sorted by name. Other files use none. */
export function usedSecrets(files: readonly SetupFile[]): UsedSecret[] {
  const workflows = files.filter(({ path }) => /(^|\/)workflows\/[^/]+\.ya?ml$/.test(path));
  const uses = workflows.flatMap(({ path, content, uses: known }) => {
    if (known !== undefined) return known.map(({ optional, ...use }) => ({ ...use, path, asked: optional }));
    return [
      ...content.matchAll(/\bsecrets(?:\.|\[['"])([A-Za-z_][A-Za-z0-9_]*)(?:['"]\])?(\s*!=\s*(''|""))?/g),
    ].map(([, name = "", asked]) => ({
      name: name.toUpperCase(),
      environment: undefined,
      path,
      asked: asked !== undefined,
    }));
  });
  const names = [...new Set(uses.map(({ name }) => name))].filter((name) => name !== GIVEN).sort();
  return names.map((name) => {
    const of = uses.filter((use) => use.name === name);
    const environment = of.find((use) => use.environment !== undefined)?.environment;
    return {
      name,
      ...(environment === undefined ? {} : { environment }),
      files: [...new Set(of.map(({ path }) => path))].sort(),
      optional: of.some(({ asked }) => asked),
    };
  });
}

/**
 * Secrets that workflows use and nothing provides: a release would fail with an empty password.
 *
 * @param provided names that the setup makes, and those that the repository, its environments or its organization have
 */
export function missingSecrets(used: readonly UsedSecret[], provided: ReadonlySet<string>): Problem[] {
  return used
    .filter(({ name, optional }) => !optional && !provided.has(name))
    .map(({ name, environment, files }) => {
      const path = `github.${environment === undefined ? "" : `environments.${environment}.`}secrets.${name}`;
      return {
        code: "github-secret-missing",
        path,
        message: `is used by ${files.join(", ")}, and nothing provides it`,
        hint: `Set it: pulumi config set --secret --path 'slipway:${path}'`,
      };
    });
}
