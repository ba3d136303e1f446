import { isRecord } from "../plan/record";
import { isLoopbackHost } from "../plan/reference";
import type { Secret } from "../plan/secret";
import { answerError, type Caller } from "./answer-errors";
import { type Challenge, covers, mergeScopes, parseChallenges, repositoryOf, type Scope } from "./challenge";
import { RegistryError } from "./errors";
import type { Answer, WireRequest } from "./http";
import type { Redactor } from "./redact";
import type { Clock } from "./retry";

/** A user's password or access token, or an OAuth2 refresh token. */
export type Credentials = { /** For people. */ readonly from?: string } & (
  | { readonly username: string; readonly password: Secret }
  | { readonly identityToken: Secret }
);

/** Asked on every authentication, so that a rotated token works; `undefined` means anonymous. */
export type CredentialsSource = () => Promise<Credentials | undefined>;

/** Used when a token service does not say how long a token lives. @see distribution's token specification */
const DEFAULT_LIFE_S = 60;
const TOKEN_ANSWER_LIMIT = 1024 * 1024;
/** It has to fit into a header; real ones have at most 8 KiB or so. */
const TOKEN_LIMIT = 64 * 1024;
const CLIENT_ID = "slipway";

type Scheme = { readonly kind: "basic" } | BearerScheme;

interface BearerScheme {
  readonly kind: "bearer";
  readonly realm: URL;
  readonly service: string | undefined;
}

interface Token {
  readonly scopes: readonly Scope[];
  readonly value: string;
  readonly expiresAt: number;
}

interface AuthenticatorOptions {
  readonly registry: string;
  readonly origin: URL;
  readonly credentials: CredentialsSource;
  readonly send: (request: WireRequest) => Promise<Answer>;
  readonly clock: Clock;
  readonly redactor: Redactor;
}

/**
 * Authenticates the caller: not at all, with a password, or with tokens of the registry's token service, which are kept
 * until shortly before they expire. Callers that need the same token share one request for it.
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
  /** Who the registry takes the caller for. */
  caller: Pick<Caller, "identity" | "from"> = { identity: "anonymous" };

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /** The header for a request that needs `scopes`; `undefined` while the registry has not asked for any. */
  async authorization(scopes: readonly Scope[]): Promise<string | undefined> {
    if (this.#scheme === undefined) return undefined;
    if (this.#scheme.kind === "bearer") return `Bearer ${(await this.#token(this.#scheme, scopes)).value}`;
    this.#basic ??= basicHeader(await this.#credentials(), this.#options.redactor);
    return this.#basic;
  }

  /** Answers a 401 with another header to try, or `undefined` where nothing else can be offered. */
  async renew(
    challenge: string | undefined,
    scopes: readonly Scope[],
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

  /** Drops a refused token and those that would replace it: they are as old. If it is gone, it was renewed already. */
  #forget(refused: string | undefined, wanted: readonly Scope[]): void {
    if (![...this.#tokens.values()].some(({ value }) => `Bearer ${value}` === refused)) return;
    for (const [key, token] of this.#tokens) if (covers(token.scopes, wanted)) this.#tokens.delete(key);
  }

  /** A new token for exactly these scopes, to read what was granted; `undefined` where there are no tokens. */
  async freshToken(challenge: string | undefined, scopes: readonly Scope[]): Promise<string | undefined> {
    const scheme = this.#pick(parseChallenges(challenge ?? ""), scopes) ?? this.#scheme;
    this.#scheme = scheme;
    return scheme?.kind === "bearer" ? (await this.#fetch(scheme, mergeScopes(scopes))).value : undefined;
  }

  /** Bearer before basic, as every registry that offers both wants it. */
  #pick(challenges: readonly Challenge[], scopes: readonly Scope[]): Scheme | undefined {
    const bearer = challenges.find(({ scheme, parameters }) => scheme === "bearer" && parameters.realm);
    if (bearer !== undefined) {
      const { realm = "", service } = bearer.parameters;
      return { kind: "bearer", realm: this.#checkRealm(realm, scopes), service };
    }
    return challenges.some(({ scheme }) => scheme === "basic") ? { kind: "basic" } : undefined;
  }

  /** Credentials go to a token service over plain HTTP only where the registry itself is asked that way. */
  #checkRealm(realm: string, scopes: readonly Scope[]): URL {
    const { registry, origin } = this.#options;
    const url = URL.canParse(realm, origin) ? new URL(realm, origin) : undefined;
    const plainAllowed = origin.protocol === "http:" || isLoopbackHost(origin.host);
    if (url?.protocol === "https:" || (url?.protocol === "http:" && plainAllowed)) return url;
    throw new RegistryError({
      code: "registry-bad-answer",
      registry,
      repository: repositoryOf(scopes),
      summary: `${registry} names ${JSON.stringify(url?.origin ?? realm.slice(0, 100))} as its token service, and credentials do not go there unencrypted`,
      hint: "Ask the registry's operator for a token service with https.",
    });
  }

  async #token(scheme: BearerScheme, scopes: readonly Scope[]): Promise<Token> {
    const wanted = mergeScopes(scopes);
    const now = this.#options.clock.now();
    for (const [key, token] of this.#tokens) {
      if (token.expiresAt <= now) this.#tokens.delete(key);
      else if (key.startsWith(schemeKey(scheme)) && covers(token.scopes, wanted)) return token;
    }
    const key = `${schemeKey(scheme)}${wanted.join(" ")}`;
    const running = this.#pending.get(key);
    if (running !== undefined) return running;
    const request = this.#fetch(scheme, wanted)
      .then((token) => {
        this.#tokens.set(key, token);
        return token;
      })
      .finally(() => this.#pending.delete(key));
    this.#pending.set(key, request);
    return request;
  }

  async #fetch(scheme: BearerScheme, scopes: readonly Scope[]): Promise<Token> {
    const { registry, clock, redactor, send } = this.#options;
    const credentials = await this.#credentials();
    const asked = clock.now();
    const answer = await send(tokenRequest(registry, scheme, scopes, credentials, redactor));
    if (answer.status !== 200) {
      await answer.discard();
      const caller = { ...this.caller, role: "token-service", now: clock.now() } as const;
      throw answerError(answer, caller, (text) => redactor.redact(text));
    }
    const { value, life } = readToken(answer, await answer.json(TOKEN_ANSWER_LIMIT));
    redactor.hide(value);
    // A tenth is left, so that a token does not expire on its way.
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
  scopes: readonly Scope[],
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
  if (!isRecord(json)) throw answer.bad("no token");
  const value = json.token || json.access_token;
  // A line break would end the header that carries it.
  if (typeof value !== "string" || value.length > TOKEN_LIMIT || !/^[\x21-\x7e]+$/.test(value))
    throw answer.bad("no token");
  const seconds = json.expires_in;
  const life = typeof seconds === "number" || typeof seconds === "string" ? Number(seconds) : Number.NaN;
  return { value, life: Number.isFinite(life) && life > 0 ? life : DEFAULT_LIFE_S };
}
