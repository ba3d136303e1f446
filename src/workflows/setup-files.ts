import type { WorkflowStack } from "../plan/config";
import {
  DEFAULT_BRANCH,
  type EnvironmentConfig,
  type SetupConfig,
  type SetupFile,
  type UsedSecret,
} from "../plan/setup/config";
import { workflowFiles } from "./generate";
import type { EnvValue, Workflow } from "./model";
import { environmentOf, versionTags } from "./stack";

/**
 * Adds to a setup what the project's workflows need: their files (unless the setup has a file of that path), the refs
 * that may deploy, and rules for their git tags.
 *
 * @throws ProblemError if the workflows' settings are wrong
 */
export function withWorkflows(config: SetupConfig, stacks: readonly WorkflowStack[]): SetupConfig {
  const named = new Set(config.files.map(({ path }) => path));
  const made = (config.workflowFiles ? workflowFiles(stacks) : []).flatMap((file): SetupFile[] =>
    file.host === "github" && !named.has(file.path)
      ? [{ path: file.path, content: file.text, uses: secretUses([file.workflow]) }]
      : [],
  );
  const { tagRules } = config;
  const released = stacks.filter(({ workflows }) => workflows.release !== undefined).flatMap(versionTags);
  return {
    ...config,
    files: [...config.files, ...made],
    environments: Object.fromEntries(
      Object.entries(config.environments).map(([name, one]) => [name, withRefs(name, one, stacks)]),
    ),
    tagRules: tagRules && { ...tagRules, patterns: distinct([...tagRules.patterns, ...released]) },
  };
}

/** By default only the refs that start an environment's jobs may deploy there. */
function withRefs(
  name: string,
  environment: EnvironmentConfig,
  stacks: readonly WorkflowStack[],
): EnvironmentConfig {
  if (environment.refs !== "default") return environment;
  const starts = stacks.flatMap((stack) => startsIn(name, stack, stacks));
  if (starts.length === 0) return environment;
  return {
    ...environment,
    tags: distinct(starts.flatMap(({ tags = [] }) => tags)),
    branches: distinct(starts.flatMap(({ branches = [] }) => branches)),
  };
}

interface Starts {
  readonly tags?: readonly string[];
  readonly branches?: readonly string[];
}

function startsIn(name: string, stack: WorkflowStack, stacks: readonly WorkflowStack[]): Starts[] {
  const { workflows, config } = stack;
  const { release, deploy, promote, drift } = workflows;
  const checked = drift?.environment === name ? [{ branches: [DEFAULT_BRANCH] }] : [];
  if (environmentOf(stack) !== name) return checked;
  // Unless a tag is required, a user may release any commit of the default branch.
  const byHand = config.requireTag ? [] : [DEFAULT_BRANCH];
  const source = config.promote?.source;
  const followed = stacks.filter(
    (other) => promote?.follow === true && source?.kind === "stack" && other.stack === source.stack,
  );
  return [
    ...checked,
    ...(release === undefined ? [] : [{ tags: versionTags(stack), branches: byHand }]),
    ...(deploy === undefined ? [] : [{ branches: deploy.branches }]),
    ...(promote === undefined ? [] : [{ tags: versionTags(stack) }]),
    ...followed.map((other) => ({ branches: other.workflows.deploy?.branches ?? [] })),
  ];
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort();
}

/** Every secret that the workflows use, optional ones too: one entry for each name and environment, sorted. */
export function secretUses(workflows: readonly Workflow[]): UsedSecret[] {
  const found = new Map<string, UsedSecret>();
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
          environment,
          optional: use.optional && (known?.optional ?? true),
          files: [...new Set([...(known?.files ?? []), file])].sort(),
        });
      }
    }
  }
  return [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, use]) => use);
}

function secretIn(value: EnvValue | boolean | number | undefined): { name: string; optional: boolean }[] {
  if (typeof value !== "object") return [];
  return [{ name: value.secret, optional: value.optional ?? value.otherwise !== undefined }];
}
