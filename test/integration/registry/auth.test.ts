import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { digestOf } from "../../../src/plan/digest";
import { Secret } from "../../../src/plan/secret";
import type { Credentials } from "../../../src/registry/auth";
import type { RegistryClient } from "../../../src/registry/client";
import type { RequestEntry } from "../../../src/registry/http";
import { type RegistryOptions, startRegistry, TEST_USER, type TestRegistry } from "../../support/registry";
import { clientOf, pushImage, pushIndex } from "./content";

const { username } = TEST_USER;
const password = new Secret(TEST_USER.password);
const good = async (): Promise<Credentials> => ({ username, password });

let cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  cleanups = [];
});

async function registryWith(options: RegistryOptions): Promise<TestRegistry> {
  const registry = await startRegistry(options);
  cleanups.push(() => registry.stop());
  return registry;
}

function closing(client: RegistryClient): RegistryClient {
  cleanups.push(() => client.close());
  return client;
}

describe("basic authentication (htpasswd)", () => {
  it("asks for the credentials only when the registry does, and pushes with them", async () => {
    const registry = await registryWith({ auth: "htpasswd" });
    const client = closing(clientOf(registry.host, { credentials: good }));
    expect(await client.ping()).toEqual({ auth: "basic" });
    const { digest } = await pushIndex(client, "octo/app", { tag: "1" });
    expect((await client.headManifest("octo/app", "1"))?.digest).toBe(digest);
    expect(await client.pushGrant("octo/app")).toBe("unknown");
  });

  it("explains a wrong password, no credentials, and repeats neither", async () => {
    const registry = await registryWith({ auth: "htpasswd" });
    const canary = "hunter2-canary";
    const entries: RequestEntry[] = [];
    const wrong = closing(
      clientOf(registry.host, {
        credentials: async () => ({ username, password: new Secret(canary), from: "a variable" }),
        onRequest: (entry) => entries.push(entry),
      }),
    );
    const error: unknown = await wrong.verifyPush("octo/app").catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "registry-unauthorized", status: 401, repository: "octo/app" });
    expect(String(error)).toMatch(/from a variable are wrong, expired or revoked/);
    expect(JSON.stringify([error, String(error), entries])).not.toContain(canary);
    expect(entries.map(({ status }) => status)).toEqual([401, 401]);

    const anonymous = closing(clientOf(registry.host));
    await expect(anonymous.headManifest("octo/app", "1")).rejects.toThrow(/docker login/);
  });

  it("asks again for a password that was rotated", async () => {
    const registry = await registryWith({ auth: "htpasswd" });
    let asked = 0;
    const client = closing(
      clientOf(registry.host, {
        credentials: async () => ({
          username,
          password: asked++ === 0 ? new Secret("last week's") : password,
        }),
      }),
    );
    await expect(client.listTags("octo/app")).rejects.toMatchObject({ code: "registry-unauthorized" });
    expect(await client.listTags("octo/app")).toEqual([]);
  });
});

