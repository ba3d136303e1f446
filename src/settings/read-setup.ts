import { type Problem, ProblemError, reasonOf } from "../plan/problem";
import { mapValues, sortedRecord } from "../plan/record";
import { Secret } from "../plan/secret";
import type { EnvironmentConfig, LabelConfig, SetupConfig } from "../plan/setup/config";
import { type Environment, lookUp } from "./environment";
import type { CheckedGitHub } from "./github-schema";
import { overlayCode } from "./overlay";
import type { ConfigInput, ReadProjectFile } from "./read";
import { githubProblems } from "./rules";
import { decodeWritten, writtenConfigSchema } from "./schema";
import { schemaProblems } from "./schema-problems";
import { Redaction, readableText, secretProblems } from "./secrets";
import { readStackFile } from "./stack-file";

export interface SetupInput extends Pick<ConfigInput, "written" | "code" | "env" | "secretKeys"> {
  /** Reads the files that are kept in the repository. */
  readonly readFile: ReadProjectFile;
}

/** A setup has no images and registries, unless all stacks of the project share them. */
const setupSchema = writtenConfigSchema.partial();
type CheckedEnvironment = CheckedGitHub["environments"][string];

/**
 * The configuration of a setup stack, checked and completed.
 *
 * @throws ProblemError with every problem at once, never with a secret's value: the codes of `readConfig`,
 *   `github-token-absent`, `github-file`
 */
export function readSetup(input: SetupInput): SetupConfig {
  const file = decodeWritten(input.written);
  const written = overlayCode(input.code ?? {}, file);
  const redaction = new Redaction({ written, secretKeys: input.secretKeys });
  const readable = readableText(written);
  const result = setupSchema.safeParse(readable);
  const github = result.data?.github;
  const root = result.data?.root ?? ".";
  const files = (github?.files ?? []).map(({ path, from = path, content }) => ({
    path,
    ...(content === undefined ? readContent(() => input.readFile(from, root)) : { content }),
  }));
  const problems = [
    ...(result.success ? [] : schemaProblems(setupSchema, readable, result.error.issues, redaction)),
    ...githubProblems(written),
    ...secretProblems({
      written,
      file,
      secretKeys: input.secretKeys,
      secrets: redaction.secrets,
      origins: {},
    }).filter(({ path }) => path.startsWith("github")),
    ...files.flatMap(({ path, problem }) =>
      problem === undefined
        ? []
        : [{ code: "github-file", path: `github.files: ${path}`, message: `cannot be read: ${problem}` }],
    ),
  ];
  if (result.data === undefined || github === undefined || problems.length > 0) {
    const cleaned = problems.map((problem) => redaction.clean(problem));
    throw new ProblemError("The setup's configuration has problems:", cleaned);
  }
  const { lanes = [], repository = "" } = result.data;
  const versionTags = [...new Set(["v*", ...lanes.map(({ trigger }) => trigger)])].sort();
  const { token, ...access } = accessOf(github, input.env);
  return {
    repository: github.repository ?? repository,
    ...access,
    token: token === undefined ? undefined : new Secret(token),
    writeDelayMs: github.writeDelayMs,
    secrets: normaliseSecrets(github.secrets),
    variables: sortedRecord(github.variables),
    environments: mapValues(sortedRecord(github.environments), (one) =>
      normaliseEnvironment(one, versionTags),
    ),
    tagRules: normaliseTagRules(github.tagRules, versionTags),
    permissions: github.permissions,
    labels: github.labels === true ? RELEASE_LABELS : github.labels || [],
    files: files.map(({ path, content = "" }) => ({ path, content })),
    workflowFiles: github.workflowFiles,
    branch: github.branch,
    pullRequest: github.pullRequest,
  };
}

/** `gh` reads the same two variables in this order. */
function accessOf(
  github: CheckedGitHub,
  env: Environment,
): { token?: string; tokenFrom?: string; baseUrl?: string } {
  const given = lookUp(env, ["GH_TOKEN", "GITHUB_TOKEN"]);
  const token = given?.value ?? github.token;
  const tokenFrom = given === undefined ? "slipway:github.token" : given.variable;
  const baseUrl = lookUp(env, ["GITHUB_BASE_URL"])?.value ?? github.baseUrl ?? env.GITHUB_API_URL;
  return { token, tokenFrom: token === undefined ? undefined : tokenFrom, baseUrl: baseUrl || undefined };
}

function normaliseTagRules(
  written: CheckedGitHub["tagRules"],
  versionTags: readonly string[],
): SetupConfig["tagRules"] {
  if (written === false) return undefined;
  const { name, patterns } = written === true ? { name: "Release tags", patterns: [] } : written;
  return { name, patterns: [...new Set([...versionTags, ...patterns])].sort() };
}

const RELEASE_LABELS: readonly LabelConfig[] = [
  { name: "backport", color: "1d76db", description: "To be released for an older version" },
  { name: "breaking", color: "b60205", description: "Needs a new major version" },
  { name: "release", color: "0e8a16", description: "Goes into the next release" },
  { name: "rollback", color: "d93f0b", description: "Takes a release back" },
];

/** Without tags and branches, versions' git tags may deploy, until the project's workflows say which refs do. */
function normaliseEnvironment(
  { secrets, variables, tags, branches, ...rest }: CheckedEnvironment,
  versionTags: readonly string[],
): EnvironmentConfig {
  const isDefault = tags === undefined && branches === undefined;
  return {
    ...rest,
    refs: isDefault ? "default" : undefined,
    tags: isDefault ? versionTags : (tags ?? []),
    branches: branches ?? [],
    secrets: normaliseSecrets(secrets),
    variables: sortedRecord(variables),
  };
}

function normaliseSecrets(written: Readonly<Record<string, string>>): Record<string, Secret> {
  return mapValues(sortedRecord(written), (value) => new Secret(value));
}

function readContent(read: () => string): { content?: string; problem?: string } {
  try {
    return { content: read() };
  } catch (error) {
    return { problem: reasonOf(error) };
  }
}

/**
 * Secrets of a setup that are in plain text in the stack's file. The engine reports only that `slipway:github` contains
 * a secret, so this reads the file itself, and finds nothing if there is none.
 */
export async function plainSetupSecrets(input: {
  readonly projectDir: string;
  readonly stack: string;
}): Promise<Problem[]> {
  try {
    const { written } = await readStackFile(input);
    const found = secretProblems({ written, file: written, secretKeys: [], secrets: [], origins: {} });
    return found.filter(({ path }) => path.startsWith("github."));
  } catch (error) {
    // The stack may be configured by another file (--config-file).
    if (error instanceof ProblemError) return [];
    throw error;
  }
}
