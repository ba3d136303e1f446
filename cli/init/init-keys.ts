import path from "node:path";
import { runCommand } from "../../source/run-command";
import { type MadeKeys, makeKeys } from "../make-keys";
import { releaseArgs } from "./program";
import { type Answers, stackPairs } from "./shape";

export interface InitKeys {
  readonly made: readonly MadeKeys[];
  /** Why some stacks still have no key; absent if all have one. */
  readonly missing?: string;
}

const DEADLINE_MS = 60_000;

/**
 * Makes a key pair for each stack that needs one. It also creates the stack in Pulumi's backend, since only the engine
 * can encrypt the key. If the backend does not answer, keys are left for later: the files are useful without them.
 */
export async function initKeys(root: string, answers: Answers, env: NodeJS.ProcessEnv): Promise<InitKeys> {
  const cwd = path.join(root, answers.folder);
  const made: MadeKeys[] = [];
  for (const stack of withoutKey(answers)) {
    const select = ["stack", "select", "--create", stack, "--non-interactive"];
    const { code, stderr, message, failure } = await runCommand("pulumi", select, {
      cwd,
      env,
      timeout: DEADLINE_MS,
    });
    if (failure === "not-found")
      return { made, missing: "there is no pulumi command here; the next commands make one" };
    if (code !== 0)
      return { made, missing: stderr.trim().split("\n").at(-1) || (message ?? "pulumi failed") };
    try {
      // The program cannot run before its packages are installed.
      made.push(await makeKeys({ stack, cwd, env, code: releaseArgs(answers) }));
    } catch (error) {
      return { made, missing: error instanceof Error ? error.message : String(error) };
    }
  }
  return { made };
}

/** Stacks that sign by key and have none yet. Prod promotes what stage signed, and signs nothing. */
function withoutKey({ sign, withKey, shape }: Answers): string[] {
  const stages = stackPairs({ shape }).map(({ stage }) => stage);
  return sign === "key" ? stages.filter((stage) => !withKey.includes(stage)) : [];
}
