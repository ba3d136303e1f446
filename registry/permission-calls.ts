import { parseChallenges, pullScope, pushScope } from "./challenge";
import { RegistryError } from "./errors";
import type { Transport } from "./transport";

export type Action = "pull" | "push";
export type Grant = "granted" | "denied" | "unknown";

export async function ping(transport: Transport): Promise<{ auth: "none" | "basic" | "bearer" }> {
  const answer = await transport.plain("/v2/");
  await answer.discard();
  if (answer.status === 200) return { auth: "none" };
  const schemes = parseChallenges(answer.header("www-authenticate") ?? "").map(({ scheme }) => scheme);
  if (schemes.includes("bearer")) return { auth: "bearer" };
  if (schemes.includes("basic")) return { auth: "basic" };
  throw answer.bad("401 and no way to authenticate that Slipway knows (basic, bearer)");
}

export async function checkScopes(transport: Transport, repository: string, action: Action): Promise<Grant> {
  const answer = await transport.plain("/v2/");
  await answer.discard();
  if (answer.status === 200) return "unknown";
  const scope = action === "push" ? pushScope(repository) : pullScope(repository);
  try {
    const token = await transport.retrying(() =>
      transport.auth.freshToken(answer.header("www-authenticate"), [scope]),
    );
    return token === undefined ? "unknown" : readGrant(token, repository, action);
  } catch (error) {
    const denied = error instanceof RegistryError && error.code === "registry-forbidden";
    if (denied) return "denied";
    throw error;
  }
}

/**
 * What a token says that it grants, where it is a JWT with an `access` claim. The signature is the registry's to
 * check: a forged token would only mislead its forger.
 *
 * @see https://distribution.github.io/distribution/spec/auth/jwt/
 */
export function readGrant(token: string, repository: string, action: Action): Grant {
  const access = claims(token)?.access;
  if (!Array.isArray(access)) return "unknown";
  const granted = access.some(
    (entry: unknown) =>
      typeof entry === "object" &&
      entry !== null &&
      Reflect.get(entry, "type") === "repository" &&
      Reflect.get(entry, "name") === repository &&
      includes(Reflect.get(entry, "actions"), action),
  );
  return granted ? "granted" : "denied";
}

function includes(actions: unknown, action: Action): boolean {
  return Array.isArray(actions) && (actions.includes(action) || actions.includes("*"));
}

function claims(token: string): { access?: unknown } | undefined {
  const [, payload, signature] = token.split(".");
  if (payload === undefined || signature === undefined) return undefined;
  try {
    const json: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    return typeof json === "object" && json !== null ? json : undefined;
  } catch {
    return undefined;
  }
}
