import { isRecord, parseJson } from "../plan/record";
import { isLoopbackHost } from "../plan/reference";
import type { Secret } from "../plan/secret";
import { answerError, type Caller } from "./answer-errors";
import { RegistryError } from "./errors";
import type { Answer, WireRequest } from "./http";
import type { Redactor } from "./redact";

/** A user's password or access token, or an OAuth2 refresh token (`identityToken`). */
export type Credentials = {
  /** Where they were found, for messages. */
  readonly from?: string;
} & ({ readonly username: string; readonly password: Secret } | { readonly identityToken: Secret });

/** Called for every authentication, so that a rotated token works. Undefined means anonymous. */
export type CredentialsSource = () => Promise<Credentials | undefined>;

/** For a token service that does not say how long a token lives: the specification's default. */
const DEFAULT_LIFE_S = 60;
const TOKEN_ANSWER_LIMIT = 1024 * 1024;
/** It must fit into a header; real ones have 8 KiB at most. */
const TOKEN_LIMIT = 64 * 1024;
const CLIENT_ID = "slipway";

type Scheme = { readonly kind: "basic" } | BearerScheme;

interface BearerScheme {
  readonly kind: "bearer";
  readonly realm: URL;
  readonly service: string | undefined;
}

interface Token {
  readonly scopes: readonly string[];
  readonly value: string;
  readonly expiresAt: number;
}

interface AuthenticatorOptions {
  readonly registry: string;
  readonly origin: URL;
  readonly credentials: CredentialsSource;
  readonly send: (request: WireRequest) => Promise<Answer>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly redactor: Redactor;
}