describe("bearer authentication (tokens of a token service)", () => {
  it("shares one token request among concurrent callers, and keeps the token", async () => {
    const registry = await registryWith({ auth: "token" });
    const client = closing(clientOf(registry.host, { credentials: good }));
    expect(await client.ping()).toEqual({ auth: "bearer" });
    await client.verifyPush("octo/app");
    const before = registry.tokenServer?.requests.length ?? 0;
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => client.headManifest("octo/other", `t${index}`)),
    );
    expect(registry.tokenServer?.requests.slice(before)).toEqual([
      { method: "GET", scopes: ["repository:octo/other:pull"], user: username, status: 200 },
    ]);
  });

  it("authenticates again when a token expires between requests", async () => {
    // distribution allows clocks to differ by a minute: this token is good for two seconds more.
    const registry = await registryWith({
      auth: "token",
      tokens: { lifeSeconds: -58, saidLifeSeconds: 300 },
    });
    const client = closing(clientOf(registry.host, { credentials: good }));
    const { digest } = await pushImage(client, "octo/app", "amd64");
    await delay(3_000);
    await registry.forget();
    const before = registry.tokenServer?.requests.length ?? 0;
    expect((await client.headManifest("octo/app", digest))?.digest).toBe(digest);
    expect((await registry.log()).map(({ status }) => status)).toEqual([401, 200]);
    expect(registry.tokenServer?.requests.length).toBe(before + 1);
  });

  it("gives up when a new token is refused too", async () => {
    const registry = await registryWith({ auth: "token" });
    registry.tokenServer?.forge();
    const client = closing(clientOf(registry.host, { credentials: good }));
    await expect(client.listTags("octo/app")).rejects.toMatchObject({ code: "registry-unauthorized" });
    expect((await registry.log()).map(({ status }) => status)).toEqual([401, 401]);
  });

  it("uses a rotated password for the next token", async () => {
    const users: Record<string, string> = { [username]: "first password" };
    const registry = await registryWith({ auth: "token", tokens: { users, saidLifeSeconds: 0.5 } });
    let current = new Secret("first password");
    const client = closing(
      clientOf(registry.host, { credentials: async () => ({ username, password: current }) }),
    );
    expect(await client.listTags("octo/app")).toEqual([]);
    users[username] = "second password";
    current = new Secret("second password");
    await delay(500);
    expect(await client.listTags("octo/app")).toEqual([]);
    expect(registry.tokenServer?.requests.at(-1)).toMatchObject({ user: username, status: 200 });
  });

  it("redeems an identity token by OAuth2", async () => {
    const registry = await registryWith({
      auth: "token",
      tokens: { identityTokens: { "refresh-me": "robot" } },
    });
    const credentials = async () => ({ identityToken: new Secret("refresh-me") });
    const client = closing(clientOf(registry.host, { credentials }));
    await client.verifyPush("octo/app");
    expect(registry.tokenServer?.requests[0]).toMatchObject({ method: "POST", user: "robot", status: 200 });
  });

  it("tells what a token service refuses", async () => {
    const registry = await registryWith({ auth: "token" });
    const wrong = closing(
      clientOf(registry.host, {
        credentials: async () => ({ username, password: new Secret("wrong canary") }),
      }),
    );
    const error: unknown = await wrong.listTags("octo/app").catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "registry-unauthorized", status: 401 });
    expect(String(error)).toContain("incorrect username or password");
    expect(String(error)).not.toContain("canary");
  });

  it("tells valid credentials without the right to push from invalid ones", async () => {
    const registry = await registryWith({
      auth: "token",
      tokens: { grant: (_user, _repository, actions) => actions.filter((action) => action === "pull") },
    });
    const client = closing(clientOf(registry.host, { credentials: good }));
    expect(await client.pushGrant("octo/app")).toBe("denied");
    await expect(client.verifyPush("octo/app")).rejects.toMatchObject({ code: "registry-forbidden" });
    expect(await registry.writes()).not.toContainEqual(expect.objectContaining({ status: 202 }));

    const anonymous = closing(clientOf(registry.host));
    await expect(anonymous.verifyPush("octo/app")).rejects.toMatchObject({ code: "registry-unauthorized" });
  });

  it("finds a granted push in the token itself, writing nothing", async () => {
    const registry = await registryWith({ auth: "token" });
    const client = closing(clientOf(registry.host, { credentials: good }));
    expect(await client.pushGrant("octo/app")).toBe("granted");
    expect(await registry.writes()).toEqual([]);
  });

  it("mounts with rights on both repositories", async () => {
    const registry = await registryWith({ auth: "token" });
    const client = closing(clientOf(registry.host, { credentials: good }));
    const { digest } = await client.putBlob("octo/source", randomBytes(500));
    expect(await client.mountBlob("octo/target", digest, "octo/source")).toBe(true);
  });
});

describe("a mount without the right to read the other repository", () => {
  it("is no error: the content can be uploaded", async () => {
    const registry = await registryWith({
      auth: "token",
      tokens: { grant: (_user, repository, actions) => (repository === "octo/closed" ? [] : actions) },
    });
    const client = closing(clientOf(registry.host, { credentials: good }));
    expect(await client.mountBlob("octo/app", digestOf(Buffer.from("x")), "octo/closed")).toBe(false);
  });
});

describe("credentials on redirects", () => {
  it("go neither to the host of a blob nor to one that asks for them", async () => {
    const bytes = Buffer.from("from the CDN");
    const seen: (string | undefined)[] = [];
    const cdn = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.end(bytes);
    });
    const registry = await serve((request, response) => {
      if (request.headers.authorization === undefined) {
        response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
      } else response.writeHead(307, { location: `${cdn}/blob?X-Amz-Signature=abc` }).end();
    });
    const entries: RequestEntry[] = [];
    const client = closing(
      clientOf(new URL(registry).host, { credentials: good, onRequest: (entry) => entries.push(entry) }),
    );
    const read = await client.getBlob("octo/app", digestOf(bytes));
    expect(Buffer.from(read ?? []).toString()).toBe("from the CDN");
    expect(seen).toEqual([undefined]);
    expect(JSON.stringify(entries)).not.toContain("abc");
  });

  it("stay at home when the other host answers 401 with a token service of its own", async () => {
    const seen: (string | undefined)[] = [];
    const thief = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response
        .writeHead(401, { "www-authenticate": `Bearer realm="http://${request.headers.host}/token"` })
        .end();
    });
    const registry = await serve((_request, response) => {
      response.writeHead(302, { location: `${thief}/blob` }).end();
    });
    const client = closing(clientOf(new URL(registry).host, { credentials: good }));
    await expect(client.getBlob("octo/app", digestOf(Buffer.from("x")))).rejects.toMatchObject({
      status: 401,
    });
    expect(seen).toEqual([undefined]);
  });
});

async function serve(handler: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
