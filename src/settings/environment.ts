import { CI_PAIR, hostVariables, PAIRS_BY_HOST, type Pair } from "../plan/config";
import { normalizeHost } from "../plan/reference";
import { Secret } from "../plan/secret";

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * How variables are called that hold a secret: GHCR_TOKEN, HUB_PAT, COSIGN_PRIVATE_KEY; and PULUMI_CONFIG, by which the
 * engine hands a program the stack's configuration, decrypted.
 */
const SECRET_NAME =
  /(^PULUMI_CONFIG|^BUILD_SECRET_.+|TOKEN|PASSWORD|PASSWD|PASSPHRASE|SECRET|PRIVATE_KEY|ACCESS_KEY|CREDENTIALS|_PAT|_AUTH_CONFIG)$/i;

/** Whether a variable's name says that its value is a secret, whatever program it is for. */
export function isSecretVariable(name: string): boolean {
  return SECRET_NAME.test(name);
}

export interface Given {
  readonly variable: string;
  readonly value: string;
}

/** The first of some variables that is set, with the stack's prefix before without. */
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
  /** Where they came from, for people: `environment variables GHCR_USERNAME and GHCR_TOKEN`. */
  readonly origin: string;
  /** The variables themselves; no `usernameVariable` where the name came from elsewhere. */
  readonly usernameVariable?: string;
  readonly passwordVariable: string;
}

export interface CredentialOptions {
  /** The stack's `envPrefix`: the same variables with it come first. Default none. */
  readonly prefix?: string;
  /** A name to use where no variable has one, e.g. the stack's. */
  readonly username?: string;
  /** The host that CI_REGISTRY_USERNAME and CI_REGISTRY_PASSWORD belong to where CI_REGISTRY is not set. Default none. */
  readonly ciRegistry?: string;
}

/** GHCR looks at the token alone, but wants a name. */
const ANY_NAME = new Map([["ghcr.io", "x-access-token"]]);

/**
 * The credentials that the environment holds for a registry's host, or undefined. The first pair whose password is set
 * counts; its name comes from another pair, then from `options.username`, only where its own is missing.
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

/** `HUB_PAT`: Docker Hub's token for descriptions, with the name that DOCKERHUB_USERNAME has. */
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
