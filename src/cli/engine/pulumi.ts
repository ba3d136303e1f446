import { z } from "zod";
import { runCommand } from "../../inputs/commands";
import { isRecord } from "../../plan/record";
import { isSecretVariable } from "../../settings/environment";
import { leaves } from "../../settings/paths";
import { isSecretPath } from "../../settings/secrets";
import { shellWord } from "../../workflows/model";

export interface EngineStack {
  readonly stack: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

async function askPulumi(args: readonly string[], { cwd, env }: EngineStack, why: string): Promise<string> {
  const { code, stdout, stderr, message = "pulumi failed" } = await runCommand("pulumi", args, { cwd, env });
  if (code !== 0) throw new Error(`${why}: ${stderr.trim() || message}`);
  return stdout;
}

const exported = z.object({
  deployment: z.object({
    resources: z
      .array(
        z.object({
          urn: z.string(),
          type: z.string(),
          parent: z.string().optional(),
          outputs: z.record(z.string(), z.unknown()).default({}),
        }),
      )
      .default([]),
  }),
});

export async function stateResources(engine: EngineStack) {
  const args = ["stack", "export", "--stack", engine.stack];
  const text = await askPulumi(args, engine, "the stack's state cannot be read");
  return exported.parse(JSON.parse(text)).deployment.resources;
}

/** What `pulumi` ends with where its backend has no such stack. */
const NO_SUCH_STACK = 6;

/**
 * What to run next, where the engine's exit code says it; undefined where its own words have to do.
 *
 * @param cwd as it was given, relative to where the command was typed
 */
export function engineHint(code: number, { stack, cwd }: { stack: string; cwd: string }): string | undefined {
  if (code !== NO_SUCH_STACK) return undefined;
  const place = cwd === "." ? "" : ` -C ${shellWord(cwd)}`;
  return (
    `The stack ${stack} has a file, and the backend does not have it yet.\n` +
    "Make it there, then run this again:\n" +
    `  npx --no slipway env --stack ${stack}${place} -- pulumi stack init ${stack}\n`
  );
}

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

interface StackToRead extends EngineStack {
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
