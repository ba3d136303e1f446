import type { Problem } from "../problem";
import type {
  EnvironmentConfig,
  LiveEnvironment,
  LiveRepository,
  LiveRuleset,
  SetupConfig,
  TagRulesConfig,
} from "./config";

/** A part of the configuration, compared with the repository. */
interface FoundItem {
  readonly key: string;
  readonly exists: boolean;
  /** The provider's id of an existing part, if adopting it means importing it. */
  readonly importId?: string;
  /** Why an existing part cannot be adopted. */
  readonly refusal?: Omit<Problem, "path">;
  /** Why it is not deleted with the stack, although the stack made it. */
  readonly foreign?: string;
  readonly note?: string;
}

export const itemKeys = {
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

export function keyText(key: string): string {
  return key.replace(/^environment ([^/]+)\/(.*)$/, "$2 of environment $1");
}

/** All parts of the configuration, in the order in which they are shown. */
export function foundItems(
  config: SetupConfig,
  live: LiveRepository,
  repository: string,
  branch: string | undefined,
): FoundItem[] {
  return [
    ...Object.keys(config.secrets).map((name) => ({
      key: itemKeys.secret(name),
      exists: live.secrets.includes(name),
    })),
    ...variableItems(itemKeys.variable, config.variables, live.variables, repository),
    ...Object.entries(config.environments).flatMap(([name, desired]) =>
      environmentItems(name, desired, live.environments[name], repository),
    ),
    ...(config.tagRules === undefined ? [] : [tagRulesItem(config.tagRules, live.rulesets, repository)]),
    // Every repository has them, so they are never deleted.
    ...(config.permissions === undefined ? [] : [{ key: itemKeys.permissions(), exists: true }]),
    ...config.labels.map(({ name }) => ({
      key: itemKeys.label(name),
      exists: live.labels.some((label) => label.toLowerCase() === name.toLowerCase()),
    })),
    ...(branch === undefined ? [] : fileItems(config, live, branch)),
  ];
}

function variableItems(
  key: (name: string) => string,
  desired: Readonly<Record<string, string>>,
  live: Readonly<Record<string, string>>,
  id: string,
): FoundItem[] {
  return Object.entries(desired).map(([name, value]): FoundItem => {
    const found = live[name];
    if (found === undefined) return { key: key(name), exists: false };
    const refusal = {
      code: "github-variable-taken",
      message: `is there with the value ${JSON.stringify(found)}, and ${JSON.stringify(value)} is configured`,
      hint: "Give it the configured value on GitHub, or delete it there, or configure what it has; then it is adopted",
    };
    return {
      key: key(name),
      exists: true,
      importId: `${id}:${name}`,
      refusal: found === value ? undefined : refusal,
    };
  });
}

function environmentItems(
  name: string,
  desired: EnvironmentConfig,
  live: LiveEnvironment | undefined,
  repository: string,
): FoundItem[] {
  const found = live ?? { secrets: [], variables: {}, policies: [] };
  const foreign = [
    ...found.secrets.filter((secret) => !(secret in desired.secrets)),
    ...Object.keys(found.variables).filter((variable) => !(variable in desired.variables)),
  ];
  const policy = (type: "branch" | "tag", pattern: string): FoundItem => {
    const known = found.policies.find((one) => one.name === pattern && one.type === type);
    return {
      key: itemKeys.policy(name, type, pattern),
      exists: known !== undefined,
      importId: known && `${repository}:${name}:${known.id}`,
    };
  };
  return [
    {
      key: itemKeys.environment(name),
      exists: live !== undefined,
      foreign:
        foreign.length === 0
          ? undefined
          : `is never deleted, since it holds ${foreign.join(", ")}, which this stack did not make`,
    },
    ...desired.tags.map((pattern) => policy("tag", pattern)),
    ...desired.branches.map((pattern) => policy("branch", pattern)),
    ...Object.keys(desired.secrets).map((secret) => ({
      key: itemKeys.environmentSecret(name, secret),
      exists: found.secrets.includes(secret),
    })),
    ...variableItems(
      (variable) => itemKeys.environmentVariable(name, variable),
      desired.variables,
      found.variables,
      `${repository}:${name}`,
    ),
  ];
}

function tagRulesItem(desired: TagRulesConfig, live: readonly LiveRuleset[], repository: string): FoundItem {
  const found = live.find(({ name }) => name === desired.name);
  if (found === undefined) return { key: itemKeys.tagRules(), exists: false };
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
    key: itemKeys.tagRules(),
    exists: true,
    importId: `${repository}:${found.id}`,
    refusal: fits ? undefined : refusal,
  };
}

/** A pattern of git tags, as a ruleset writes it. */
export function tagRef(pattern: string): string {
  return `refs/tags/${pattern}`;
}

function fileItems(config: SetupConfig, live: LiveRepository, branch: string): FoundItem[] {
  if (config.files.length === 0) return [];
  const files = config.files.map(({ path, content }): FoundItem => {
    const found = live.files[path];
    const differs = found !== undefined && found !== content;
    return {
      key: itemKeys.file(path),
      exists: found !== undefined,
      note: differs ? "differs on GitHub" : undefined,
    };
  });
  const own = branch === live.defaultBranch ? [] : [{ key: itemKeys.branch(branch), exists: live.hasBranch }];
  const pullRequest = config.pullRequest
    ? [{ key: itemKeys.pullRequest(), exists: live.hasPullRequest }]
    : [];
  return [...own, ...files, ...pullRequest];
}
