import { isRecord } from "../plan/record";
import { answerError, parseRetryAfter } from "./answer-errors";
import type { CredentialsSource } from "./auth";
import { checkTag, RegistryError } from "./errors";
import { type Answer, type Method, Wire, type WireOptions } from "./http";
import { Redactor } from "./redact";
import { type RetryPolicy, systemClock, withRetries } from "./transport";

export interface HubDescription {
  /** One line, shown in lists. At most 100 characters. */
  readonly short: string;
  /** Markdown, at most 25000 bytes. */
  readonly full: string;
}

interface HubClientOptions extends Pick<WireOptions, "signal" | "onRequest"> {
  readonly registry: string;
  /** Where the API answers: `https://hub.docker.com`. */
  readonly api: string;
  readonly credentials: CredentialsSource;
}

interface HubCall {
  readonly method: Method;
  readonly target: string;
  readonly repository?: string;
  readonly body?: Readonly<Record<string, string | undefined>>;
  readonly token?: string;
}

const ANSWER_LIMIT = 1024 * 1024;
const ATTEMPTS = 4;

/** Docker Hub's own API, for what OCI's cannot do. @see https://docs.docker.com/reference/api/hub/latest/ */
export class HubClient {
  readonly #options: HubClientOptions;
  readonly #redactor = new Redactor();
  readonly #wire: Wire;
  readonly #policy: RetryPolicy;
  #token: Promise<string> | undefined;

  constructor(options: HubClientOptions) {
    this.#options = options;
    this.#wire = new Wire(options, this.#redactor);
    this.#policy = { attempts: ATTEMPTS, clock: systemClock, signal: options.signal };
  }

  /** Undefined where the repository does not exist, or the credentials cannot see it. @param path `octo/app` */
  async description(path: string): Promise<HubDescription | undefined> {
    const call: HubCall = { method: "GET", target: target(path), repository: path };
    // Public repositories need no login, and Docker Hub limits logins.
    const open = await this.#send(call, [200, 401, 403, 404], toDescription);
    if (open !== undefined || (await this.#options.credentials()) === undefined) return open;
    return this.#signedIn(call, [200, 404], toDescription);
  }

  /** Changes what is given, and reads it back. @throws RegistryError if it is not there afterwards */
  async describe(path: string, desired: Partial<HubDescription>): Promise<void> {
    const body = { full_description: desired.full, description: desired.short };
    const call: HubCall = { method: "PATCH", target: target(path), repository: path, body };
    await this.#signedIn(call, [200], () => undefined);
    const live = await this.description(path);
    if (live !== undefined && isDescribed(live, desired)) return;
    throw new RegistryError({
      code: "registry-conflict",
      registry: this.#options.registry,
      repository: path,
      method: "PATCH",
      path: target(path),
      summary: `${this.#options.api} accepted the description of ${path}, but returns another one`,
      hint: "Another tool may be writing it: check the repository's page, then run `pulumi up` again.",
    });
  }

  /** Deletes a tag, and no other tag of its digest; false where there is none. @param path `octo/app` */
  async deleteTag(path: string, tag: string): Promise<boolean> {
    const at = `${target(path)}tags/${checkTag(this.#options.registry, tag)}/`;
    const call: HubCall = { method: "DELETE", target: at, repository: path };
    return this.#signedIn(call, [200, 202, 204, 404], ({ status }) => status !== 404);
  }

  /** One call with a token, and a second one with a new token if the first has expired. */
  async #signedIn<T>(
    call: HubCall,
    expect: readonly number[],
    read: (answer: Answer) => T | Promise<T>,
  ): Promise<T> {
    const token = await this.#signIn();
    try {
      return await this.#send({ ...call, token }, expect, read);
    } catch (error) {
      if (!(error instanceof RegistryError) || error.status !== 401) throw error;
      this.#token = undefined;
      const renewed = await this.#signIn();
      return this.#send({ ...call, token: renewed }, expect, read);
    }
  }

  #signIn(): Promise<string> {
    this.#token ??= this.#login().catch((error: unknown) => {
      this.#token = undefined;
      throw error;
    });
    return this.#token;
  }

  async #login(): Promise<string> {
    const { registry, api } = this.#options;
    const credentials = await this.#options.credentials();
    if (credentials === undefined || "identityToken" in credentials) {
      const why = credentials === undefined ? "there are none" : "Docker's login has only an identity token";
      throw new RegistryError({
        code: "registry-unauthorized",
        registry,
        summary: `changes on ${api} need a username and a token, and ${why}`,
        hint: CREDENTIALS_HINT,
      });
    }
    const { username } = credentials;
    const password = credentials.password.reveal();
    this.#redactor.hide(password);
    const body = { identifier: username, secret: password };
    const token = await this.#askToken("/v2/auth/token", body, [200, 404, 405], "access_token");
    if (token !== undefined) return token;
    // Servers that are older than personal access tokens have this call only.
    const older = await this.#askToken("/v2/users/login", { username, password }, [200], "token");
    if (older === undefined) throw new Error("the login returned no token");
    return older;
  }

  #askToken(target: string, body: HubCall["body"], expect: readonly number[], name: string) {
    return this.#send({ method: "POST", target, body }, expect, async (answer) => {
      if (answer.status !== 200) return undefined;
      const value = (await readObject(answer))[name];
      // A line break would end the header.
      if (typeof value !== "string" || !/^[\x21-\x7e]+$/.test(value)) throw answer.bad("no usable token");
      this.#redactor.hide(value);
      return value;
    });
  }

  #send<T>(call: HubCall, expect: readonly number[], read: (answer: Answer) => T | Promise<T>): Promise<T> {
    const { registry, api } = this.#options;
    return withRetries(this.#policy, async () => {
      const answer = await this.#wire.send({
        registry,
        repository: call.repository,
        method: call.method,
        url: new URL(call.target, api),
        headers: { accept: "application/json", ...(call.body && { "content-type": "application/json" }) },
        body: call.body && Buffer.from(JSON.stringify(call.body)),
        authorization: call.token && `Bearer ${call.token}`,
      });
      try {
        if (!expect.includes(answer.status)) throw this.#failure(answer);
        return await read(answer);
      } finally {
        await answer.discard();
      }
    });
  }

  #failure(answer: Answer): RegistryError {
    const now = this.#policy.clock.now();
    const caller = { identity: "user", role: "registry", now } as const;
    const error = answerError(answer, caller, (text) => this.#redactor.redact(text));
    const retryAfterMs = error.retryAfterMs ?? parseUntil(answer.header("x-retry-after"), now);
    return new RegistryError({
      ...error,
      hint: hintFor(error.status, error.repository, error.hint),
      retryAfterMs: error.transient ? retryAfterMs : undefined,
    });
  }
}

