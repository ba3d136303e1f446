import { readCheckoutNeeds } from "../src/inputs/checkout";
import { projectFiles } from "../src/inputs/project-files";
import { readWorkflowStacks } from "../src/inputs/workflow-stacks";
import { readConfig } from "../src/settings/read";
import { listStackFiles, readStackFile } from "../src/settings/stack-file";
import { workflowFiles as generate } from "../src/workflows/generate";
import type { GithubArgs, ReleaseArgs } from "./args";
import { resolveArgs } from "./settings";

type Workflows = NonNullable<GithubArgs["workflows"]>;
type Kind = "release" | "deploy" | "promote" | "preview" | "drift";

/** A file of the repository, for `files` of `RepositorySetup.plan`. */
export interface RepositoryFile {
  /** From the repository's root. @example .github/workflows/release.yml */
  readonly path: string;
  readonly content: string;
}

/**
 * The workflow files that the project's stacks ask for (`slipway:github.workflows`), as `slipway workflows` writes them.
 *
 * @param release the arguments that the program passes to `Release.plan`, for each stack
 * @throws ProblemError with every problem of every such stack
 */
export async function workflowFiles(release: ReleaseArgs = {}): Promise<RepositoryFile[]> {
  const code = await resolveArgs("workflowFiles", release);
  return generate(await readWorkflowStacks(process.cwd(), async () => code)).map(asFile);
}

/** The workflow that releases a version of a stack. @example await releaseWorkflow("prod", { images }) */
export function releaseWorkflow(stack: string, release: ReleaseArgs, settings: Workflows["release"] = {}) {
  return workflowOf("release", stack, release, settings);
}

/** The workflow that releases each commit of a branch to a stack. @example await deployWorkflow("stage", { images }) */
export function deployWorkflow(stack: string, release: ReleaseArgs, settings: Workflows["deploy"] = {}) {
  return workflowOf("deploy", stack, release, settings);
}

/** The workflow that promotes to a stack. @example await promoteWorkflow("prod", { images }) */
export function promoteWorkflow(stack: string, release: ReleaseArgs, settings: Workflows["promote"] = {}) {
  return workflowOf("promote", stack, release, settings);
}

/** The workflow that shows a stack's plan on pull requests. @example await previewWorkflow("stage", { images }) */
export function previewWorkflow(stack: string, release: ReleaseArgs, settings: Workflows["preview"] = {}) {
  return workflowOf("preview", stack, release, settings);
}

/** The workflow that fails when released tags have changed. @example await driftWorkflow("prod", { images }) */
export function driftWorkflow(stack: string, release: ReleaseArgs, settings: Workflows["drift"] = {}) {
  return workflowOf("drift", stack, release, settings);
}

/** One workflow file, from the stack's `github.workflows` (runner, node, …) and the given settings of this workflow. */
async function workflowOf(
  kind: Kind,
  stack: string,
  release: ReleaseArgs,
  settings: object | undefined,
): Promise<RepositoryFile> {
  const projectDir = process.cwd();
  const github = { ...release.github, workflows: { ...release.github?.workflows, [kind]: settings } };
  const code = await resolveArgs(`${kind}Workflow`, { ...release, github });
  const file = await readStackFile({ projectDir, stack });
  const config = readConfig({ ...file, code, env: {}, readFile: projectFiles(projectDir) });
  const { workflows } = config.github ?? {};
  if (workflows === undefined) throw new Error(`${kind}Workflow: ${stack} has no workflows`);
  const { release: _r, deploy: _d, promote: _p, preview: _v, drift: _f, ...how } = workflows;
  const configFile = (await listStackFiles(projectDir)).find((known) => known.stack === stack)?.file ?? "";
  const checkout = await readCheckoutNeeds(projectDir);
  const asked = { ...how, [kind]: workflows[kind] };
  const [made] = generate([{ stack, config, workflows: asked, configFile, checkout }]);
  if (made === undefined) throw new Error(`${kind}Workflow: ${stack} has no workflow of this kind`);
  return asFile(made);
}

function asFile({ path, text }: { readonly path: string; readonly text: string }): RepositoryFile {
  return { path, content: text };
}
