import type { Problem } from "../problem";
import type {
  EnvironmentConfig,
  LiveEnvironment,
  LiveRepository,
  LiveRuleset,
  SetupConfig,
  TagRulesConfig,
} from "./config";

/** One thing that a setup declares, held against what is there. */
export interface Slot {
  readonly slot: string;
  readonly exists: boolean;
  /** The provider's id of what is there, where the provider cannot take it over by writing. */
  readonly importId?: string;
  /** Why what is there cannot be taken over. */
  readonly refusal?: Omit<Problem, "path">;
  /** Why it must not be deleted with the stack, though the stack made it. */
  readonly foreign?: string;
  readonly note?: string;
}

export const slots = {
  secret: (name: string) => `secret ${name}`,
  variable: (name: string) => `variable ${name}`,
  environment: (name: string) => `environment ${name}`,
  environmentSecret: (environment: string, name: string) => `environment ${environment}/secret ${name}`,
  environmentVariable: (environment: string, name: string) => `environment ${environment}/variable ${name}`,
  policy: (environment: string, type: "branch" | "tag", pattern: string) =>
    `environment ${environment}/${type} ${pattern}`,
  tagRules: () => "tag rules",
  permissions: () => "permissions of Actions",
  label: (name: string) => `label ${name}`,
  branch: (name: string) => `branch ${name}`,
  file: (path: string) => `file ${path}`,
  pullRequest: () => "pull request",
} as const;

export function slotText(slot: string): string {
  return slot.replace(/^environment ([^/]+)\/(.*)$/, "$2 of environment $1");
}

/** Everything that the configuration asks for, in the order in which it is shown. */
export function contentSlots(
  config: SetupConfig,
  live: LiveRepository,
  repository: string,
  branch: string | undefined,
): Slot[] {
  return [
    ...Object.keys(config.secrets).map((name) => ({
      slot: slots.secret(name),
      exists: live.secrets.includes(name),
    })),
    ...variableSlots(slots.variable, config.variables, live.variables, repository),
    ...Object.entries(config.environments).flatMap(([name, desired]) =>
      environmentSlots(name, desired, live.environments[name], repository),
    ),
    ...(config.tagRules === undefined ? [] : [tagRulesSlot(config.tagRules, live.rulesets, repository)]),
    // Every repository has them; a stack that is destroyed leaves them as they are.
    ...(config.permissions === undefined ? [] : [{ slot: slots.permissions(), exists: true }]),
    ...config.labels.map(({ name }) => ({
      slot: slots.label(name),
      exists: live.labels.some((label) => label.toLowerCase() === name.toLowerCase()),
    })),
    ...(branch === undefined ? [] : fileSlots(config, live, branch)),
  ];
}

function variableSlots(
  slot: (name: string) => string,
  desired: Readonly<Record<string, string>>,
  live: Readonly<Record<string, string>>,
  id: string,
): Slot[] {
  return Object.entries(desired).map(([name, value]): Slot => {
    const found = live[name];
    if (found === undefined) return { slot: slot(name), exists: false };
    const refusal = {
      code: "github-variable-taken",
      message: `is there with the value ${JSON.stringify(found)}, and ${JSON.stringify(value)} is configured`,
      hint: "Give it the configured value on GitHub, or delete it there, or configure what it has; then it is adopted",
    };
    return {
      slot: slot(name),
      exists: true,
      importId: `${id}:${name}`,
      refusal: found === value ? undefined : refusal,
    };
  });
}

function environmentSlots(
  name: string,
  desired: EnvironmentConfig,
  live: LiveEnvironment | undefined,
  repository: string,
): Slot[] {
  const found = live ?? { secrets: [], variables: {}, policies: [] };
  const foreign = [
    ...found.secrets.filter((secret) => !(secret in desired.secrets)),
    ...Object.keys(found.variables).filter((variable) => !(variable in desired.variables)),
  ];
  const policy = (type: "branch" | "tag", pattern: string): Slot => {
    const known = found.policies.find((one) => one.name === pattern && one.type === type);
    return {
      slot: slots.policy(name, type, pattern),
      exists: known !== undefined,
      importId: known && `${repository}:${name}:${known.id}`,
    };
  };
  return [
    {
      slot: slots.environment(name),
      exists: live !== undefined,
      foreign:
        foreign.length === 0
          ? undefined
          : `is never deleted, since it holds ${foreign.join(", ")}, which this stack did not make`,
    },
    ...desired.tags.map((pattern) => policy("tag", pattern)),
    ...desired.branches.map((pattern) => policy("branch", pattern)),
    ...Object.keys(desired.secrets).map((secret) => ({
      slot: slots.environmentSecret(name, secret),
      exists: found.secrets.includes(secret),
    })),
    ...variableSlots(
      (variable) => slots.environmentVariable(name, variable),
      desired.variables,
      found.variables,
      `${repository}:${name}`,
    ),
  ];
}

function tagRulesSlot(desired: TagRulesConfig, live: readonly LiveRuleset[], repository: string): Slot {
  const found = live.find(({ name }) => name === desired.name);
  if (found === undefined) return { slot: slots.tagRules(), exists: false };
  const includes = desired.patterns.map(tagRef).sort();
  const fits =
    found.target === "tag" &&
    found.enforcement === "active" &&
    found.excludes.length === 0 &&
    [...found.includes].sort().join("\n") === includes.join("\n") &&
    [...found.rules].sort().join() === "deletion,update";
  const refusal = {
    code: "github-ruleset-taken",
    message: `a ruleset named ${JSON.stringify(desired.name)} is there, and says something else`,
    hint: "Delete or rename it on GitHub, or give this one another name: slipway:github.tagRules.name",
  };
  return {
    slot: slots.tagRules(),
    exists: true,
    importId: `${repository}:${found.id}`,
    refusal: fits ? undefined : refusal,
  };
}

/** A ruleset's name of a pattern of git tags. */
export function tagRef(pattern: string): string {
  return `refs/tags/${pattern}`;
}

function fileSlots(config: SetupConfig, live: LiveRepository, branch: string): Slot[] {
  if (config.files.length === 0) return [];
  const files = config.files.map(({ path, content }): Slot => {
    const found = live.files[path];
    const differs = found !== undefined && found !== content;
    return {
      slot: slots.file(path),
      exists: found !== undefined,
      note: differs ? "differs on GitHub" : undefined,
    };
  });
  const own = branch === live.defaultBranch ? [] : [{ slot: slots.branch(branch), exists: live.hasBranch }];
  const pullRequest = config.pullRequest ? [{ slot: slots.pullRequest(), exists: live.hasPullRequest }] : [];
  return [...own, ...files, ...pullRequest];
}