/** Whether the live texts are as desired, apart from line endings and surrounding space. */
export function isDescribed(live: HubDescription, { short, full }: Partial<HubDescription>): boolean {
  return (
    (short === undefined || short.trim() === live.short.trim()) &&
    (full === undefined || plainText(full) === plainText(live.full))
  );
}

function plainText(text: string): string {
  return text
    .replace(/^\uFEFF/, "")
    .replace(/\r\n?/g, "\n")
    .trim();
}

const CREDENTIALS_HINT =
  "Configure DOCKERHUB_USERNAME and DOCKERHUB_TOKEN, or HUB_PAT for descriptions and deletes only: " +
  "a personal access token with the scope Read, Write, Delete (Docker Hub → Account settings → Personal access tokens).";

function hintFor(
  status: number | undefined,
  repository: string | undefined,
  other: string | undefined,
): string | undefined {
  switch (status) {
    case 401:
      return `The username or token is wrong, expired or revoked. ${CREDENTIALS_HINT}`;
    case 403:
      return `The token may not change the description or delete tags of ${repository ?? "the repository"}: it needs the scope Read, Write, Delete (Read & Write pushes only), and its owner the right to administer the repository. ${CREDENTIALS_HINT}`;
    case 404:
      return `These credentials see no repository ${repository ?? ""}: check its name and namespace.`;
    default:
      return other;
  }
}

/** `X-Retry-After` as Docker Hub sends it: seconds since 1970. */
function parseUntil(header: string | undefined, now: number): number | undefined {
  if (header === undefined || !/^\d{9,11}$/.test(header.trim())) return parseRetryAfter(header, now);
  return Math.max(0, Number(header) * 1000 - now);
}

function target(path: string): string {
  if (!/^[a-z0-9._-]+\/[a-z0-9._-]+$/.test(path)) {
    throw new TypeError(`${JSON.stringify(path)} is not namespace/name`);
  }
  return `/v2/repositories/${path}/`;
}

async function toDescription(answer: Answer): Promise<HubDescription | undefined> {
  if (answer.status !== 200) return undefined;
  const repository = await readObject(answer);
  const text = (name: string): string => {
    const value = repository[name];
    // Docker Hub returns null for a text that was never set.
    if (value === null || value === undefined) return "";
    if (typeof value !== "string") throw answer.bad(`a ${name} that is not text`);
    return value;
  };
  return { short: text("description"), full: text("full_description") };
}

async function readObject(answer: Answer): Promise<Readonly<Record<string, unknown>>> {
  const value = await answer.json(ANSWER_LIMIT);
  if (!isRecord(value)) throw answer.bad("something that is not an object");
  return value;
}
