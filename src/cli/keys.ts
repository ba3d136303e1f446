import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { runCommand } from "../inputs/commands";
import { fromRoot, rootDir } from "../inputs/project-files";
import { ProblemError, reasonOf } from "../plan/problem";
import { isRecord } from "../plan/record";
import { Secret } from "../plan/secret";
import { Redactor } from "../registry/redact";
import type { Code } from "../release/program-host";
import { writeWholeFile } from "../report/manifest-file";
import { lookUp } from "../settings/environment";
import { overlayCode } from "../settings/overlay";
import type { Written } from "../settings/paths";
import { isSetupStack, readStackFile } from "../settings/stack-file";
import { newKeyPair, publicPem, readPrivateKey } from "../signing/keys";
import { engineHint } from "./engine/pulumi";

export interface KeysRequest {
  readonly stack: string;
  readonly cwd: string;
  readonly configFile?: string;
  /** The file for the public key, relative to the project. @default cosign.pub, or cosign.<stack>.pub */
  readonly publicKey?: string;
  readonly env: NodeJS.ProcessEnv;
  readonly code: Code;
}

export interface MadeKeys {
  readonly stack: string;
  /** `completed`: only the public key of an existing private key was written. */
  readonly action: "created" | "completed" | "unchanged";
  /** Relative to the project; absent if the settings contain the PEM itself. */
  readonly publicKeyFile?: string;
}

/**
 * Creates a stack's key pair if it has none. The private key is stored before the public one is written or named, so that
 * the next run completes an interrupted one. Existing keys and files are not overwritten.
 *
 * @throws ProblemError `keys-refused`; Error with pulumi's own message
 */
export async function makeKeys(request: KeysRequest): Promise<MadeKeys> {
  const { stack, env, configFile, code } = request;
  const projectDir = path.resolve(request.cwd);
  const settings = await readStackFile({ projectDir, stack, configFile });
  const written = overlayCode(code, settings.written);
  const sign = isRecord(written.sign) ? written.sign : {};
  refuseUnneeded(stack, written, sign);
  const root = typeof written.root === "string" ? written.root : ".";
  const { publicKeyFile: named } = sign;
  const target = typeof named === "string" ? path.resolve(rootDir(projectDir, root), named) : undefined;
  const prefix = typeof written.envPrefix === "string" ? written.envPrefix : "";
  const given = lookUp(env, ["COSIGN_PRIVATE_KEY"], prefix)?.value;
  const hasPrivate = given !== undefined || sign.key !== undefined || sign.keyFile !== undefined;
  const hasPublic = sign.publicKey !== undefined || (target !== undefined && existsSync(target));
  const shown = (file: string) => path.relative(projectDir, file).replaceAll("\\", "/");
  if (hasPrivate && hasPublic) {
    return { stack, action: "unchanged", publicKeyFile: target && shown(target) };
  }
  if (!hasPrivate && (hasPublic || target !== undefined)) {
    throw refused(
      "slipway:sign",
      `${stack} names a public key, but its private key is not available`,
      "Set COSIGN_PRIVATE_KEY to it. For a new pair, remove publicKey (publicKeyFile) and list the old one under sign.trusted.",
    );
  }
  const made = hasPrivate ? undefined : newKeyPair();
  // On standard input, since other processes can see arguments. Pulumi encrypts the key.
  if (made !== undefined)
    await pulumiConfig(request, ["set", "--secret", "--path", "slipway:sign.key"], made.privateKey);
  const publicKey = made?.publicKey ?? (await publicHalf(request, sign, rootDir(projectDir, root), prefix));
  const file = target ?? (await freeFile(request, projectDir, publicKey));
  await writeWholeFile(file, publicKey);
  const setting = fromRoot(projectDir, root, file);
  if (target === undefined)
    await pulumiConfig(request, ["set", "--path", "slipway:sign.publicKeyFile", setting]);
  return { stack, action: hasPrivate ? "completed" : "created", publicKeyFile: shown(file) };
}

