/**
 * Token scopes, `repository:octo/app:pull,push`: what a bearer token is asked for.
 *
 * @see https://distribution.github.io/distribution/spec/auth/scope/
 */
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

/** Splits at the first and last colon: a resource's name can contain a host with a port. */
function split(scope: Scope): { resource: string; actions: string[] } {
  const last = scope.lastIndexOf(":");
  return { resource: scope.slice(0, last), actions: scope.slice(last + 1).split(",") };
}

/** Several scopes with one entry for each resource, sorted: equal needs give equal text. */
export function mergeScopes(scopes: readonly Scope[]): Scope[] {
  const merged = new Map<string, Set<string>>();
  for (const scope of scopes.filter(Boolean)) {
    const { resource, actions } = split(scope);
    const known = merged.get(resource) ?? new Set<string>();
    for (const action of actions) known.add(action);
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
