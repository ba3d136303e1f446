import { MockAgent } from "undici";
import { describe, expect, it } from "vitest";
import { formatProblem } from "../../../src/plan/problem";
import { Secret } from "../../../src/plan/secret";
import { parseRetryAfter } from "../../../src/registry/answer-errors";
import type { Credentials } from "../../../src/registry/auth";
import { RegistryClient } from "../../../src/registry/client";
import { RegistryError } from "../../../src/registry/errors";

interface Answered {
  readonly path: string;
  readonly method?: string;
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** The error of a push, with these answers of each origin in this order. */
async function failureOf(
  host: string,
  answers: Record<string, readonly Answered[]>,
  credentials: () => Promise<Credentials | undefined> = async () => ({
    username: "octo",
    password: new Secret("canary-token"),
  }),
): Promise<RegistryError> {
  const dispatcher = new MockAgent();
  dispatcher.disableNetConnect();
  for (const [origin, list] of Object.entries(answers)) {
    for (const { path, method = "GET", status, headers = {}, body = "" } of list) {
      dispatcher
        .get(origin)
        .intercept({ path: (asked) => asked.startsWith(path), method })
        .reply(status, body, { headers });
    }
  }
  const client = new RegistryClient({ host, credentials, dispatcher, attempts: 1 });
  const error: unknown = await client.verifyPush("octo/app").catch((caught: unknown) => caught);
  if (!(error instanceof RegistryError)) throw error;
  expect(JSON.stringify(error) + String(error)).not.toContain("canary");
  return error;
}

const uploads = "/v2/octo/app/blobs/uploads/";
const bearer = (realm: string) => ({
  "www-authenticate": `Bearer realm="${realm}",service="s",scope="repository:octo/app:pull,push"`,
});

describe("the error that a user reads", () => {
  it("for GHCR's 403 names packages: write and the package's access", async () => {
    const error = await failureOf("ghcr.io", {
      "https://ghcr.io": [
        { path: uploads, method: "POST", status: 401, headers: bearer("https://ghcr.io/token") },
        { path: "/token", status: 200, body: '{"token":"opaque"}' },
        {
          path: uploads,
          method: "POST",
          status: 403,
          body: '{"errors":[{"code":"DENIED","message":"permission_denied: write_package"}]}',
        },
      ],
    });
    expect(error.code).toBe("registry-forbidden");
    expect(error.message).toMatchInlineSnapshot(`
      "ghcr.io answered 403 to POST /v2/octo/app/blobs/uploads/: DENIED: permission_denied: write_package
        The credentials are valid, but do not allow this on ghcr.io/octo/app. In a workflow the job needs \`permissions: packages: write\`, and an existing package must name the repository: package settings → Manage Actions access → add it with the role Write. A personal access token (classic) needs the scope \`write:packages\`, and \`read:packages\` for private ones; GHCR_USERNAME and GHCR_TOKEN hold it, and take precedence over GITHUB_ACTOR and GITHUB_TOKEN."
    `);
    expect(error.toProblem()).toMatchObject({ code: "registry-forbidden", path: "ghcr.io/octo/app" });
    expect(formatProblem(error.toProblem())).toContain("[registry-forbidden]");
  });

  it("for Docker Hub's token service names the scope of access tokens", async () => {
    const error = await failureOf("docker.io", {
      "https://registry-1.docker.io": [
        { path: uploads, method: "POST", status: 401, headers: bearer("https://auth.docker.io/token") },
      ],
      "https://auth.docker.io": [
        { path: "/token", status: 401, body: '{"details":"incorrect username or password"}' },
      ],
    });
    expect(error.code).toBe("registry-unauthorized");
    expect(error.message).toMatchInlineSnapshot(`
      "auth.docker.io (for docker.io) answered 401 to GET /token?service=s&scope=repository:octo/app:pull,push: incorrect username or password
        The credentials for docker.io are wrong, expired or revoked. An access token needs the scope Read & Write, and its owner must be allowed to push to docker.io/octo/app (Docker Hub → Account settings → Personal access tokens). The username is the account's name, not its e-mail address."
    `);
  });

  it("for Docker Hub's 401 with a valid token is a missing right, not a wrong password", async () => {
    const denied = { ...bearer("https://auth.docker.io/token") };
    denied["www-authenticate"] += ',error="insufficient_scope"';
    const error = await failureOf("docker.io", {
      "https://registry-1.docker.io": [
        { path: uploads, method: "POST", status: 401, headers: denied },
        { path: uploads, method: "POST", status: 401, headers: denied },
      ],
      "https://auth.docker.io": [{ path: "/token", status: 200, body: '{"token":"t.t.t"}' }],
    });
    expect(error).toMatchObject({
      code: "registry-forbidden",
      hint: expect.stringContaining("Read & Write"),
    });
  });

  it("without credentials says how to sign in", async () => {
    const error = await failureOf(
      "quay.io",
      {
        "https://quay.io": [
          { path: uploads, method: "POST", status: 401, headers: bearer("https://quay.io/token") },
          { path: "/token", status: 200, body: '{"token":"anonymous"}' },
          { path: uploads, method: "POST", status: 401, headers: bearer("https://quay.io/token") },
        ],
      },
      async () => undefined,
    );
    expect(error.hint).toBe(
      "No credentials for quay.io were found: set its username and password, or run `docker login quay.io`.",
    );
  });

  it("refuses a token service without https", async () => {
    const error = await failureOf("ghcr.io", {
      "https://ghcr.io": [
        { path: uploads, method: "POST", status: 401, headers: bearer("http://evil.example/token") },
      ],
    });
    expect(error).toMatchObject({
      code: "registry-bad-answer",
      summary: expect.stringContaining("http://evil.example"),
    });
  });

  it.each([
    ['{"token":""}', "no usable token"],
    ['{"token":"a\\nb: c"}', "no usable token"],
    ["<html>", "not JSON"],
    ["null", "no usable token"],
  ])("refuses the token answer %j", async (body, expected) => {
    const error = await failureOf("ghcr.io", {
      "https://ghcr.io": [
        { path: uploads, method: "POST", status: 401, headers: bearer("https://ghcr.io/token") },
        { path: "/token", status: 200, body },
      ],
    });
    expect(error).toMatchObject({ code: "registry-bad-answer", summary: expect.stringContaining(expected) });
  });

  const ecr = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
  const missing = JSON.stringify({
    errors: [{ code: "NAME_UNKNOWN", message: "The repository does not exist" }],
  });
  it.each([
    [ecr, "aws ecr create-repository --region eu-central-1 --repository-name octo/app"],
    ["registry.example", "create octo/app there first"],
  ])("says how to create a repository in %s", async (host, hint) => {
    const error = await failureOf(host, {
      [`https://${host}`]: [{ path: uploads, method: "POST", status: 404, body: missing }],
    });
    expect(error).toMatchObject({ code: "registry-not-found", hint: expect.stringContaining(hint) });
  });

  it.each([
    [404, "registry-not-found"],
    [405, "registry-unsupported"],
    [400, "registry-refused"],
    [413, "registry-refused"],
    [429, "registry-rate-limited"],
    [500, "registry-server-error"],
    [302, "registry-bad-answer"],
  ])("%d is %s", async (status, code) => {
    const error = await failureOf("ghcr.io", {
      "https://ghcr.io": [{ path: uploads, method: "POST", status }],
    });
    expect(error).toMatchObject({
      code,
      status,
      registry: "ghcr.io",
      repository: "octo/app",
      method: "POST",
    });
  });
});

describe("parseRetryAfter", () => {
  const now = Date.parse("2026-01-10T00:00:00Z");
  it.each([
    [undefined, undefined],
    ["5", 5_000],
    [" 0 ", 0],
    ["Sat, 10 Jan 2026 00:00:30 GMT", 30_000],
    ["Fri, 09 Jan 2026 00:00:00 GMT", 0],
    ["soon", undefined],
  ])("%j is %j", (header, expected) => {
    expect(parseRetryAfter(header, now)).toBe(expected);
  });
});
