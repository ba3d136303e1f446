import { z } from "zod";
import { runCommand } from "../../inputs/commands";
import { isRecord } from "../../plan/record";
import { shellWord } from "../../workflows/model";

export interface EngineStack {
  readonly stack: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

export interface StackToRead extends EngineStack {
  /** If the stack's file is not at its usual place. */
  readonly configFile?: string;
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

const configuration = z.record(
  z.string(),
  z.object({ value: z.string().optional(), objectValue: z.unknown().optional(), secret: z.boolean() }),
);

/** A stack's configuration, decrypted by the engine. @throws Error with `why` and pulumi's own message */
export async function decryptedConfig(options: StackToRead, why: string) {
  const { stack, configFile } = options;
  const file = configFile === undefined ? [] : ["--config-file", configFile];
  const args = ["config", "--stack", stack, "--show-secrets", "--json", "--non-interactive", ...file];
  return configuration.parse(JSON.parse(await askPulumi(args, options, why)));
}

/** The signing key and its password from the stack's file, as the environment variables of the same meaning. */
export async function signingSecrets(options: StackToRead): Promise<Record<string, string>> {
  const found = await decryptedConfig(options, "the stack's signing key cannot be read");
  const { objectValue, value = "null" } = found["slipway:sign"] ?? {};
  const sign: unknown = objectValue ?? JSON.parse(value);
  const { key, password } = isRecord(sign) ? sign : {};
  return {
    ...(typeof key === "string" ? { COSIGN_PRIVATE_KEY: key } : {}),
    ...(typeof password === "string" ? { COSIGN_PASSWORD: password } : {}),
  };
}

/** Pulumi's exit code if its backend does not have the stack. */
const NO_SUCH_STACK = 6;

/**
 * What to run next, if pulumi's exit code tells it; otherwise its own message has to be enough.
 *
 * @param cwd as the user gave it, relative to the current folder
 */
export function engineHint(code: number, { stack, cwd }: { stack: string; cwd: string }): string | undefined {
  if (code !== NO_SUCH_STACK) return undefined;
  const place = cwd === "." ? "" : ` -C ${shellWord(cwd)}`;
  return (
    `The stack ${stack} has a file, but the backend does not have the stack yet.\n` +
    "Create it, then run this again:\n" +
    `  npx --no slipway env --stack ${stack}${place} -- pulumi stack init ${stack}\n`
  );
}
