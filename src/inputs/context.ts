import { stat } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import type { ImageConfig } from "../plan/config";
import type { ContextFile } from "../plan/content-key";
import { type Problem, reasonOf } from "../plan/problem";
import { incompleteProblems, type MissingPart, missingFromContext } from "./checkout";
import { type IgnoreRules, readContextFiles, readIgnoreRules } from "./context-files";
import { type ContextUse, contextUse } from "./dockerfile";
import { isInside, OutsideProjectError, readProjectFile, realPath } from "./project-files";

export interface BuildContext {
  /** The Dockerfile's text; empty if it cannot be read. */
  readonly dockerfile: string;
  /** The files that a build can read, sorted by the bytes of their paths. */
  readonly files: readonly ContextFile[];
  readonly problems: readonly Problem[];
  /** True if git commands change some of the files. */
  readonly holdsGit?: boolean;
}

interface BuildContextInput {
  readonly projectDir: string;
  readonly image: Pick<ImageConfig, "name" | "context" | "dockerfile" | "contexts">;
  /**
   * The folder of reports, relative to the project (`Config.artifacts`). A context that includes it is a problem: each
   * release would change the next one's content. @default not checked
   */
  readonly artifacts?: string;
  /** What the working tree lacks of the commit. @default nothing */
  readonly missing?: readonly MissingPart[];
  /** Path shown in problems, e.g. `images[0]`. Default `image <name>`. */
  readonly path?: string;
}

/**
 * Reads what a build of an image can read: the Dockerfile, and the context's files without the ignored ones. An ignored
 * Dockerfile is not one of the context's files, since `COPY` cannot see it. A `.git` counts only as far as the Dockerfile
 * reads it, because every git command changes it. Every failure is a problem; this never throws.
 */
export async function readBuildContext(input: BuildContextInput): Promise<BuildContext> {
  const projectDir = resolve(input.projectDir);
  const contextDir = resolve(projectDir, input.image.context);
  const path = input.path ?? `image ${input.image.name}`;
  const place: Place = { projectDir, contextDir, folder: input.image.context, setting: `${path}.context` };
  const wrongPlace = await checkPlace(place);
  if (wrongPlace !== undefined) return { dockerfile: "", files: [], problems: [wrongPlace] };

  const dockerfile = readDockerfile({ ...place, dockerfile: input.image.dockerfile, path });
  let rules: IgnoreRules;
  try {
    rules = await readIgnoreRules(contextDir, input.image.dockerfile);
  } catch (error) {
    const problem = ignoreFileProblem(`${path}.context`, error);
    return { dockerfile: dockerfile.text, files: [], problems: [...dockerfile.problems, problem] };
  }
  const { files, problems } = await readContextFiles(
    contextDir,
    withoutUnreadGit(rules, contextUse(dockerfile.text)),
    path,
  );
  const missing = await missingFromContext(contextDir, rules, input.missing ?? []);
  return {
    dockerfile: dockerfile.text,
    files,
    holdsGit: holdsGit(files) || undefined,
    problems: [
      ...dockerfile.problems,
      ...problems,
      ...incompleteProblems(missing, path),
      ...artifactProblems(place, rules, input.artifacts),
    ],
  };
}

interface NamedFolders {
  /** Context's name -> the files that BuildKit can read. */
  readonly folders: Readonly<Record<string, readonly ContextFile[]>>;
  /** The same by the main context's ignore file, which docker-build uses to see whether anything changed. */
  readonly watched: Readonly<Record<string, readonly ContextFile[]>>;
  /** Names of the contexts that git commands change. */
  readonly withGit: readonly string[];
  readonly problems: readonly Problem[];
}

/** The folders among an image's named contexts. The only ignore file that BuildKit reads for one is its `.dockerignore`. */
export async function readNamedFolders(input: BuildContextInput): Promise<NamedFolders> {
  const read = await Promise.all(
    Object.entries(input.image.contexts ?? {}).map(async ([name, context]) =>
      context.kind === "folder" ? { name, ...(await readNamedFolder(input, name, context.path)) } : undefined,
    ),
  );
  const found = read.filter((folder) => folder !== undefined);
  return {
    folders: Object.fromEntries(found.map(({ name, files }) => [name, files])),
    watched: Object.fromEntries(found.map(({ name, watched }) => [name, watched])),
    withGit: found.filter(({ files }) => holdsGit(files)).map(({ name }) => name),
    problems: found.flatMap(({ problems }) => problems),
  };
}

