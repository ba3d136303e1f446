import { readdir } from "node:fs/promises";
import path from "node:path";
import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { UsedAction, WorkflowText } from "../plan/policy/judge-policy";
import { ProblemError, reasonOf } from "../plan/problem";
import { parseYamlText, readYamlText } from "../settings/yaml-file";
import { gitRoot } from "./commands";
import { isInside, realPath } from "./project-files";

const FOLDER = ".github/workflows";
/** A reusable workflow of the repository. It is read with the other workflows. */
const OWN_WORKFLOW = /^\.\/\.github\/workflows\/[^/]+\.ya?ml$/;

/**
 * The actions that the workflows of a folder's repository run, then those that the repository's own actions
 * (`uses: ./…`) run. A file that cannot be read does not stop the release here; the policy decides.
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
    return [{ path: FOLDER, uses: [], unread: unreadReason(error) }];
  }
  const workflows = await Promise.all(
    names
      .filter((name) => /\.ya?ml$/.test(name))
      .sort()
      .map((name) => readActions(root, `${FOLDER}/${name}`, workflowActions)),
  );
  return [...workflows, ...(await readOwnActions(root, workflows))];
}

/** Each of the repository's own actions once, including those that only another action runs. */
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

/** @param folder relative to the root, where a job checks the repository out */
async function readOwnAction(root: string, folder: string): Promise<WorkflowText> {
  for (const name of ["action.yml", "action.yaml", "Dockerfile", "dockerfile"]) {
    const file = path.posix.join(folder, name);
    const real = isInside(root, path.join(root, file)) ? await realPath(path.join(root, file)) : undefined;
    if (real === undefined) continue;
    if (!isInside(root, real)) return { path: file, uses: [], unread: "it is a link out of the repository" };
    // An action that is only a Dockerfile runs no other action.
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
    // Checks the limits of YAML files (size, aliases) before the nodes are read.
    parseYamlText(file, text);
    return { path: file, uses: actionsOf(text) };
  } catch (error) {
    return { path: file, uses: [], unread: unreadReason(error) };
  }
}

/** With the line only, because the path is shown beside it. */
function unreadReason(error: unknown): string {
  const [problem] = error instanceof ProblemError ? error.problems : [];
  if (problem === undefined) return reasonOf(error);
  const line = /:(\d+)$/.exec(problem.path)?.[1];
  return line === undefined ? problem.message : `line ${line}: ${problem.message}`;
}

interface Entry {
  readonly key: unknown;
  readonly value: unknown;
}

/** The actions of a workflow, with their lines: `jobs.<id>.uses` and `jobs.<id>.steps[].uses`. */
export function workflowActions(text: string): UsedAction[] {
  const tree = new YamlTree(text);
  const jobs = [...tree.entries(tree.root.get("jobs")?.value).values()].map(({ value }) =>
    tree.entries(value),
  );
  return tree.texts(jobs.flatMap((job) => [job.get("uses"), ...stepUses(tree, job)]));
}

/** The actions that an action runs: `runs.steps[].uses`, or the container in `runs.image`. */
export function actionActions(text: string): UsedAction[] {
  const tree = new YamlTree(text);
  const runs = tree.entries(tree.root.get("runs")?.value);
  const container = tree.texts([runs.get("image")]).filter((image) => image.text.startsWith("docker://"));
  return [...container, ...tree.texts(stepUses(tree, runs))];
}

function stepUses(tree: YamlTree, parent: ReadonlyMap<string, Entry>): (Entry | undefined)[] {
  return tree.items(parent.get("steps")?.value).map((step) => tree.entries(step).get("uses"));
}

/** YAML read by its nodes, which know their lines, with aliases and merge keys resolved. */
class YamlTree {
  readonly root: ReadonlyMap<string, Entry>;
  private readonly lines = new LineCounter();
  private readonly document;

  constructor(text: string) {
    this.document = parseDocument(text, { lineCounter: this.lines });
    this.root = this.entries(this.document.contents);
  }

  /** A mapping's own keys, then those that it merges, the first one first. Empty for anything else. */
  entries(node: unknown, merged = new Set<unknown>()): ReadonlyMap<string, Entry> {
    const found = new Map<string, Entry>();
    const map = this.resolve(node);
    if (!isMap(map) || merged.has(map)) return found;
    merged.add(map);
    const sources: unknown[] = [];
    for (const { key, value } of map.items) {
      const name = this.resolve(key);
      if (!isScalar(name)) continue;
      if (name.value === "<<") sources.push(...this.items(value, [value]));
      else found.set(String(name.value), { key, value });
    }
    for (const source of sources) {
      for (const [name, entry] of this.entries(source, merged)) if (!found.has(name)) found.set(name, entry);
    }
    return found;
  }

  items(node: unknown, otherwise: readonly unknown[] = []): readonly unknown[] {
    const list = this.resolve(node);
    return isSeq(list) ? list.items : otherwise;
  }

  /** The entries that are texts, from top to bottom. A place that several aliases name counts once. */
  texts(entries: readonly (Entry | undefined)[]): UsedAction[] {
    const byPlace = new Map<number, string>();
    for (const entry of entries) {
      const value = this.resolve(entry?.value);
      const place = isNode(entry?.key) ? entry.key.range?.[0] : undefined;
      if (isScalar(value) && typeof value.value === "string") byPlace.set(place ?? 0, value.value);
    }
    return [...byPlace]
      .sort(([left], [right]) => left - right)
      .map(([place, text]) => ({ text, line: this.lines.linePos(place).line }));
  }

  private resolve(node: unknown): unknown {
    return isAlias(node) ? node.resolve(this.document) : node;
  }
}
