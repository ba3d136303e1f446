import { dirname, join, relative, resolve } from "node:path";
import { ProblemError } from "../plan/problem";
import { isRecord } from "../plan/record";
import type { Written } from "./paths";
import { isThere, readYamlFile, unreadable } from "./yaml-file";

/** `Pulumi.yaml`, which names the project and the provider. */

/** Where `slipway init` may put the project, from the repository's root: the first folder that is free. */
export const PROJECT_FOLDERS = ["release", "slipway", "image-release"] as const;

const PROVIDER = "slipway-registry";
const PROVIDER_IN_PACKAGE = join("node_modules", "slipway", "src", "provider");

/** @throws ProblemError `config-file` if there is no project or its file cannot be read */
export async function readProject(projectDir: string): Promise<Written> {
  const project = await readYamlFile(join(projectDir, "Pulumi.yaml"));
  if (project === undefined) throw await noProject(projectDir);
  if (project === null) return {};
  if (!isRecord(project)) throw unreadable("Pulumi.yaml", "is not a mapping of settings");
  return project;
}

async function noProject(projectDir: string): Promise<ProblemError> {
  const below = await projectBelow(projectDir);
  const message = "there is no such file; is this the project's folder?";
  if (below === undefined) return unreadable("Pulumi.yaml", message);
  const named = relative(process.cwd(), join(projectDir, below)).replaceAll("\\", "/");
  const hint = `There is a project in ${below}: run it there, or with -C ${named}`;
  return unreadable("Pulumi.yaml", message, hint);
}

/** For a user in the repository's root: the folder that has the project. */
async function projectBelow(dir: string): Promise<string | undefined> {
  for (const folder of PROJECT_FOLDERS) {
    if (await isThere(join(dir, folder, "Pulumi.yaml"))) return folder;
  }
  return undefined;
}

/**
 * Refuses a project whose Pulumi.yaml does not name the provider: the engine would try to download a plugin of that
 * name. A folder without a Pulumi.yaml is not checked.
 *
 * @throws ProblemError `provider-plugin`, with the lines to add
 */
export async function requireProviderPlugin(projectDir: string): Promise<void> {
  const project = await readYamlFile(join(projectDir, "Pulumi.yaml"));
  if (!isRecord(project)) return;
  const plugins = isRecord(project.plugins) ? project.plugins : {};
  const providers = (Array.isArray(plugins.providers) ? plugins.providers : []).filter(isRecord);
  const entry = providers.find(({ name }) => name === PROVIDER);
  const path = await providerPath(projectDir);
  if (entry === undefined) {
    throw noProvider(
      "plugins.providers",
      `has no ${PROVIDER}, the provider that comes with this package`,
      providers.length === 0
        ? `Add these lines to Pulumi.yaml:\nplugins:\n  providers:\n    - name: ${PROVIDER}\n      path: ${path}`
        : `Add these lines below plugins.providers:\n    - name: ${PROVIDER}\n      path: ${path}`,
    );
  }
  const named = typeof entry.path === "string" ? entry.path : "";
  if (await hasProvider(resolve(projectDir, named))) return;
  throw noProvider(
    `plugins.providers: ${PROVIDER}`,
    named === "" ? "has no path" : `there is no provider at ${named}`,
    `Install the project's packages (npm install), or correct the line:\n      path: ${path}`,
  );
}

/** The provider's path from the project's folder. In a workspace, node_modules may be in a folder above. */
async function providerPath(projectDir: string): Promise<string> {
  for (let folder = resolve(projectDir); ; folder = dirname(folder)) {
    const found = join(folder, PROVIDER_IN_PACKAGE);
    if (await hasProvider(found)) return relative(projectDir, found).replaceAll("\\", "/");
    if (dirname(folder) === folder) return PROVIDER_IN_PACKAGE.replaceAll("\\", "/");
  }
}

function hasProvider(folder: string): Promise<boolean> {
  return isThere(join(folder, "PulumiPlugin.yaml"));
}

function noProvider(path: string, message: string, hint: string): ProblemError {
  return new ProblemError("Pulumi.yaml does not say where the provider is:", [
    { code: "provider-plugin", path, message, hint },
  ]);
}
