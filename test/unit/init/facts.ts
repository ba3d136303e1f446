import type { RepositoryFacts } from "../../../src/cli/init/facts";
import type { InitFlags } from "../../../src/cli/init/shape";

/** A repository on GitHub with these files. */
export function someFacts(
  texts: Readonly<Record<string, string>>,
  changes: Partial<RepositoryFacts> = {},
): RepositoryFacts {
  return {
    folderName: "checkout",
    files: Object.keys(texts).sort(),
    texts,
    remote: "git@github.com:Octo/App.git",
    branch: "main",
    ignoredFolders: [],
    tags: [],
    ...changes,
  };
}

export function flags(changes: Partial<InitFlags> = {}): InitFlags {
  return { cwd: ".", lanes: true, setup: true, ...changes };
}
