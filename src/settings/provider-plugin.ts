import { dirname, join, relative, resolve } from "node:path";
import { ProblemError } from "../plan/problem";
import { isRecord } from "../plan/record";
import { isThere, readYamlFile } from "./yaml-file";

const NAME = "slipway-registry";
const IN_PACKAGE = join("node_modules", "slipway", "src", "provider");

/**
 * Refuses a project whose Pulumi.yaml does not say where the provider is: the engine would try to download a plugin of
 * that name. Without a Pulumi.yaml in the program's folder, nothing is checked.
 *
 * @throws ProblemError `provider-plugin`, with the lines to add
 */
export async function requireProviderPlugin(projectDir: string): Promise<void> {
  const project = await readYamlFile(join(projectDir, "Pulumi.yaml"));
  if (!isRecord(project)) return;
  const plugins = isRecord(project.plugins) ? project.plugins : {};
  const providers = (Array.isArray(plugins.providers) ? plugins.providers : []).filter(isRecord);
  const entry = providers.find(({ name }) => name === NAME);
  const path = await packagePath(projectDir);
  if (entry === undefined) {
    throw failure(
      "plugins.providers",
      `has no ${NAME}, the provider that comes with this package`,
      providers.length === 0
        ? `Add these lines to Pulumi.yaml:\nplugins:\n  providers:\n    - name: ${NAME}\n      path: ${path}`
        : `Add these lines below plugins.providers:\n    - name: ${NAME}\n      path: ${path}`,
    );
  }
  const named = typeof entry.path === "string" ? entry.path : "";
  if (await isProvider(resolve(projectDir, named))) return;
  throw failure(
    `plugins.providers: ${NAME}`,
    named === "" ? "has no path" : `there is no provider at ${named}`,
    `Install the project's packages (npm install), or correct the line:\n      path: ${path}`,
  );
}

/** The provider's path from the project's folder. In a workspace, node_modules may be above. */
async function packagePath(projectDir: string): Promise<string> {
  for (let folder = resolve(projectDir); ; folder = dirname(folder)) {
    const found = join(folder, IN_PACKAGE);
    if (await isProvider(found)) return slashes(relative(projectDir, found));
    if (dirname(folder) === folder) return slashes(IN_PACKAGE);
  }
}

function isProvider(folder: string): Promise<boolean> {
  return isThere(join(folder, "PulumiPlugin.yaml"));
}

function slashes(path: string): string {
  return path.replaceAll("\\", "/");
}

function failure(path: string, message: string, hint: string): ProblemError {
  return new ProblemError("Pulumi.yaml does not say where the provider is:", [
    { code: "provider-plugin", path, message, hint },
  ]);
}
