import type { Problem } from "../problem";
import { isRecord, isText } from "../record";
import {
  DEFAULT_BRANCH,
  type LiveRepository,
  type Reviewer,
  type SetupConfig,
  type SetupFile,
  type UsedSecret,
} from "./config";
import { foundItems, keyText } from "./items";

/** The stack's output that says what it made and what it adopted. */
export interface SetupOwnership {
  /** Keys of what the stack made. It is deleted when it leaves the configuration. */
  readonly made: readonly string[];
  /** Keys of what existed before. It is kept up to date, and never deleted. */
  readonly adopted: readonly string[];
}

export function ownershipIn(output: unknown): SetupOwnership | undefined {
  if (output === undefined) return undefined;
  const { made, adopted } = isRecord(output) ? output : {};
  const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter(isText) : []);
  return { made: texts(made), adopted: texts(adopted) };
}

export interface SetupItem {
  /** Its stable name. @example environment prod/secret TOKEN */
  readonly key: string;
  /** `make`: it is missing. `adopt`: it exists, but not in this stack. `managed`: it exists in this stack. */
  readonly action: "make" | "adopt" | "managed";
  /** Deleted from GitHub when it leaves the configuration or the stack is destroyed. */
  readonly deletable: boolean;
  /** The provider's id, if adopting means importing. */
  readonly importId?: string;
  readonly note?: string;
}

/** Without a refresh, the engine only compares with its state. */
const REFRESH = "`pulumi up --refresh` fixes it";

/** Everything that a setup will declare, and what prevents it. */
export interface SetupPlan {
  readonly config: SetupConfig;
  readonly owner: string;
  readonly repository: string;
  readonly items: Readonly<Record<string, SetupItem>>;
  /** Environment -> its reviewers. */
  readonly reviewers: Readonly<Record<string, readonly Reviewer[]>>;
  /** The branch for files; undefined if the pull request was merged with all of them. */
  readonly branch: string | undefined;
  readonly defaultBranch: string;
  readonly ownership: SetupOwnership;
  readonly problems: readonly Problem[];
}

/** Decides which parts of a repository are made, adopted or kept. */
export function assembleSetupPlan(input: {
  readonly config: SetupConfig;
  readonly live: LiveRepository;
  readonly previous?: SetupOwnership;
}): SetupPlan {
  const { live, previous = { made: [], adopted: [] } } = input;
  const config = withDefaultBranch(input.config, live.defaultBranch);
  const [owner = "", repository = ""] = config.repository.split("/");
  const pending = config.files.some(({ path, content }) => live.mergedFiles[path] !== content);
  const branch = config.pullRequest && !pending ? undefined : (config.branch ?? live.defaultBranch);
  const found = foundItems(config, live, repository, branch);
  const items = found.map(({ key, exists, importId, foreign, note }): SetupItem => {
    const isOurs = previous.made.includes(key);
    const isAdopted = previous.adopted.includes(key) || (exists && !isOurs);
    const action = !exists ? "make" : previous.adopted.includes(key) || isOurs ? "managed" : "adopt";
    const notes = [
      isOurs && !exists ? `is missing on GitHub, ${REFRESH}` : undefined,
      foreign,
      note && (action === "adopt" ? `${note}, and is replaced` : `${note}, ${REFRESH}`),
    ].filter((text) => text !== undefined);
    return {
      key,
      action,
      deletable: !isAdopted && foreign === undefined,
      importId: isAdopted && exists ? importId : undefined,
      note: notes.length === 0 ? undefined : notes.join("; "),
    };
  });
  const known = (key: string) => previous.made.includes(key) || previous.adopted.includes(key);
  const isAdopted = ({ key, action }: SetupItem) => previous.adopted.includes(key) || action === "adopt";
  const provided = new Set([
    ...Object.keys(config.secrets),
    ...Object.values(config.environments).flatMap(({ secrets }) => Object.keys(secrets)),
    ...live.secrets,
    ...live.organizationSecrets,
    ...Object.values(live.environments).flatMap(({ secrets }) => secrets),
  ]);
  return {
    config,
    owner,
    repository,
    items: Object.fromEntries(items.map((item) => [item.key, item])),
    reviewers: Object.fromEntries(
      Object.entries(config.environments).map(([name, { reviewers }]) => [
        name,
        reviewers.flatMap((reviewer) => live.reviewers[reviewer] ?? []),
      ]),
    ),
    branch,
    defaultBranch: live.defaultBranch,
    ownership: {
      made: items.filter((item) => !isAdopted(item)).map(({ key }) => key),
      adopted: items.filter(isAdopted).map(({ key }) => key),
    },
    problems: [
      ...missingSecrets(usedSecrets(config.files), provided),
      ...found.flatMap(({ key, exists, refusal }) =>
        exists && refusal !== undefined && !known(key) ? [{ ...refusal, path: keyText(key) }] : [],
      ),
    ],
  };
}

function withDefaultBranch(config: SetupConfig, name: string): SetupConfig {
  const environments = Object.entries(config.environments).map(([key, { branches, ...rest }]) => {
    const named = branches.map((branch) => (branch === DEFAULT_BRANCH ? name : branch));
    return [key, { ...rest, branches: [...new Set(named)] }] as const;
  });
  return { ...config, environments: Object.fromEntries(environments) };
}

/** The secrets that workflow files use, sorted by name. */
export function usedSecrets(files: readonly SetupFile[]): UsedSecret[] {
  const workflows = files.filter(({ path }) => /(^|\/)workflows\/[^/]+\.ya?ml$/.test(path));
  const all = workflows.flatMap(({ path, content, uses = secretsIn(content) }) =>
    uses.map((use) => ({ ...use, path })),
  );
  const names = [...new Set(all.map(({ name }) => name))].filter((name) => name !== "GITHUB_TOKEN").sort();
  return names.map((name) => {
    const of = all.filter((use) => use.name === name);
    return {
      name,
      environment: of.find((use) => use.environment !== undefined)?.environment,
      files: [...new Set(of.map(({ path }) => path))].sort(),
      optional: of.some(({ optional }) => optional),
    };
  });
}

/** A secret is optional if the workflow checks whether it is set (`secrets.X != ''`). */
function secretsIn(content: string): UsedSecret[] {
  const pattern = /\bsecrets(?:\.|\[['"])([A-Za-z_][A-Za-z0-9_]*)(?:['"]\])?(\s*!=\s*(''|""))?/g;
  return [...content.matchAll(pattern)].map(([, name = "", asked]) => ({
    name: name.toUpperCase(),
    files: [],
    optional: asked !== undefined,
  }));
}

/**
 * Refuses secrets that workflows use but nothing provides: a release would fail with an empty password.
 *
 * @param provided the secrets of the setup, the repository, its environments and its organization
 */
function missingSecrets(used: readonly UsedSecret[], provided: ReadonlySet<string>): Problem[] {
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
