import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { isAlias, isPair, isScalar, LineCounter, parseDocument, visit } from "yaml";
import { parseYamlText } from "../config/yaml-file";
import type { UsedAction, WorkflowText } from "../plan/policy/unpinned-actions";
import { gitRoot } from "./git-command";

const FOLDER = ".github/workflows";

/** Which actions the workflows of the repository run that a folder lies in, sorted by path. */
export async function readWorkflowActions(dir: string): Promise<WorkflowText[]> {
  const root = await gitRoot(dir);
  const names = await readdir(path.join(root, FOLDER)).catch(() => []);
  return Promise.all(
    names
      .filter((name) => /\.ya?ml$/.test(name))
      .sort()
      .map((name) => readWorkflow(root, `${FOLDER}/${name}`)),
  );
}

/** A workflow that cannot be read breaks no release; the policy decides what is thought of it. */
async function readWorkflow(root: string, file: string): Promise<WorkflowText> {
  try {
    const text = await readFile(path.join(root, file), "utf8");
    parseYamlText(file, text);
    return { path: file, uses: usedActions(text) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { path: file, uses: [], unread: reason.split("\n").slice(-1).join("").trim() };
  }
}

/** Every `uses:` of a job or a step, with its line. What stands below `with:` or `env:` is a value and no action. */
export function usedActions(text: string): UsedAction[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const found: UsedAction[] = [];
  visit(document, {
    Pair(_, pair, ancestors) {
      if (!isScalar(pair.key) || pair.key.value !== "uses") return;
      const within = ancestors.filter(isPair).map(({ key }) => (isScalar(key) ? key.value : undefined));
      if (within.some((key) => key === "with" || key === "env")) return;
      const value = isAlias(pair.value) ? pair.value.resolve(document) : pair.value;
      if (!isScalar(value) || typeof value.value !== "string") return;
      found.push({ text: value.value, line: lines.linePos(pair.key.range?.[0] ?? 0).line });
    },
  });
  return found;
}
