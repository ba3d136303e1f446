import path from "node:path";
import { runCommand } from "../../source/run-command";
import { type MadeKeys, makeKeys } from "../make-keys";
import { type Answers, stackNames } from "./shape";

export interface InitKeys {
  readonly made: readonly MadeKeys[];
  /** Why some stacks still have no key; absent where all have one. */
  readonly missing?: string;
}

const DEADLINE_MS = 60_000;

/**
 * Makes a key pair for each stack that has none, and the stack in Pulumi's backend, since only the engine can encrypt
 * the key. Where the backend does not answer, this is left for later: the files are useful without keys.
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
