import { type Problem, ProblemError } from "../plan/problem";
import { secretProblems } from "./secret-rules";
import { readStackFile } from "./stack-file";

/**
 * Secrets of a setup that stand in plain text in the stack's file. The engine tells only that `slipway:github` holds a
 * secret somewhere, so the file itself is looked at; without one there, nothing can be told.
 */
export async function plainSetupSecrets(input: {
  readonly projectDir: string;
  readonly stack: string;
}): Promise<Problem[]> {
  try {
    const { written } = await readStackFile(input);
    const found = secretProblems({ written, file: written, secretKeys: [], secrets: [], origins: {} });
    return found.filter(({ path }) => path.startsWith("github."));
  } catch (error) {
    // The stack may be configured by another file (--config-file).
    if (error instanceof ProblemError) return [];
    throw error;
  }
}
