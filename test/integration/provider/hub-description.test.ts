import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ProblemError } from "../../../src/plan/problem";
import { hubDescription } from "../../../src/provider/resources/hub-description";
import { RegistryError } from "../../../src/registry/errors";
import type { Context, EngineLog } from "../../../src/release/operation";
import { NO_CONFIG } from "../../../src/release/provider-config";
import { Registries } from "../../../src/release/registries";
import { Signing } from "../../../src/release/signing";
import { type StandInHub, startHub } from "../../support/hub";

const REPOSITORY = "docker.io/octo/app";
const TOKEN = "dckr_pat_planted-token";

let hub: StandInHub;
let lines: string[];

beforeAll(async () => {
  hub = await startHub();
});

afterAll(() => hub.stop());

beforeEach(() => {
  lines = [];
  hub.requests.length = 0;
  hub.next.clear();
  hub.authToken = true;
  hub.repositories.clear();
  hub.repositories.set("octo/app", { description: "old", full_description: "# App\n\nold\n" });
  hub.accounts.length = 0;
  hub.accounts.push({ username: "octo", token: TOKEN, scope: "Read, Write, Delete" });
});

const LOG: EngineLog = {
  info: async (_, line) => void lines.push(line),
  warn: async (_, line) => void lines.push(line),
  status: async () => {},
};

function contextWith(env: Readonly<Record<string, string>>): Context {
  const registries = new Registries(
    {
      ...NO_CONFIG,
      registries: [{ host: "docker.io", plainHttp: false, hub: hub.url }],
    },
    { DOCKER_CONFIG: "/nonexistent", ...env },
  );
  return { registries, signing: new Signing(undefined, {}), log: LOG };
}

const SIGNED_IN = { DOCKERHUB_USERNAME: "octo", DOCKERHUB_TOKEN: TOKEN };
const NEWS = { repository: REPOSITORY, short: "new", full: "# App\n\nnew\n" };
const OPERATION = { urn: "urn", preview: false };

function create(env: Readonly<Record<string, string>> = SIGNED_IN, news: Record<string, unknown> = NEWS) {
  return hubDescription.create(contextWith(env), news, OPERATION);
}

const live = () => hub.repositories.get("octo/app");
const seen = () => hub.requests.map(({ method, path }) => `${method} ${path}`);
const writes = () => hub.requests.filter(({ method }) => method === "PATCH").map(({ body }) => body);

function change(news: Record<string, unknown> = NEWS) {
  return { urn: "urn", id: REPOSITORY, olds: { inputs: news, outputs: news }, news };
}

describe("writing", () => {
  test("signs in with the name and token that push, sets both texts and reads them back", async () => {
    await create();
    expect(live()).toEqual({ description: "new", full_description: "# App\n\nnew\n" });
    expect(seen()).toEqual([
      "GET /v2/repositories/octo/app/",
      "POST /v2/auth/token",
      "PATCH /v2/repositories/octo/app/",
      "GET /v2/repositories/octo/app/",
    ]);
    expect(hub.requests[1]?.body).toEqual({ identifier: "octo", secret: TOKEN });
    expect(hub.requests[2]?.authorization).toBe("Bearer hub-session-1-octo");
  });

  test("leaves the short text alone if none is configured", async () => {
    await create(SIGNED_IN, { repository: REPOSITORY, full: "other" });
    expect(live()).toEqual({ description: "old", full_description: "other" });
    expect(writes()).toEqual([{ full_description: "other" }]);
  });

  test("does nothing and signs in nowhere if the texts are the same already", async () => {
    hub.repositories.set("octo/app", { description: "new", full_description: "# App\r\n\r\nnew" });
    await create();
    expect(seen()).toEqual(["GET /v2/repositories/octo/app/"]);
  });

  test("signs in to an older server by its older call", async () => {
    hub.authToken = false;
    await create();
    expect(seen().filter((line) => line.startsWith("POST"))).toEqual([
      "POST /v2/auth/token",
      "POST /v2/users/login",
    ]);
    expect(hub.requests.find(({ path }) => path.endsWith("login"))?.body).toEqual({
      username: "octo",
      password: TOKEN,
    });
    expect(live()?.description).toBe("new");
  });

  test("signs in again after the session has expired", async () => {
    const context = contextWith(SIGNED_IN);
    await hubDescription.create(context, NEWS, OPERATION);
    hub.forgetTokens();
    await hubDescription.update(context, change({ ...NEWS, short: "newer" }), OPERATION);
    expect(live()?.description).toBe("newer");
  });

  test("prefers HUB_PAT to the token that pushes, with the name of the latter", async () => {
    hub.accounts.push({ username: "octo", token: "dckr_pat_wide", scope: "Read, Write, Delete" });
    await create({ ...SIGNED_IN, HUB_PAT: "dckr_pat_wide" });
    expect(hub.requests.find(({ method }) => method === "POST")?.body).toEqual({
      identifier: "octo",
      secret: "dckr_pat_wide",
    });
  });

  test("signs in with the namespace as name if only HUB_PAT is set", async () => {
    await create({ HUB_PAT: TOKEN });
    expect(live()?.description).toBe("new");
  });

  test("reads a private repository with the credentials", async () => {
    hub.repositories.set("octo/app", { description: "new", full_description: NEWS.full, is_private: true });
    await create();
    expect(writes()).toEqual([]);
  });

  test("sends no request for a description that stays as it is", async () => {
    const kept = { ...NEWS, kept: "latest stays where it is" };
    await create(SIGNED_IN, kept);
    const context = contextWith(SIGNED_IN);
    expect(await hubDescription.diff(context, change(kept))).toEqual({ changed: [] });
    expect(seen()).toEqual([]);
  });
});

