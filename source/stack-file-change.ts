import { readFile } from "node:fs/promises";
import path from "node:path";
import { sameSettings } from "../config/stack-file";
import { git, gitRoot } from "./git-command";

const STACK_FILE = /(?:^|\/)Pulumi\.[A-Za-z0-9._-]+\.ya?ml$/;
/**
 * Whether a changed file is a stack's file in which nothing differs from the commit but what `pulumi stack init` writes
 * into it, comments and spelling aside. No release depends on that, and on a new machine or a throwaway backend it is always there.
 *
 * @param file as git names it: relative to the repository, with slashes
 */
export async function isStackInitChange(dir: string, file: string): Promise<boolean> {
  if (!STACK_FILE.test(file)) return false;
  const root = await gitRoot(dir);
  const committed = await git(dir, ["show", "--no-textconv", `HEAD:${file}`]);
  try {
    const now = await readFile(path.join(root, file), "utf8");
    return sameSettings(committed.code === 0 ? committed.stdout : "", now);
  } catch {
    return false;
  }
}
