import { CI_PAIR, hostVariables, PAIRS_BY_HOST, type Pair } from "../plan/config";
import { normalizeHost } from "../plan/reference";
import { Secret } from "../plan/secret";

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Names of variables that hold a secret: GHCR_TOKEN, HUB_PAT, COSIGN_PRIVATE_KEY; and PULUMI_CONFIG, in which the engine
 * passes the decrypted configuration to a program.
 */
const SECRET_NAME =
  /(^PULUMI_CONFIG|^BUILD_SECRET_.+|TOKEN|PASSWORD|PASSWD|PASSPHRASE|SECRET|PRIVATE_KEY|ACCESS_KEY|CREDENTIALS|_PAT|_AUTH_CONFIG)$/i;

/** Whether a variable holds a secret, judged by its name; it may be for any program. */
export function isSecretVariable(name: string): boolean {
  return SECRET_NAME.test(name);
}

export interface Given {
  readonly variable: string;
  readonly value: string;
}

/** The first of these variables that is set. Names with the stack's prefix come first. */
export function lookUp(env: Environment, variables: readonly string[], prefix = ""): Given | undefined {
  const names = prefix === "" ? variables : [...variables.map((name) => prefix + name), ...variables];
  for (const variable of names) {
    const value = env[variable];
    if (value !== undefined && value.trim() !== "") return { variable, value };
  }
  return undefined;
}

export interface EnvironmentCredentials {
  readonly username: string;
  readonly password: Secret;
  /** Where they came from, for messages: `environment variables GHCR_USERNAME and GHCR_TOKEN`. */
  readonly origin: string;
  /** Absent if the name came from elsewhere. */
  readonly usernameVariable?: string;
  readonly passwordVariable: string;
}

export interface CredentialOptions {
  /** The stack's `envPrefix`: the same variables with it come first. Default none. */
  readonly prefix?: string;
  /** The name to use if no variable has one, e.g. the stack's. */
  readonly username?: string;
  /** The host that CI_REGISTRY_USERNAME and CI_REGISTRY_PASSWORD belong to if CI_REGISTRY is not set. Default none. */
  readonly ciRegistry?: string;
}

/** GHCR requires a name, and ignores it: only the token counts. */
const ANY_NAME = new Map([["ghcr.io", "x-access-token"]]);

/**
 * The credentials for a registry's host in the environment, or undefined. The first pair whose password is set counts.
 * If its own name is missing, it takes that of another pair, then `options.username`.
 */
export function environmentCredentials(
  host: string,
  env: Environment,
  options: CredentialOptions = {},
): EnvironmentCredentials | undefined {
  const pairs = pairsFor(normalizeHost(host), env, options);
  const find = (name: string) => lookUp(env, [name], options.prefix);
  for (const pair of pairs) {
    const password = find(pair.password);
    if (password === undefined) continue;
    const others = pairs.filter((other) => other !== pair).map((other) => other.username);
    const username = [pair.username, ...others].map(find).find((given) => given !== undefined);
    const name = username?.value ?? options.username ?? ANY_NAME.get(normalizeHost(host));
    if (name !== undefined) return credentials(name, username, password);
  }
  return undefined;
}

/** Docker Hub's token for descriptions, HUB_PAT, with the name in DOCKERHUB_USERNAME. */
export function hubToken(
  env: Environment,
  prefix?: string,
): { readonly username?: string; readonly password: Secret } | undefined {
  const token = lookUp(env, ["HUB_PAT"], prefix);
  const username = lookUp(env, ["DOCKERHUB_USERNAME"], prefix);
  if (token === undefined) return undefined;
  return { username: username?.value, password: new Secret(token.value.trim()) };
}

function pairsFor(
  host: string,
  env: Environment,
  { prefix, ciRegistry }: CredentialOptions,
): readonly Pair[] {
  const written = lookUp(env, ["CI_REGISTRY"], prefix)?.value.split("/")[0] ?? ciRegistry;
  const isCi = written !== undefined && normalizeHost(written) === host;
  const known = Object.hasOwn(PAIRS_BY_HOST, host) ? (PAIRS_BY_HOST[host] ?? []) : [];
  const own = [...known, hostVariables(host)];
  return isCi ? [CI_PAIR, ...own] : own;
}

function credentials(name: string, username: Given | undefined, password: Given): EnvironmentCredentials {
  const origin =
    username === undefined
      ? `environment variable ${password.variable}`
      : `environment variables ${username.variable} and ${password.variable}`;
  return {
    username: name,
    password: new Secret(password.value),
    origin,
    usernameVariable: username?.variable,
    passwordVariable: password.variable,
  };
}

/** `true`, `1`, `yes` or their opposites, as variables are written; undefined for any other text. */
export function yesOrNo(text: string): boolean | undefined {
  if (/^(?:true|1|yes)$/i.test(text.trim())) return true;
  return /^(?:false|0|no)$/i.test(text.trim()) ? false : undefined;
}