describe("preview", () => {
  test("shows what changes, needs no credentials and writes nothing", async () => {
    await hubDescription.create(contextWith({}), NEWS, { urn: "urn", preview: true });
    expect(lines).toEqual([
      'description of docker.io/octo/app: short: "old" => "new"; full: 11 => 11 bytes (+1 -1 lines)',
    ]);
    expect(seen()).toEqual(["GET /v2/repositories/octo/app/"]);
  });

  test("says that the repository does not exist before the first push", async () => {
    hub.repositories.clear();
    await hubDescription.create(contextWith({}), NEWS, { urn: "urn", preview: true });
    expect(lines).toEqual([
      "description of docker.io/octo/app: new, 11 bytes (the repository does not exist yet)",
    ]);
  });

  test("sees what was written by hand; the same text is no difference", async () => {
    const context = contextWith({});
    hub.repositories.set("octo/app", { description: "new", full_description: "by hand" });
    expect(await hubDescription.diff(context, change())).toEqual({ changed: ["full"] });
    hub.repositories.set("octo/app", { description: null, full_description: NEWS.full });
    expect(await hubDescription.diff(context, change())).toEqual({ changed: ["short"] });
    hub.repositories.set("octo/app", { description: "new", full_description: NEWS.full });
    expect(await hubDescription.diff(context, change())).toEqual({ changed: [] });
    expect(seen().every((line) => line.startsWith("GET"))).toBe(true);
  });
});

test("a refresh takes the live texts, and forgets a repository that is gone", async () => {
  const current = { urn: "urn", id: REPOSITORY, inputs: NEWS, outputs: NEWS };
  expect(await hubDescription.read(contextWith({}), current)).toEqual({
    inputs: { ...NEWS, short: "old", full: "# App\n\nold\n" },
    outputs: { ...NEWS, short: "old", full: "# App\n\nold\n" },
  });
  hub.repositories.clear();
  expect(await hubDescription.read(contextWith({}), current)).toBeUndefined();
});

describe("failures say what to do", () => {
  const failing = async (env?: Readonly<Record<string, string>>): Promise<RegistryError> => {
    const error: unknown = await create(env).catch((failure: unknown) => failure);
    if (!(error instanceof RegistryError)) throw new Error(`no RegistryError: ${String(error)}`);
    expect(error.message).not.toContain(TOKEN);
    expect(error.message).not.toContain("hub-session");
    return error;
  };

  test("without credentials: which variables to set", async () => {
    const error = await failing({});
    expect(error.code).toBe("registry-unauthorized");
    expect(error.message).toMatch(/DOCKERHUB_USERNAME and DOCKERHUB_TOKEN, or HUB_PAT/);
  });

  test("401: which variables and which scope", async () => {
    hub.accounts.length = 0;
    const error = await failing();
    expect(error).toMatchObject({ code: "registry-unauthorized", status: 401 });
    expect(error.message).toMatch(/wrong, expired or revoked.*DOCKERHUB_TOKEN.*Read, Write, Delete/s);
  });

  test("403: which scope, since a push needs less", async () => {
    hub.accounts.splice(0, 1, { username: "octo", token: TOKEN, scope: "Read & Write" });
    const error = await failing();
    expect(error).toMatchObject({ code: "registry-forbidden", status: 403 });
    expect(error.message).toMatch(/Read, Write, Delete \(Read & Write pushes only\)/);
    expect(live()?.description).toBe("old");
  });

  test("404: which repository is missing", async () => {
    hub.repositories.clear();
    expect(await failing()).toMatchObject({ code: "registry-not-found", status: 404 });
  });

  test.each([
    ["Retry-After", { "retry-after": "0" }],
    ["X-Retry-After, a second since 1970", { "x-retry-after": "1700000000" }],
  ])("429 is tried again after %s", async (_, headers) => {
    hub.next.set("PATCH", [{ status: 429, headers, body: "{}" }]);
    await create();
    expect(writes()).toHaveLength(2);
    expect(live()?.description).toBe("new");
  });

  test("429 that asks to wait for hours fails at once and says so", async () => {
    hub.next.set("PATCH", [{ status: 429, headers: { "retry-after": "7200" } }]);
    const error = await failing();
    expect(error.code).toBe("registry-rate-limited");
    expect(error.message).toContain("it asks to wait 7200 s");
    expect(writes()).toHaveLength(1);
  });

  test("a token that the server echoes is not repeated", async () => {
    hub.next.set("PATCH", [{ status: 400, body: `{"message":"bad ${TOKEN} hub-session-1"}` }]);
    const error = await create().catch((failure: unknown) => failure);
    expect(String(error)).not.toContain(TOKEN);
  });

  test("a description that the server did not keep", async () => {
    hub.next.set("PATCH", [{ status: 200, body: "{}" }]);
    expect((await failing()).code).toBe("registry-conflict");
  });
});

test("inputs are checked", () => {
  expect(() => hubDescription.check({ repository: "no", full: 1 })).toThrow(ProblemError);
});
