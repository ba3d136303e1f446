import path from "node:path";

/** For the help of `--stack`. */
export const STACK_HELP = "default stage, else the only one that releases";

const USUAL_STACK = "stage";

/**
 * The stack that a command is about. If it is unknown, it is the usual one: reading its file then fails with the list of
 * stacks.
 *
 * @throws ProblemError `config-file` where there is no project
 */
export async function stackToUse(options: {
  readonly stack?: string;
  readonly cwd: string;
  readonly configFile?: string;
}): Promise<string> {
  if (options.stack !== undefined) return options.stack;
  if (options.configFile !== undefined) return USUAL_STACK;
  const { defaultStack } = await import("../../config/read-setup.js");
  return (await defaultStack(path.resolve(options.cwd), [USUAL_STACK])) ?? USUAL_STACK;
}
