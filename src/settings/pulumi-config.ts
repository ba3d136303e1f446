import * as pulumi from "@pulumi/pulumi";
import type { Config } from "../plan/config";
import type { SetupConfig } from "../plan/setup/config";
import { decodeWritten, misplacedSettings } from "./decode";
import type { Written } from "./paths";
import { type ReadProjectFile, readConfig } from "./read";
import { readSetup } from "./read-setup";
import { writtenConfigSchema } from "./schema";
import { readStackFile } from "./stack-file";

const NAMESPACE = "slipway:";

/**
 * The stack's configuration as the engine hands it to a program.
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
  // The engine reports only what is below `config:`. With --config-file, this is another file.
  const misplaced = await readStackFile({ projectDir, stack: pulumi.getStack() }).then(
    (file) => file.misplaced,
    () => misplacedSettings(pulumi.runtime.allConfig()),
  );
  return readConfig({ written: written(), misplaced, code, env, secretKeys: secretKeys(env), readFile });
}

/** A setup stack's configuration. @throws ProblemError with every problem. */
export function readPulumiSetup(
  env: NodeJS.ProcessEnv,
  readFile: ReadProjectFile,
  code: Written,
): SetupConfig {
  return readSetup({ written: written(), code, env, secretKeys: secretKeys(env), readFile });
}

/** The stack's settings under `slipway:`, without the environment and defaults. */
export function pulumiSettings(): Record<string, unknown> {
  return decodeWritten(writtenConfigSchema, written());
}

function written(): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(pulumi.runtime.allConfig())
      .filter(([key]) => key.startsWith(NAMESPACE))
      .map(([key, value]) => [key.slice(NAMESPACE.length), value]),
  );
}

/** The engine lists the secret values in this variable only. */
function secretKeys(env: NodeJS.ProcessEnv): string[] {
  const keys: unknown = JSON.parse(env.PULUMI_CONFIG_SECRET_KEYS ?? "[]");
  if (!Array.isArray(keys)) return [];
  return keys
    .filter((key) => typeof key === "string" && key.startsWith(NAMESPACE))
    .map((key: string) => key.slice(NAMESPACE.length));
}
