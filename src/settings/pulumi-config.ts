import * as pulumi from "@pulumi/pulumi";
import type { Config } from "../plan/config";
import type { SetupConfig } from "../plan/setup/config";
import type { Written } from "./paths";
import { type ReadProjectFile, readConfig } from "./read";
import { readSetup } from "./read-setup";
import { decodeWritten } from "./schema";
import { misplacedSettings, ownSettings, readStackFile } from "./stack-file";

/**
 * The stack's configuration in a program that the engine runs.
 *
 * @param code what the program says itself; the stack's settings win
 * @throws ProblemError with every problem
 */
export async function readPulumiConfig(
  env: NodeJS.ProcessEnv,
  projectDir: string,
  readFile: ReadProjectFile,
  code: Written,
): Promise<Config> {
  // The engine reports only what is below `config:`. With --config-file, this reads another file than the engine.
  const misplaced = await readStackFile({ projectDir, stack: pulumi.getStack() }).then(
    (file) => file.misplaced,
    () => misplacedSettings(pulumi.runtime.allConfig()),
  );
  return readConfig({ ...engineSettings(env), misplaced, code, env, readFile });
}

/** A setup stack's configuration. @throws ProblemError with every problem. */
export function readPulumiSetup(
  env: NodeJS.ProcessEnv,
  readFile: ReadProjectFile,
  code: Written,
): SetupConfig {
  return readSetup({ ...engineSettings(env), code, env, readFile });
}

/** The stack's settings under `slipway:`, without the environment and defaults. */
export function pulumiSettings(): Record<string, unknown> {
  return decodeWritten(ownSettings(pulumi.runtime.allConfig()));
}

/** The engine lists the keys with secret values in a variable only. */
function engineSettings(env: NodeJS.ProcessEnv): { written: Written; secretKeys: string[] } {
  const keys: unknown = JSON.parse(env.PULUMI_CONFIG_SECRET_KEYS ?? "[]");
  const secret = Array.isArray(keys) ? keys.filter((key) => typeof key === "string") : [];
  return {
    written: ownSettings(pulumi.runtime.allConfig()),
    secretKeys: Object.keys(ownSettings(Object.fromEntries(secret.map((key) => [key, true])))),
  };
}
