import { isSetupStack } from "./read-setup";
import { listStackFiles, readStackFile } from "./stack-file";

/**
 * The stack that is meant where none is named: the first of some names that has a file, else the only stack that
 * releases. Stacks that set a repository up do not count.
 *
 * @returns undefined where that leaves none or several
 * @throws ProblemError `config-file` where there is no project
 */
export async function defaultStack(
  projectDir: string,
  preferred: readonly string[],
): Promise<string | undefined> {
  const names = (await listStackFiles(projectDir)).map(({ stack }) => stack);
  const found = preferred.find((stack) => names.includes(stack));
  if (found !== undefined) return found;
  const releasing = [];
  for (const stack of names) {
    if (await isReleasing(projectDir, stack)) releasing.push(stack);
  }
  return releasing.length === 1 ? releasing[0] : undefined;
}

/** A file that cannot be read counts: reading it later reports what is wrong with it. */
async function isReleasing(projectDir: string, stack: string): Promise<boolean> {
  return readStackFile({ projectDir, stack }).then(
    ({ written }) => !isSetupStack(written),
    () => true,
  );
}
