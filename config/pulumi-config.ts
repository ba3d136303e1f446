import * as pulumi from "@pulumi/pulumi";
import type { Config } from "../plan/config";
import type { ReadProjectFile } from "./expand-services";
import { readConfig } from "./read";

const NAMESPACE = "slipway:";

/** The stack's configuration as the engine hands it to a program. @throws ProblemError with every problem. */
export function readPulumiConfig(env: NodeJS.ProcessEnv, readFile: ReadProjectFile): Config {
  const written = Object.fromEntries(
    Object.entries(pulumi.runtime.allConfig())
      .filter(([key]) => key.startsWith(NAMESPACE))
      .map(([key, value]) => [key.slice(NAMESPACE.length), value]),
  );
  return readConfig({ written, env, secretKeys: secretKeys(env), readFile });
}

/** The engine tells a program which values are secret by this variable alone. */
function secretKeys(env: NodeJS.ProcessEnv): string[] {
  const keys: unknown = JSON.parse(env.PULUMI_CONFIG_SECRET_KEYS ?? "[]");
  if (!Array.isArray(keys)) return [];
  return keys
    .filter((key) => typeof key === "string" && key.startsWith(NAMESPACE))
    .map((key: string) => key.slice(NAMESPACE.length));
}