/**
 * Authenticates requests: not at all, with a password, or with tokens of the registry's token service. Tokens are kept
 * until shortly before they expire, and concurrent requests for the same token share one call.
 *
 * @see https://distribution.github.io/distribution/spec/auth/token/
 * @see https://distribution.github.io/distribution/spec/auth/oauth/
 */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #tokens = new Map<string, Token>();
  readonly #pending = new Map<string, Promise<Token>>();
  #scheme: Scheme | undefined;
  #basic: string | undefined;
  /** What error messages say about the credentials that were sent last. */
  caller: Pick<Caller, "identity" | "from"> = { identity: "anonymous" };

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /** The header for a request that needs `scopes`; undefined until the registry has asked for one. */
  async authorization(scopes: readonly string[]): Promise<string | undefined> {
    if (this.#scheme === undefined) return undefined;
    if (this.#scheme.kind === "bearer") return `Bearer ${(await this.#token(this.#scheme, scopes)).value}`;
    this.#basic ??= basicHeader(await this.#credentials(), this.#options.redactor);
    return this.#basic;
  }

  /** Another header to try after a 401, or undefined if there is no other. @param refused the header that failed */
  async renew(
    challenge: string | undefined,
    scopes: readonly string[],
    refused: string | undefined,
  ): Promise<string | undefined> {
    const offered = parseChallenges(challenge ?? "");
    this.#scheme = this.#pick(offered, scopes) ?? this.#scheme;
    if (this.#scheme === undefined) return undefined;
    if (this.#scheme.kind === "basic") {
      if (this.#basic === refused) this.#basic = undefined;
      const header = await this.authorization(scopes);
      return header === refused ? undefined : header;
    }
    this.#forget(refused, mergeScopes(scopes));
    const asked = offered.find(({ scheme }) => scheme === "bearer")?.parameters.scope?.split(" ") ?? [];
    return `Bearer ${(await this.#token(this.#scheme, [...scopes, ...asked])).value}`;
  }

  /** Drops a refused token, and older ones that cover the same scopes. If it is gone, another call renewed it. */
  #forget(refused: string | undefined, needed: readonly string[]): void {
    if (![...this.#tokens.values()].some(({ value }) => `Bearer ${value}` === refused)) return;
    for (const [key, token] of this.#tokens) if (covers(token.scopes, needed)) this.#tokens.delete(key);
  }

  /** A new token for exactly these scopes, to read the grant from; undefined where there are no tokens. */
  async freshToken(challenge: string | undefined, scopes: readonly string[]): Promise<string | undefined> {
    const scheme = this.#pick(parseChallenges(challenge ?? ""), scopes) ?? this.#scheme;
    this.#scheme = scheme;
    return scheme?.kind === "bearer" ? (await this.#fetch(scheme, mergeScopes(scopes))).value : undefined;
  }

  /** Bearer before basic: registries that offer both prefer it. */
  #pick(challenges: readonly Challenge[], scopes: readonly string[]): Scheme | undefined {
    const bearer = challenges.find(({ scheme, parameters }) => scheme === "bearer" && parameters.realm);
    if (bearer !== undefined) {
      const { realm = "", service } = bearer.parameters;
      return { kind: "bearer", realm: this.#checkRealm(realm, scopes), service };
    }
    return challenges.some(({ scheme }) => scheme === "basic") ? { kind: "basic" } : undefined;
  }

  /** Refuses a token service without https, unless the registry itself is reached by plain HTTP. */
  #checkRealm(realm: string, scopes: readonly string[]): URL {
    const { registry, origin } = this.#options;
    const url = URL.canParse(realm, origin) ? new URL(realm, origin) : undefined;
    const plainAllowed = origin.protocol === "http:" || isLoopbackHost(origin.host);
    if (url?.protocol === "https:" || (url?.protocol === "http:" && plainAllowed)) return url;
    throw new RegistryError({
      code: "registry-bad-answer",
      registry,
      repository: repositoryOf(scopes),
      summary: `${registry} names ${JSON.stringify(url?.origin ?? realm.slice(0, 100))} as its token service, and Slipway sends credentials by https only`,
      hint: "Ask the registry's operator for a token service with https.",
    });
  }

  async #token(scheme: BearerScheme, scopes: readonly string[]): Promise<Token> {
    const needed = mergeScopes(scopes);
    const now = this.#options.now();
    for (const [key, token] of this.#tokens) {
      if (token.expiresAt <= now) this.#tokens.delete(key);
      else if (key.startsWith(schemeKey(scheme)) && covers(token.scopes, needed)) return token;
    }
    const key = `${schemeKey(scheme)}${needed.join(" ")}`;
    const running = this.#pending.get(key);
    if (running !== undefined) return running;
    const request = this.#fetch(scheme, needed)
      .then((token) => {
        this.#tokens.set(key, token);
        return token;
      })
      .finally(() => this.#pending.delete(key));
    this.#pending.set(key, request);
    return request;
  }

  async #fetch(scheme: BearerScheme, scopes: readonly string[]): Promise<Token> {
    const { registry, now, redactor, send } = this.#options;
    const credentials = await this.#credentials();
    const asked = now();
    const answer = await send(tokenRequest(registry, scheme, scopes, credentials, redactor));
    if (answer.status !== 200) {
      await answer.discard();
      const caller = { ...this.caller, role: "token-service", now: now() } as const;
      throw answerError(answer, caller, (text) => redactor.redact(text));
    }
    const { value, life } = readToken(answer, await answer.json(TOKEN_ANSWER_LIMIT));
    redactor.hide(value);
    // 90 % of its life, so that it does not expire on the way.
    return { scopes, value, expiresAt: asked + life * 900 };
  }

  async #credentials(): Promise<Credentials | undefined> {
    const credentials = await this.#options.credentials();
    this.caller = { identity: credentials === undefined ? "anonymous" : "user", from: credentials?.from };
    if (credentials === undefined) return undefined;
    const secret = "identityToken" in credentials ? credentials.identityToken : credentials.password;
    this.#options.redactor.hide(secret.reveal());
    return credentials;
  }
}

function schemeKey(scheme: BearerScheme): string {
  return `${scheme.realm.href} ${scheme.service ?? ""} `;
}

function basicHeader(credentials: Credentials | undefined, redactor: Redactor): string | undefined {
  if (credentials === undefined || "identityToken" in credentials) return undefined;
  const pair = `${credentials.username}:${credentials.password.reveal()}`;
  redactor.hide(pair);
  return `Basic ${Buffer.from(pair).toString("base64")}`;
}

/** OAuth2 with an identity token, else a GET with basic authentication or none. */
function tokenRequest(
  registry: string,
  scheme: BearerScheme,
  scopes: readonly string[],
  credentials: Credentials | undefined,
  redactor: Redactor,
): WireRequest {
  const repository = repositoryOf(scopes);
  const service: [string, string][] = scheme.service === undefined ? [] : [["service", scheme.service]];
  if (credentials !== undefined && "identityToken" in credentials) {
    const form = new URLSearchParams([
      ["grant_type", "refresh_token"],
      ["client_id", CLIENT_ID],
      ...service,
      ["scope", scopes.join(" ")],
      ["refresh_token", credentials.identityToken.reveal()],
    ]);
    return {
      registry,
      repository,
      method: "POST",
      url: scheme.realm,
      headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
      body: Buffer.from(form.toString()),
    };
  }
  const url = new URL(scheme.realm);
  for (const [name, value] of service) url.searchParams.set(name, value);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  const authorization = basicHeader(credentials, redactor);
  return {
    registry,
    repository,
    method: "GET",
    url,
    headers: { accept: "application/json" },
    authorization,
  };
}

function readToken(answer: Answer, json: unknown): { value: string; life: number } {
  if (!isRecord(json)) throw answer.bad("no usable token");
  const value = json.token || json.access_token;
  // A line break would end the header.
  if (typeof value !== "string" || value.length > TOKEN_LIMIT || !/^[\x21-\x7e]+$/.test(value))
    throw answer.bad("no usable token");
  const seconds = json.expires_in;
  const life = typeof seconds === "number" || typeof seconds === "string" ? Number(seconds) : Number.NaN;
  return { value, life: Number.isFinite(life) && life > 0 ? life : DEFAULT_LIFE_S };
}

/** One way to authenticate: `Bearer realm="https://…",service="…",scope="…"`. */
export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const PARAMETER = new RegExp(`(${TOKEN})[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN}))`, "y");
const SCHEME = new RegExp(`(${TOKEN})(?=[ \\t,]|$)`, "y");
/** `Negotiate YII=` has one bare value instead of parameters. */
const TOKEN68 = /[ \t]+[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;
const GAP = /[ \t,]*/y;

/**
 * Reads a `WWW-Authenticate` header up to the first part that is not valid. It may hold several challenges, which
 * proxies produce and no maintained library separates.
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
export function pullScope(repository: string): string {
  return `repository:${repository}:pull`;
}

export function pushScope(repository: string): string {
  return `repository:${repository}:pull,push`;
}

export function deleteScope(repository: string): string {
  return `repository:${repository}:pull,push,delete`;
}

/** One entry for each resource, sorted, so that equal needs give equal text. */
export function mergeScopes(scopes: readonly string[]): string[] {
  const merged = new Map<string, Set<string>>();
  for (const scope of scopes.filter(Boolean)) {
    // A resource's name can contain colons: a host with a port.
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

/** Whether a token for the scopes `held` is enough for `needed`. */
export function covers(held: readonly string[], needed: readonly string[]): boolean {
  const merged = mergeScopes([...held, ...needed]);
  const same = mergeScopes(held);
  return merged.length === same.length && merged.every((scope, index) => scope === same[index]);
}

/** The repository to name in errors; undefined for none or several. */
export function repositoryOf(scopes: readonly string[]): string | undefined {
  const names = scopes.flatMap((scope) => /^repository:(.+):[^:]*$/.exec(scope)?.[1] ?? []);
  return names.length === 1 ? names[0] : undefined;
}

export type Grant = "granted" | "denied" | "unknown";

/**
 * Whether a token allows pushing, if it is a JWT with an `access` claim. Its signature is not verified: the registry
 * does that when the token is used.
 *
 * @see https://distribution.github.io/distribution/spec/auth/jwt/
 */
export function readPushGrant(token: string, repository: string): Grant {
  const access = accessClaim(token);
  if (!Array.isArray(access)) return "unknown";
  const granted = access
    .filter(isRecord)
    .some(
      ({ type, name, actions }) =>
        type === "repository" &&
        name === repository &&
        Array.isArray(actions) &&
        (actions.includes("push") || actions.includes("*")),
    );
  return granted ? "granted" : "denied";
}

function accessClaim(token: string): unknown {
  const [, payload, signature] = token.split(".");
  if (payload === undefined || signature === undefined) return undefined;
  const claims = parseJson(Buffer.from(payload, "base64url"));
  return isRecord(claims) ? claims.access : undefined;
}
