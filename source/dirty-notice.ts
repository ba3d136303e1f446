import { MOST_DIRTY_PATHS } from "./git";

const SHOWN = 3;

/** `the working tree is dirty: a.txt, b.txt, c.txt and 2 more`. @param paths as `readGit` gives them */
export function dirtyNotice(paths: readonly string[]): string {
  const shown = paths.slice(0, SHOWN).join(", ");
  const more = paths.length - SHOWN;
  if (more <= 0) return `the working tree is dirty: ${shown}`;
  const least = paths.length >= MOST_DIRTY_PATHS ? "at least " : "";
  return `the working tree is dirty: ${shown} and ${least}${more} more`;
}
