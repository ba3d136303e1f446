import { type Problem, ProblemError } from "../plan/problem";
import { secretProblems } from "./secret-rules";
import { readStackFile } from "./stack-file";

/**
 * Secrets of a setup that are in plain text in the stack's file. The engine reports only that `slipway:github` contains
 * a secret, so the file itself is read; if there is none, plain text cannot be found.
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
