import { readFileSync } from "node:fs";
import { listEntries } from "../src/inputs/project-files";
import { reasonOf } from "../src/plan/problem";
import { runError } from "./engine";

export { writeWholeFile } from "../src/report/manifest-file";

/**
 * Reads a list that other tools read too: one entry a line, without blank lines and `#` comments.
 *
 * @param file relative to the program's folder
 * @throws pulumi.RunError for a file that cannot be read, a repeated entry or an empty list
 * @example Object.fromEntries(readList("services.list").map((name) => [name, { context: `services/${name}` }]))
 */
export function readList(file: string): string[] {
  const entries = listEntries(readText(file));
  const repeated = entries.find((entry, index) => entries.indexOf(entry) !== index);
  if (repeated !== undefined) throw runError(`${file}: ${JSON.stringify(repeated)} is listed twice`);
  if (entries.length === 0) throw runError(`${file}: the list is empty; write one entry a line`);
  return entries;
}

function readText(file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    throw runError(`${file}: ${reasonOf(error)}`);
  }
}

/**
 * Lets one process at a time do the work; the others wait. A lock whose process died is taken over.
 *
 * @param file the lock file, which exists while the work runs
 * @param onWait called once if another process holds the lock. @default wait silently
 * @example await withLock(".buildnum.lock", async () => { … })
 */
export async function withLock<T>(
  file: string,
  work: () => Promise<T>,
  onWait?: (holder: string) => void,
): Promise<T> {
  const lock = await import("../toolchain/lock.mjs");
  return lock.withLock(file, work, { onWait });
}
