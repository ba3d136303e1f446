import { structuredPatch } from "diff";

/** A file that has to say `wanted`. */
export interface FileState {
  readonly path: string;
  readonly wanted: string;
  /** What it says; absent where there is none. */
  readonly found?: string;
}

export type FileChange = "created" | "changed" | "unchanged";

export interface FileDifference {
  readonly path: string;
  readonly change: FileChange;
  /** The first line that differs, from 1; absent for a file that is not there or does not differ. */
  readonly line?: number;
  /** The lines that differ with some around them, `-` as the file is, `+` as it should be. */
  readonly diff: readonly string[];
}

/** How a file differs from what the settings say. A checkout's line ends (CRLF) are no difference. */
export function compareFile({ path, wanted, found }: FileState): FileDifference {
  if (found === undefined) return { path, change: "created", diff: [] };
  const text = found.replaceAll("\r\n", "\n");
  if (text === wanted) return { path, change: "unchanged", diff: [] };
  const { hunks } = structuredPatch(path, path, text, wanted, "", "", { context: 2 });
  const [first] = hunks;
  const before = first?.lines.findIndex((line) => !line.startsWith(" ")) ?? 0;
  return {
    path,
    change: "changed",
    line: (first?.oldStart ?? 1) + Math.max(before, 0),
    diff: hunks.flatMap(({ oldStart, lines }) => [`@@ line ${oldStart} @@`, ...lines]),
  };
}