export function keysText({ stack, action, publicKeyFile }: MadeKeys): string {
  const named = publicKeyFile ?? "slipway:sign.publicKey";
  switch (action) {
    case "unchanged":
      return `Nothing to do: ${stack} has a key, and ${named} is its public half.\n`;
    case "completed":
      return `${named} is the public half of the key that ${stack} has. Commit it with the stack's settings.\n`;
    case "created":
      return (
        `${named} is the public key of ${stack}; its private key is encrypted in the stack's settings (slipway:sign.key).\n` +
        "Commit both. Anyone who can decrypt the stack's settings can sign. Keep the passphrase: without it the key is lost.\n"
      );
  }
}

function refuseUnneeded(stack: string, written: Written, { mode }: Written): void {
  const refuse = (setting: string, reason: string) => {
    throw refused(`slipway:${setting}`, `${reason}: it needs no key`);
  };
  if (isSetupStack(written))
    refuse("github.setup", `${stack} sets the GitHub repository up, and releases nothing`);
  if (written.promote !== undefined)
    refuse("promote", `${stack} promotes what another stack signed, and signs nothing`);
  if (mode !== undefined && mode !== "key")
    refuse("sign.mode", `the settings of ${stack} say sign.mode: ${String(mode)}`);
}

async function publicHalf(
  request: KeysRequest,
  sign: Written,
  root: string,
  prefix: string,
): Promise<string> {
  const { env } = request;
  const given = (variable: string) => lookUp(env, [variable], prefix)?.value;
  // A secret in the stack's file has to be decrypted by pulumi; in code it is plain text.
  const stored = async (name: "key" | "password") => {
    const value = sign[name];
    if (value === undefined || typeof value === "string") return value;
    return (await pulumiConfig(request, ["get", "--path", `slipway:sign.${name}`])).trim();
  };
  const pem =
    given("COSIGN_PRIVATE_KEY") ??
    (await stored("key")) ??
    (await readFile(path.resolve(root, String(sign.keyFile)), "utf8"));
  const password = given("COSIGN_PASSWORD") ?? (await stored("password"));
  try {
    return publicPem(
      await readPrivateKey(new Secret(pem), password === undefined ? undefined : new Secret(password)),
    );
  } catch (error) {
    const reason = reasonOf(error);
    throw refused("slipway:sign", `the key of ${request.stack} ${reason}`);
  }
}

/** The first file that is free or has this key. @throws ProblemError if each has another key */
async function freeFile({ stack, publicKey }: KeysRequest, projectDir: string, pem: string): Promise<string> {
  const names = publicKey === undefined ? ["cosign.pub", `cosign.${stack}.pub`] : [publicKey];
  for (const name of names) {
    const file = path.resolve(projectDir, name);
    const found = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
    });
    if (found === undefined || found.trim() === pem.trim()) return file;
  }
  throw refused(names.join(", "), "already exists, with another key", "Name another file: --public-key.");
}

/** Runs `pulumi config`. @returns its output @throws Error with its message, without the key */
async function pulumiConfig(
  { stack, cwd, configFile, env }: KeysRequest,
  [verb = "", ...args]: readonly string[],
  value?: Secret,
): Promise<string> {
  const file = configFile === undefined ? [] : ["--config-file", path.resolve(configFile)];
  const { code, stdout, stderr, message } = await runCommand(
    "pulumi",
    ["config", verb, "--stack", stack, "--non-interactive", ...file, ...args],
    { cwd, env, input: value?.reveal() },
  );
  if (code === 0) return stdout;
  const redactor = new Redactor();
  if (value !== undefined) redactor.hide(value.reveal());
  const reason = redactor.redact(stderr.trim() || (message ?? "pulumi failed"));
  throw new Error(
    `the key of ${stack} cannot be stored: ${reason}\n${engineHint(code ?? 1, { stack, cwd }) ?? ""}`.trim(),
  );
}

function refused(at: string, message: string, hint?: string): ProblemError {
  return new ProblemError("No key was created:", [{ code: "keys-refused", path: at, message, hint }]);
}
