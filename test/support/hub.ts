import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

export interface HubRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization?: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface HubAccount {
  readonly username: string;
  readonly token: string;
  /** What the token may do, as Docker Hub names it. */
  readonly scope: "Read & Write" | "Read, Write, Delete";
}

export interface HubRepository {
  description: string | null;
  full_description: string | null;
  readonly is_private?: boolean;
}

export interface HubAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface StandInHub {
  readonly url: string;
  /** `namespace/name` -> what is there. */
  readonly repositories: Map<string, HubRepository>;
  readonly accounts: HubAccount[];
  /** Every request, in the order in which they came. */
  readonly requests: HubRequest[];
  /** False: the server is older than personal access tokens. */
  authToken: boolean;
  /** Answers the next requests of a method, one each, in place of what would be answered. */
  readonly next: Map<string, HubAnswer[]>;
  /** Deletes a repository's tag where the registry keeps it. @default there are no tags */
  deleteTag: (name: string, tag: string) => Promise<boolean>;
  /** Every token that was given out loses its power. */
  forgetTokens(): void;
  stop(): Promise<void>;
}

/**
 * Docker Hub's own API as far as descriptions need it: statuses, fields and limits as they are there.
 *
 * @see https://docs.docker.com/reference/api/hub/latest/
 */
export async function startHub(): Promise<StandInHub> {
  const tokens = new Map<string, HubAccount>();
  let given = 0;
  const give = (account: HubAccount): string => {
    given += 1;
    const token = `hub-session-${given}-${account.username}`;
    tokens.set(token, account);
    return token;
  };
  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch((error: unknown) => answer(outgoing, 500, { message: String(error) }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const hub: StandInHub = {
    url: `http://127.0.0.1:${address.port}`,
    repositories: new Map(),
    accounts: [],
    requests: [],
    authToken: true,
    next: new Map(),
    deleteTag: async () => false,
    forgetTokens: () => tokens.clear(),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return hub;

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<unknown> {
    const { method = "GET", url = "/" } = incoming;
    const { authorization } = incoming.headers;
    const body = await readJson(incoming);
    hub.requests.push({ method, path: url, body, ...(authorization === undefined ? {} : { authorization }) });
    const told = hub.next.get(method)?.shift();
    if (told !== undefined) {
      return outgoing.writeHead(told.status, told.headers).end(told.body);
    }
    if (method === "POST") return signIn(url, body, outgoing);
    const [, name, tag] =
      /^\/v2\/repositories\/([a-z0-9._-]+\/[a-z0-9._-]+)\/(?:tags\/([^/]+)\/)?$/.exec(url) ?? [];
    const repository = name === undefined ? undefined : hub.repositories.get(name);
    const bearer = /^Bearer (.+)$/.exec(authorization ?? "")?.[1];
    const account = bearer === undefined ? undefined : tokens.get(bearer);
    if (bearer !== undefined && account === undefined)
      return answer(outgoing, 401, { detail: "token expired" });
    if (method === "GET") {
      if (
        name === undefined ||
        repository === undefined ||
        (repository.is_private && account === undefined)
      ) {
        return answer(outgoing, 404, { message: "object not found", errinfo: {} });
      }
      return answer(outgoing, 200, facts(name, repository));
    }
    if (method !== (tag === undefined ? "PATCH" : "DELETE"))
      return answer(outgoing, 405, { detail: `Method "${method}" not allowed.` });
    if (account === undefined) {
      return answer(outgoing, 401, { detail: "Authentication credentials were not provided." });
    }
    if (account.scope !== "Read, Write, Delete") {
      return answer(outgoing, 403, {
        detail: "access to the resource is forbidden with personal access token",
      });
    }
    if (name === undefined || repository === undefined) {
      return answer(outgoing, 404, { message: "object not found", errinfo: {} });
    }
    if (tag !== undefined) {
      const deleted = await hub.deleteTag(name, tag);
      return deleted ? outgoing.writeHead(204).end() : answer(outgoing, 404, { message: "tag not found" });
    }
    const { description, full_description: full } = body;
    if (typeof description === "string" && [...description].length > 100) {
      return answer(outgoing, 400, { description: ["Ensure this field has no more than 100 characters."] });
    }
    if (typeof full === "string" && Buffer.byteLength(full) > 25_000) {
      return answer(outgoing, 400, { full_description: ["Ensure this field has no more than 25000 bytes."] });
    }
    if (typeof description === "string") repository.description = description;
    if (typeof full === "string") repository.full_description = full;
    return answer(outgoing, 200, facts(name, repository));
  }

  function signIn(url: string, body: Readonly<Record<string, unknown>>, outgoing: ServerResponse): unknown {
    const isNew = url === "/v2/auth/token" && hub.authToken;
    if (!isNew && url !== "/v2/users/login" && url !== "/v2/users/login/") {
      return answer(outgoing, 404, { detail: "Not found." });
    }
    const [name, secret] = isNew ? [body.identifier, body.secret] : [body.username, body.password];
    const account = hub.accounts.find(({ username, token }) => username === name && token === secret);
    if (account === undefined)
      return answer(outgoing, 401, { detail: "Incorrect authentication credentials" });
    return answer(outgoing, 200, { [isNew ? "access_token" : "token"]: give(account) });
  }
}

function facts(name: string, repository: HubRepository): object {
  const [namespace, short] = name.split("/");
  return { user: namespace, name: short, namespace, repository_type: "image", ...repository };
}

function answer(outgoing: ServerResponse, status: number, body: object): void {
  outgoing.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

async function readJson(incoming: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  let text = "";
  for await (const chunk of incoming) text += String(chunk);
  if (text === "") return {};
  const value: unknown = JSON.parse(text);
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
