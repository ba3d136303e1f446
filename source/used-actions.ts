import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { UsedAction } from "../plan/policy/judge-policy";

interface Entry {
  readonly key: unknown;
  readonly value: unknown;
}

/** What a workflow runs: `jobs.<id>.uses` and `jobs.<id>.steps[].uses`, with their lines. Nothing else is an action. */
export function workflowActions(text: string): UsedAction[] {
  const tree = new YamlTree(text);
  const jobs = [...tree.entries(tree.root.get("jobs")?.value).values()].map(({ value }) =>
    tree.entries(value),
  );
  return tree.texts(jobs.flatMap((job) => [job.get("uses"), ...stepUses(tree, job)]));
}

/** What an action of the repository's own runs: `runs.steps[].uses`, or the container in `runs.image`. */
export function actionActions(text: string): UsedAction[] {
  const tree = new YamlTree(text);
  const runs = tree.entries(tree.root.get("runs")?.value);
  const container = tree.texts([runs.get("image")]).filter((image) => image.text.startsWith("docker://"));
  return [...container, ...tree.texts(stepUses(tree, runs))];
}

function stepUses(tree: YamlTree, parent: ReadonlyMap<string, Entry>): (Entry | undefined)[] {
  return tree.items(parent.get("steps")?.value).map((step) => tree.entries(step).get("uses"));
}

/** A YAML text by its nodes, which know their lines, with aliases and merge keys resolved. */
class YamlTree {
  readonly root: ReadonlyMap<string, Entry>;
  private readonly lines = new LineCounter();
  private readonly document;

  constructor(text: string) {
    this.document = parseDocument(text, { lineCounter: this.lines });
    this.root = this.entries(this.document.contents);
  }

  /** What a mapping holds: its own keys, then those that it merges, the first one first. Empty for anything else. */
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

  /** The entries that are texts, each place in the file once, from top to bottom. */
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
