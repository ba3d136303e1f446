import { createPrivateKey, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** One request for a token, as it came. */
export interface TokenRequest {
  readonly method: string;
  /** As `repository:app:pull,push`. */
  readonly scopes: readonly string[];
  /** `undefined` for an anonymous caller. */
  readonly user: string | undefined;
  readonly status: number;
}

export interface TokenServerOptions {
  /** Passwords by username; changed while it runs, they are rotated. @default { slipway: "correct horse" } */
  readonly users?: Record<string, string>;
  /** Identity (refresh) tokens and the user they stand for. */
  readonly identityTokens?: Record<string, string>;
  /** What of the wanted actions somebody gets. @default everything for users, pull for others */
  readonly grant?: (
    user: string | undefined,
    repository: string,
    actions: readonly string[],
  ) => readonly string[];
  /** How long a token is valid, as it is said and as it is. @default 300 */
  readonly lifeSeconds?: number;
  /** What is said instead of the truth: a token that "lives" longer than it does expires between requests. */
  readonly saidLifeSeconds?: number;
}

export interface TokenServer {
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  /** The public key, as distribution's `auth.token.jwks` file has it. */
  readonly jwks: string;
  readonly requests: TokenRequest[];
  /** Tokens signed from now on are of no use to the registry. */
  forge(): void;
  stop(): Promise<void>;
}

const SERVICE = "slipway-test";
const ISSUER = "slipway-test-issuer";

/** A token service as distribution's specification has it, with tokens that a real registry accepts. */
export async function startTokenServer(options: TokenServerOptions = {}): Promise<TokenServer> {
  const users = options.users ?? { slipway: "correct horse" };
  const grant =
    options.grant ?? ((user, _repository, actions) => actions.filter((action) => user || action === "pull"));
  const life = options.lifeSeconds ?? 300;
  const keyId = randomUUID();
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwks = JSON.stringify({
    keys: [{ ...keys.publicKey.export({ format: "jwk" }), kid: keyId, use: "sig", alg: "ES256" }],
  });
  let signingKey = createPrivateKey(keys.privateKey.export({ format: "pem", type: "pkcs8" }));
  const requests: TokenRequest[] = [];

  const issue = (user: string | undefined, scopes: readonly string[]) => {
    const now = Math.floor(Date.now() / 1000);
    const access = scopes.map((scope) => {
      const [type = "", name = "", actions = ""] = scope.split(":");
      return { type, name, actions: grant(user, name, actions.split(",")) };
    });
    const claims = {
      iss: ISSUER,
      sub: user ?? "",
      aud: SERVICE,
      exp: now + life,
      nbf: now - 5,
      iat: now,
      jti: randomUUID(),
      access,
    };
    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
    const signed = `${encode({ typ: "JWT", alg: "ES256", kid: keyId })}.${encode(claims)}`;
    const signature = sign("sha256", Buffer.from(signed), { key: signingKey, dsaEncoding: "ieee-p1363" });
    return `${signed}.${signature.toString("base64url")}`;
  };

  const server = createServer(async (request, response) => {
    const { method = "GET" } = request;
    const asked = await readRequest(request);
    const user = userOf(asked, users, options.identityTokens ?? {});
    const status = user === "wrong" ? 401 : 200;
    const name = user === "wrong" ? undefined : user?.name;
    requests.push({ method, scopes: asked.scopes, user: name, status });
    response.writeHead(status, { "content-type": "application/json" });
    if (status === 401) {
      response.end(
        JSON.stringify({ errors: [{ code: "UNAUTHORIZED", message: "incorrect username or password" }] }),
      );
      return;
    }
    const token = issue(name, asked.scopes);
    const field = method === "POST" ? { access_token: token } : { token };
    response.end(JSON.stringify({ ...field, expires_in: options.saidLifeSeconds ?? life }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    realm: `http://localhost:${port}/token`,
    service: SERVICE,
    issuer: ISSUER,
    jwks,
    requests,
    forge() {
      signingKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Asked {
  readonly scopes: readonly string[];
  readonly basic?: string;
  readonly refreshToken?: string;
}

async function readRequest(request: IncomingMessage): Promise<Asked> {
  const url = new URL(request.url ?? "/", "http://localhost");
  if (request.method !== "POST") {
    const header = request.headers.authorization;
    const basic = header?.startsWith("Basic ")
      ? Buffer.from(header.slice(6), "base64").toString()
      : undefined;
    const scopes = url.searchParams.getAll("scope");
    return { scopes, ...(basic === undefined ? {} : { basic }) };
  }
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const form = new URLSearchParams(Buffer.concat(chunks).toString());
  const scopes = (form.get("scope") ?? "").split(" ").filter(Boolean);
  return { scopes, refreshToken: form.get("refresh_token") ?? "" };
}

function userOf(
  asked: Asked,
  users: Readonly<Record<string, string>>,
  identityTokens: Readonly<Record<string, string>>,
): { name: string } | undefined | "wrong" {
  if (asked.refreshToken !== undefined) {
    const name = identityTokens[asked.refreshToken];
    return name === undefined ? "wrong" : { name };
  }
  if (asked.basic === undefined) return undefined;
  const colon = asked.basic.indexOf(":");
  const name = asked.basic.slice(0, colon);
  return users[name] === asked.basic.slice(colon + 1) ? { name } : "wrong";
}