async function readNamedFolder(
  input: BuildContextInput,
  name: string,
  folder: string,
): Promise<Pick<BuildContext, "files" | "problems"> & { readonly watched: readonly ContextFile[] }> {
  const projectDir = resolve(input.projectDir);
  const contextDir = resolve(projectDir, folder);
  const setting = `${input.path ?? `image ${input.image.name}`}.contexts.${name}`;
  const place = { projectDir, contextDir, folder, setting };
  const wrongPlace = await checkPlace(place);
  if (wrongPlace !== undefined) return { files: [], watched: [], problems: [wrongPlace] };
  try {
    const rules = await readIgnoreRules(contextDir);
    const { files, problems } = await readContextFiles(contextDir, rules, setting);
    // `readBuildContext` reports an unreadable main one.
    const mainDir = resolve(projectDir, input.image.context);
    const main = await readIgnoreRules(mainDir, input.image.dockerfile).catch(() => rules);
    const watched = (await readContextFiles(contextDir, main, setting)).files;
    const missing = await missingFromContext(contextDir, rules, input.missing ?? []);
    const artifacts = artifactProblems(place, rules, input.artifacts);
    return { files, watched, problems: [...problems, ...incompleteProblems(missing, setting), ...artifacts] };
  } catch (error) {
    return { files: [], watched: [], problems: [ignoreFileProblem(setting, error)] };
  }
}

function ignoreFileProblem(path: string, error: unknown): Problem {
  const message = `the ignore file cannot be used: ${reasonOf(error)}`;
  return { code: "context-ignore-file", path, message };
}

function holdsGit(files: readonly ContextFile[]): boolean {
  return files.some((file) => /(?:^|\/)\.git\/|^\.git$/.test(file.path));
}

function withoutUnreadGit(rules: IgnoreRules, use: ContextUse): IgnoreRules {
  const isUnread = (path: string) => /(?:^|\/)\.git(?:\/|$)/.test(path) && !use.reads(path);
  return {
    ...rules,
    ignores: (path) => rules.ignores(path) || isUnread(path),
    mayHoldExceptions: (folder) =>
      isUnread(folder) ? use.readsBelow(folder) : rules.mayHoldExceptions(folder),
  };
}

interface Place {
  /** Absolute, as `contextDir`. */
  readonly projectDir: string;
  readonly contextDir: string;
  /** The context's folder as it is written. */
  readonly folder: string;
  /** Path shown in problems. */
  readonly setting: string;
}

async function checkPlace({
  projectDir,
  contextDir,
  folder,
  setting: path,
}: Place): Promise<Problem | undefined> {
  const shown = JSON.stringify(folder);
  const [realProject, realContext] = await Promise.all([realPath(projectDir), realPath(contextDir)]);
  if (realContext === undefined || !(await stat(realContext)).isDirectory()) {
    const what = realContext === undefined ? "does not exist" : "is not a folder";
    return { code: "context-missing", path, message: `${shown} ${what} (looked for ${contextDir})` };
  }
  if (realProject !== undefined && !isInside(realProject, realContext)) {
    return { code: "context-outside", path, message: `${shown} leads out of the project, to ${realContext}` };
  }
  return undefined;
}

function readDockerfile({
  projectDir,
  contextDir,
  dockerfile,
  path,
}: Place & { dockerfile: string; path: string }): {
  text: string;
  problems: Problem[];
} {
  const wrong = (code: string, message: string) => ({
    text: "",
    problems: [{ code, path: `${path}.dockerfile`, message: `${JSON.stringify(dockerfile)} ${message}` }],
  });
  try {
    const file = resolve(contextDir, dockerfile);
    const reading = { keepByteOrderMark: true, commentsInAnyEncoding: true };
    const text = readProjectFile(projectDir, file, reading);
    return text.trim() === "" ? wrong("context-dockerfile", "is empty") : { text, problems: [] };
  } catch (error) {
    const isOutside = error instanceof OutsideProjectError;
    return wrong(isOutside ? "context-outside" : "context-dockerfile", reasonOf(error));
  }
}

function artifactProblems(
  { projectDir, contextDir, folder: context, setting: path }: Place,
  rules: IgnoreRules,
  artifacts: string | undefined,
): Problem[] {
  if (artifacts === undefined) return [];
  const folder = resolve(projectDir, artifacts);
  if (!isInside(contextDir, folder)) return [];
  const probe = relative(contextDir, join(folder, "release-manifest.json")).split(sep).join("/");
  if (rules.ignores(probe)) return [];
  return [
    {
      code: "context-artifacts",
      path,
      message: `the folder for reports (${artifacts}) is part of the build context, so that each release would change the next`,
      hint: `Add a line to ${rules.file ?? join(context, ".dockerignore")}: ${relative(contextDir, folder).split(sep).join("/") || "*"}`,
    },
  ];
}
