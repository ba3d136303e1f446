import { readFile } from "node:fs/promises";
import path from "node:path";
import { parse } from "yaml";
import { git, gitText } from "./git-command";

const STACK_FILE = /(?:^|\/)Pulumi\.[A-Za-z0-9._-]+\.ya?ml$/;
/** How a stack's secrets are encrypted: the engine writes it by itself when a stack is made. */
const ENGINE_KEYS = new Set(["encryptionsalt", "encryptedkey", "secretsprovider"]);

/**
 * Whether a changed file is a stack's file in which nothing differs from the commit but what `pulumi stack init` writes
 * into it, comments and spelling aside. No release depends on that, and on a new machine or a throwaway backend it is always there.
 *
 * @param file as git names it: relative to the repository, with slashes
 */
export async function isStackInitChange(dir: string, file: string): Promise<boolean> {
  if (!STACK_FILE.test(file)) return false;
  const root = (await gitText(dir, ["rev-parse", "--show-toplevel"])).replace(/\n$/, "");
  const committed = await git(dir, ["show", "--no-textconv", `HEAD:${file}`]);
  try {
    const now = await readFile(path.join(root, file), "utf8");
    return settings(committed.code === 0 ? committed.stdout : "") === settings(now);
  } catch {
    return false;
  }
}

/** @throws Error where it is no YAML */
function settings(text: string): string {
  const document: unknown = parse(text) ?? {};
  if (typeof document !== "object" || document === null) return JSON.stringify(document);
  const entries = Object.entries(document).filter(([key]) => !ENGINE_KEYS.has(key));
  return JSON.stringify(entries, (_, value: unknown) =>
    // To the engine every scalar is a text, and it writes `true` back as "true".
    typeof value === "boolean" || typeof value === "number" ? String(value) : value,
  );
}
