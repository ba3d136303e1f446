import { Redactor } from "../../registry/redact";
import { isSecretVariable } from "../../settings/environment";
import { leaves } from "../../settings/paths";
import { isSecretPath } from "../../settings/secrets";
import { decryptedConfig, type StackToRead } from "./pulumi";
import { eachLine, endOf, type Running, start, withFlags } from "./run-pulumi";

/** Up to level 8, the log contains nothing that engine, program and providers exchange. */
const SECRETLESS_LEVEL = /^[0-8]$/;
/** Pulumi also reads each of its flags from a variable. */
const VERBOSE_VARIABLE = "PULUMI_OPTION_VERBOSE";
const LOG_FLAG = "--logtostderr";

/**
 * Whether pulumi is asked for a log that would contain secrets. Unclear arguments count too: a level that is not plainly
 * a low one, and a `v` among letters behind one dash, which can be several flags.
 */
export function logsSecrets(args: readonly string[], env: NodeJS.ProcessEnv = {}): boolean {
  const levels = args.flatMap((argument, at) => {
    const written = /^(?:-[A-Za-z]*?v|--verbose(?=$|=))(.*)$/.exec(argument)?.[1];
    if (written === undefined) return [];
    return [written === "" ? args[at + 1] : written.replace(/^=/, "")];
  });
  // To pulumi, an empty variable is not set.
  const named = env[VERBOSE_VARIABLE] || "0";
  return [...levels, named].some((level) => level === undefined || !SECRETLESS_LEVEL.test(level));
}

/**
 * Runs pulumi without a terminal and removes secrets from every line that it prints. The log goes to standard error,
 * since a log file could not be redacted.
 */
export async function runRedacted(
  pulumi: string,
  args: readonly string[],
  options: Running & { readonly secrets: readonly string[] },
): Promise<number> {
  const redactor = new Redactor({ remembered: Number.POSITIVE_INFINITY });
  for (const secret of options.secrets) redactor.hide(secret);
  const child = start(pulumi, withLogShown(args), options, ["inherit", "pipe", "pipe"]);
  const [code] = await Promise.all([
    endOf(child, pulumi),
    eachLine(child.stdout, (line) => process.stdout.write(`${redactor.redact(line)}\n`)),
    eachLine(child.stderr, (line) => process.stderr.write(`${redactor.redact(line)}\n`)),
  ]);
  return code;
}

/** Of several such flags the last one counts. */
export function withLogShown(args: readonly string[]): string[] {
  return withFlags(args, LOG_FLAG);
}

const PROXIES = /^(https?|all|ftp)_proxy$/i;

/** The values of secret variables and the passwords in proxies' addresses. */
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

export async function stackSecrets(stack: StackToRead): Promise<string[]> {
  const config = await decryptedConfig(
    stack,
    "the log would show the stack's secrets, which cannot be read to remove them",
  );
  return Object.entries(config).flatMap(([key, { value, objectValue, secret }]) => {
    if (!secret) return [];
    const root = key.startsWith("slipway:") ? [key.slice("slipway:".length)] : undefined;
    const found = [...leaves(objectValue ?? value)];
    const known = root === undefined ? [] : found.filter(({ path }) => isSecretPath([...root, ...path]));
    // Under other keys, any of the texts can be the secret one.
    return (known.length === 0 ? found : known).flatMap((leaf) =>
      typeof leaf.value === "string" ? [leaf.value] : [],
    );
  });
}
