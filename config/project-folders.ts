import { access } from "node:fs/promises";
import { join } from "node:path";

/** Where `slipway init` may put the project, from the repository's root: the first that is free. */
export const PROJECT_FOLDERS = ["release", "slipway", "image-release"] as const;

/** The first of those folders that has a project; undefined where none has. */
export async function projectBelow(dir: string): Promise<string | undefined> {
  for (const folder of PROJECT_FOLDERS) {
    const isProject = await access(join(dir, folder, "Pulumi.yaml")).then(
      () => true,
      () => false,
    );
    if (isProject) return folder;
  }
  return undefined;
}
