import { matches } from "../pattern";
import type { Breach } from "./finding";

/** A workflow, or an action of the repository's own that one runs, as far as it says which actions it runs. */
export interface WorkflowText {
  /** From the repository's root: `.github/workflows/release.yml`, `.github/actions/own/action.yml`. */
  readonly path: string;
  readonly uses: readonly UsedAction[];
  /** Why it cannot be read; nothing is known of its actions then. */
  readonly unread?: string;
}

export interface UsedAction {
  /** As it is written: `actions/checkout@v6`. */
  readonly text: string;
  /** Counted from 1. */
  readonly line: number;
}

/** A file with more than that names the first ones. */
const NAMED = 3;

/**
 * Actions that are not named by their full commit: anyone who can move the tag can run anything in the release. One
 * entry a file.
 *
 * @param allow actions without their `@…`, and paths of files that need not be readable, exactly or `/pattern/`
 */
export function unpinnedActions(workflows: readonly WorkflowText[], allow: readonly string[]): Breach[] {
  return workflows.flatMap(({ path, uses, unread }) => {
    const hint = "Name the full commit, with the version as a comment: uses: owner/action@<40 hex> # v1.2.3.";
    if (unread !== undefined) {
      if (allow.some((rule) => matches(rule, path))) return [];
      return [
        {
          path,
          message: `cannot be read, so nobody knows its actions: ${unread}`,
          hint: `Mend it, or name ${path} in allow.`,
        },
      ];
    }
    const found = uses.filter(({ text }) => !isPinned(text) && !isAllowed(text, allow));
    if (found.length === 0) return [];
    const shown = found.slice(0, NAMED).map(({ text, line }) => `${text} (line ${line})`);
    const rest = found.length > NAMED ? ` and ${found.length - NAMED} more` : "";
    return [{ path, message: `runs ${shown.join(", ")}${rest}, whose tag or branch can move`, hint }];
  });
}

/** By a full commit; a container by its digest; a part of this repository, which is the commit checked out and judged itself. */
export function isPinned(text: string): boolean {
  if (text.startsWith("./")) return true;
  if (text.startsWith("docker://")) return /@sha256:[0-9a-f]{64}$/.test(text);
  return /^[^@]+@(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

function isAllowed(text: string, allow: readonly string[]): boolean {
  const name = text.split("@")[0] ?? text;
  return allow.some((rule) => matches(rule, name));
}
