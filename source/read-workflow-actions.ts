import { readdir } from "node:fs/promises";
import path from "node:path";
import { parseYamlText, readYamlText } from "../config/yaml-file";
import type { UsedAction, WorkflowText } from "../plan/policy/judge-policy";
import { ProblemError } from "../plan/problem";
import { gitRoot } from "./git-command";
import { isInside, realPath } from "./inside";
import { actionActions, workflowActions } from "./used-actions";

const FOLDER = ".github/workflows";
/** A reusable workflow of the repository lies beside the others, and is read with them. */
const OWN_WORKFLOW = /^\.\/\.github\/workflows\/[^/]+\.ya?ml$/;

/**
 * Which actions the workflows of the repository run that a folder lies in, sorted by path; then the actions of its own
 * (`uses: ./…`) that these run. What cannot be read breaks no release by itself; the policy decides what is thought of it.
 */
export async function readWorkflowActions(dir: string): Promise<WorkflowText[]> {
  const top = await gitRoot(dir);
  const root = (await realPath(top)) ?? top;
  let names: readonly string[];
  try {
    names = await readdir(path.join(root, FOLDER));
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
      return [];
    return [{ path: FOLDER, uses: [], unread: reasonOf(error) }];
  }
  const workflows = await Promise.all(
    names
      .filter((name) => /\.ya?ml$/.test(name))
      .sort()
      .map((name) => readActions(root, `${FOLDER}/${name}`, workflowActions)),
  );
  return [...workflows, ...(await readOwnActions(root, workflows))];
}

/** Each action of the repository's own once, also those that only another one runs. */
async function readOwnActions(root: string, workflows: readonly WorkflowText[]): Promise<WorkflowText[]> {
  const seen = new Set<string>();
  const found: WorkflowText[] = [];
  const waiting = [...workflows];
  for (let user = waiting.shift(); user !== undefined; user = waiting.shift()) {
    for (const { text } of user.uses) {
      if (!text.startsWith("./") || OWN_WORKFLOW.test(text)) continue;
      const folder = path.posix.join(text, ".");
      if (seen.has(folder)) continue;
      seen.add(folder);
      const action = await readOwnAction(root, folder);
      found.push(action);
      waiting.push(action);
    }
  }
  return found.sort((left, right) => (left.path < right.path ? -1 : 1));
}

/** @param folder from the root, where a job has checked the repository out */
async function readOwnAction(root: string, folder: string): Promise<WorkflowText> {
  for (const name of ["action.yml", "action.yaml", "Dockerfile", "dockerfile"]) {
    const file = path.posix.join(folder, name);
    const real = isInside(root, path.join(root, file)) ? await realPath(path.join(root, file)) : undefined;
    if (real === undefined) continue;
    if (!isInside(root, real)) return { path: file, uses: [], unread: "it is a link out of the repository" };
    // An action that is a Dockerfile alone runs no other.
    return name.startsWith("action.") ? readActions(root, file, actionActions) : { path: file, uses: [] };
  }
  return { path: folder, uses: [], unread: "the repository has no action.yml there" };
}

async function readActions(
  root: string,
  file: string,
  actionsOf: (text: string) => UsedAction[],
): Promise<WorkflowText> {
  try {
    const text = await readYamlText(path.join(root, file));
    if (text === undefined) return { path: file, uses: [], unread: "there is no such file" };
    // Within the bounds of any YAML file here, before it is looked at by its nodes.
    parseYamlText(file, text);
    return { path: file, uses: actionsOf(text) };
  } catch (error) {
    return { path: file, uses: [], unread: reasonOf(error) };
  }
}

/** Only the line, since the path is shown beside it. */
function reasonOf(error: unknown): string {
  const [problem] = error instanceof ProblemError ? error.problems : [];
  if (problem === undefined) return error instanceof Error ? error.message : String(error);
  const line = /:(\d+)$/.exec(problem.path)?.[1];
  return line === undefined ? problem.message : `line ${line}: ${problem.message}`;
}
