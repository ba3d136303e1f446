import path from "node:path";
import { runCommand } from "../../source/run-command";
import { type MadeKeys, makeKeys } from "../make-keys";
import { type Answers, stackNames } from "./shape";

export interface InitKeys {
  readonly made: readonly MadeKeys[];
  /** Why there are still stacks without a key, where there are. */
  readonly missing?: string;
}

const DEADLINE_MS = 60_000;

/**
 * Makes the key pairs of stacks that have none, and the stacks in pulumi's backend, which alone can encrypt a key. Where
 * it does not answer, that is left for later: the files are of use without.
 */
export async function initKeys(root: string, answers: Answers, env: NodeJS.ProcessEnv): Promise<InitKeys> {
  const cwd = path.join(root, answers.folder);
  const made: MadeKeys[] = [];
  const without =
    answers.sign === "key" ? stackNames(answers).filter((stack) => !hasKey(answers, stack)) : [];
  for (const stack of without) {
    const select = ["stack", "select", "--create", stack, "--non-interactive"];
    const { code, stderr, message, failure } = await runCommand("pulumi", select, {
      cwd,
      env,
      timeout: DEADLINE_MS,
    });
    if (failure === "not-found") return { made, missing: "there is no pulumi command here" };
    if (code !== 0)
      return { made, missing: stderr.trim().split("\n").at(-1) || (message ?? "pulumi failed") };
    try {
      made.push(await makeKeys({ stack, cwd, env }));
    } catch (error) {
      return { made, missing: error instanceof Error ? error.message : String(error) };
    }
  }
  return { made };
}

function hasKey({ found }: Answers, stack: string): boolean {
  return ["key", "keyFile", "publicKey", "publicKeyFile"].some((name) => found[stack]?.[name] !== undefined);
}
