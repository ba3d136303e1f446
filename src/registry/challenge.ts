import { isRecord } from "../plan/record";
import { parseJson } from "./manifest";

/** How a registry lets callers authenticate, e.g. `Bearer realm="https://…",service="…",scope="…"`. */
export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const PARAMETER = new RegExp(`(${TOKEN})[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN}))`, "y");
const SCHEME = new RegExp(`(${TOKEN})(?=[ \\t,]|$)`, "y");
/** `Negotiate YII=` carries one bare value where others have parameters. */
const TOKEN68 = /[ \t]+[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;
const GAP = /[ \t,]*/y;

/**
 * Reads a `WWW-Authenticate` header, as far as it can be understood. No kept library separates several challenges in
 * one header, which RFC 9110 allows and proxies produce.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#field.www-authenticate
 */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  for (take(GAP); at < header.length; take(GAP)) {
    const current = challenges.at(-1);
    const parameter = current === undefined ? null : take(PARAMETER);
    if (current !== undefined && parameter !== null) {
      const [, name = "", quoted, bare] = parameter;
      current.parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, "$1") ?? bare ?? "";
      continue;
    }
    const scheme = take(SCHEME);
    if (scheme === null) break;
    challenges.push({ scheme: (scheme[1] ?? "").toLowerCase(), parameters: {} });
    take(TOKEN68);
  }
  return challenges;
}

/** `repository:octo/app:pull,push`. @see https://distribution.github.io/distribution/spec/auth/scope/ */
export type Scope = string;

export function pullScope(repository: string): Scope {
  return `repository:${repository}:pull`;
}

export function pushScope(repository: string): Scope {
  return `repository:${repository}:pull,push`;
}

export function deleteScope(repository: string): Scope {
  return `repository:${repository}:pull,push,delete`;
}

/** Several scopes with one entry for each resource, sorted: equal needs give equal text. */
export function mergeScopes(scopes: readonly Scope[]): Scope[] {
  const merged = new Map<string, Set<string>>();
  for (const scope of scopes.filter(Boolean)) {
    // A resource's name can contain colons: those of a host with a port.
    const last = scope.lastIndexOf(":");
    const resource = scope.slice(0, last);
    const known = merged.get(resource) ?? new Set<string>();
    for (const action of scope.slice(last + 1).split(",")) known.add(action);
    merged.set(resource, known);
  }
  const rank = (action: string) => ["pull", "push", "delete"].indexOf(action);
  return [...merged]
    .map(([resource, actions]) => `${resource}:${[...actions].sort((a, b) => rank(a) - rank(b)).join(",")}`)
    .sort();
}

/** Whether a token that was asked for `held` also serves `wanted`. */
export function covers(held: readonly Scope[], wanted: readonly Scope[]): boolean {
  const merged = mergeScopes([...held, ...wanted]);
  const same = mergeScopes(held);
  return merged.length === same.length && merged.every((scope, index) => scope === same[index]);
}

/** The repository that a token is for, to name it in errors; undefined for none or several. */
export function repositoryOf(scopes: readonly Scope[]): string | undefined {
  const names = scopes.flatMap((scope) => /^repository:(.+):[^:]*$/.exec(scope)?.[1] ?? []);
  return names.length === 1 ? names[0] : undefined;
}

export type Action = "pull" | "push";
export type Grant = "granted" | "denied" | "unknown";

/**
 * What a token says that it grants, where it is a JWT with an `access` claim. The signature is the registry's to
 * check: a forged token would only mislead its forger.
 *
 * @see https://distribution.github.io/distribution/spec/auth/jwt/
 */
export function readGrant(token: string, repository: string, action: Action): Grant {
  const access = accessClaim(token);
  if (!Array.isArray(access)) return "unknown";
  const granted = access
    .filter(isRecord)
    .some(
      ({ type, name, actions }) =>
        type === "repository" &&
        name === repository &&
        Array.isArray(actions) &&
        (actions.includes(action) || actions.includes("*")),
    );
  return granted ? "granted" : "denied";
}

function accessClaim(token: string): unknown {
  const [, payload, signature] = token.split(".");
  if (payload === undefined || signature === undefined) return undefined;
  const claims = parseJson(Buffer.from(payload, "base64url"));
  return isRecord(claims) ? claims.access : undefined;
}
