import { z } from "zod";
import { isSecretVariable } from "../config/environment";
import { leaves } from "../config/paths";
import { isSecretPath } from "../config/secrets";
import { isRecord } from "../plan/record";
import { askPulumi } from "./pulumi";

const PROXIES = /^(https?|all|ftp)_proxy$/i;

const configuration = z.record(
  z.string(),
  z.object({ value: z.string().optional(), objectValue: z.unknown().optional(), secret: z.boolean() }),
);

/** Secrets that stand in an environment, by the names of its variables and by their form. */
export function environmentSecrets(env: NodeJS.ProcessEnv): string[] {
  return Object.entries(env).flatMap(([name, value = ""]) => {
    if (value.trim() === "") return [];
    if (isSecretVariable(name)) return [...new Set([value, value.trim()])];
    return PROXIES.test(name) ? passwordOf(value) : [];
  });
}

function passwordOf(address: string): string[] {
  if (!URL.canParse(address)) return [];
  const { password } = new URL(address);
  if (password === "") return [];
  try {
    return [...new Set([password, decodeURIComponent(password)])];
  } catch {
    return [password];
  }
}

interface StackToRead {
  readonly stack: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Where the stack's file is not at its usual place. */
  readonly configFile?: string;
}

/** A stack's configuration from the engine, which alone can decrypt it. @throws Error with pulumi's own message */
async function decrypted(options: StackToRead, why: string): Promise<z.output<typeof configuration>> {
  const { stack, configFile } = options;
  const file = configFile === undefined ? [] : ["--config-file", configFile];
  const args = ["config", "--stack", stack, "--show-secrets", "--json", "--non-interactive", ...file];
  return configuration.parse(JSON.parse(await askPulumi(args, options, why)));
}

/** The signing key and its password from the stack's file, as the environment variables of the same meaning. */
export async function signingSecrets(options: StackToRead): Promise<Record<string, string>> {
  const found = await decrypted(options, "the stack's signing key cannot be read");
  const { objectValue, value = "null" } = found["slipway:sign"] ?? {};
  const sign: unknown = objectValue ?? JSON.parse(value);
  const { key, password } = isRecord(sign) ? sign : {};
  return {
    ...(typeof key === "string" ? { COSIGN_PRIVATE_KEY: key } : {}),
    ...(typeof password === "string" ? { COSIGN_PASSWORD: password } : {}),
  };
}

/** The secrets of a stack's configuration. @throws Error with pulumi's own message */
export async function stackSecrets(options: StackToRead): Promise<string[]> {
  const why = "the log would show the stack's secrets, and they cannot be asked for";
  return Object.entries(await decrypted(options, why)).flatMap(([key, { value, objectValue, secret }]) => {
    if (!secret) return [];
    const root = key.startsWith("slipway:") ? [key.slice("slipway:".length)] : undefined;
    const found = [...leaves(objectValue ?? value)];
    const known = root === undefined ? [] : found.filter(({ path }) => isSecretPath([...root, ...path]));
    // A secret that is somewhere under a key that is not ours is any of the texts there.
    return (known.length === 0 ? found : known).flatMap((leaf) =>
      typeof leaf.value === "string" ? [leaf.value] : [],
    );
  });
}
