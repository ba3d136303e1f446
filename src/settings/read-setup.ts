import { ProblemError, reasonOf } from "../plan/problem";
import { isRecord } from "../plan/record";
import { Secret } from "../plan/secret";
import type { EnvironmentConfig, LabelConfig, SetupConfig, TagRulesConfig } from "../plan/setup/config";
import { decodeWritten } from "./decode";
import { type Environment, lookUp } from "./environment";
import { githubProblems } from "./github-rules";
import type { CheckedGitHub } from "./github-schema";
import { overlayCode } from "./overlay";
import type { Written } from "./paths";
import type { ConfigInput, ReadProjectFile } from "./read";
import { writtenConfigSchema } from "./schema";
import { schemaProblems } from "./schema-problems";
import { Redaction, readableText, secretProblems } from "./secrets";
import { listStackFiles, readStackFile } from "./stack-file";

/** Of a setup, files are read for the repository. */
export interface SetupInput extends Pick<ConfigInput, "written" | "code" | "env" | "secretKeys"> {
  readonly readFile: ReadProjectFile;
}

/** A setup names no image and no registry, unless all stacks of the project do. */
const setupSchema = writtenConfigSchema.partial();
type CheckedEnvironment = CheckedGitHub["environments"][string];

/** Whether a stack sets its repository up (`github.setup`) instead of releasing. */
export function isSetupStack(written: Written): boolean {
  const { github } = decodeWritten(setupSchema, { github: written.github });
  return isRecord(github) && github.setup === true;
}

/**
 * What a setup stack says about its repository, checked and completed.
 *
 * @throws ProblemError with every problem at once, never with a secret's value: the codes of `readConfig`,
 *   `github-token-absent`, `github-file`
 */
export function readSetup(input: SetupInput): SetupConfig {
  const file = decodeWritten(setupSchema, input.written);
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
      secretKeys: input.secretKeys,
      secrets: redaction.secrets,
      file,
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
    variables: sorted(github.variables),
    environments: Object.fromEntries(
      Object.entries(sorted(github.environments)).map(([name, one]) => [
        name,
        normaliseEnvironment(one, versionTags),
      ]),
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

/** The environment beats the stack's file, as everywhere; `gh` reads the same two variables in this order. */
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
): TagRulesConfig | undefined {
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

/**
 * Where neither tags nor branches are named, the git tags of versions may deploy, or the refs that the project's
 * workflows need.
 */
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
    variables: sorted(variables),
  };
}

function normaliseSecrets(written: Readonly<Record<string, string>>): Record<string, Secret> {
  return Object.fromEntries(
    Object.entries(sorted(written)).map(([name, value]) => [name, new Secret(value)]),
  );
}

function sorted<T>(written: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(written).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function readContent(read: () => string): { content?: string; problem?: string } {
  try {
    return { content: read() };
  } catch (error) {
    return { problem: reasonOf(error) };
  }
}

/**
 * The stack that is meant where none is named: the first of some names that has a file, else the only stack that
 * releases. Stacks that set a repository up do not count.
 *
 * @returns undefined where that leaves none or several
 * @throws ProblemError `config-file` where there is no project
 */
export async function defaultStack(
  projectDir: string,
  preferred: readonly string[],
): Promise<string | undefined> {
  const names = (await listStackFiles(projectDir)).map(({ stack }) => stack);
  const found = preferred.find((stack) => names.includes(stack));
  if (found !== undefined) return found;
  const releasing = [];
  for (const stack of names) {
    if (await isReleasing(projectDir, stack)) releasing.push(stack);
  }
  return releasing.length === 1 ? releasing[0] : undefined;
}

/** A file that cannot be read counts: reading it later reports what is wrong with it. */
async function isReleasing(projectDir: string, stack: string): Promise<boolean> {
  return readStackFile({ projectDir, stack }).then(
    ({ written }) => !isSetupStack(written),
    () => true,
  );
}
