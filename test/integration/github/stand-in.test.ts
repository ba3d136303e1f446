import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { GitHub } from "../../support/github/start";

// Other tests rely on this stand-in for GitHub, so it must answer as GitHub does.

const ADMIN = "ghp_admin";
let github: GitHub;

beforeAll(async () => {
  github = await GitHub.start({
    owner: "octo",
    repository: "app",
    tokens: {
      [ADMIN]: { login: "octo", scopes: ["repo", "workflow"] },
      fine: { login: "octo", role: "write" },
    },
  });
});

afterAll(() => github.close());
beforeEach(() => github.forget());

async function call(method: string, path: string, body?: object, token = ADMIN) {
  const answer = await fetch(`${github.url}/api/v3${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === "" ? undefined : JSON.parse(text) };
}

const repo = "/repos/octo/app";

describe("what the package emulate answers", () => {
  test("the repository with the token's permissions", async () => {
    expect((await call("GET", repo)).body.permissions).toEqual({ admin: true, push: true, pull: true });
    expect((await call("GET", repo, undefined, "fine")).body.permissions.admin).toBe(false);
  });

  test("the scopes of a classic token, but none for a fine-grained one", async () => {
    expect((await call("GET", repo)).headers.get("x-oauth-scopes")).toBe("repo, workflow");
    expect((await call("GET", repo, undefined, "fine")).headers.get("x-oauth-scopes")).toBeNull();
  });

  test("401 for an unknown token", async () => {
    expect((await call("GET", repo, undefined, "stolen")).status).toBe(401);
  });

  test("a file's URL with its branch, without which the provider panics", async () => {
    expect((await call("GET", `${repo}/contents/README.md`)).body.url).toMatch(/\?ref=main$/);
  });
});

describe("what is added to it", () => {
  test("a secret is accepted sealed, and only with this repository's key", async () => {
    const plain = { key_id: "key-1", encrypted_value: Buffer.from("hush").toString("base64") };
    expect((await call("PUT", `${repo}/actions/secrets/TOKEN`, plain)).status).toBe(422);
    expect(github.secrets.names()).toEqual([]);
  });

  test("a variable that exists is not created again", async () => {
    const variable = { name: "REGION", value: "north" };
    expect((await call("POST", `${repo}/actions/variables`, variable)).status).toBe(201);
    expect((await call("POST", `${repo}/actions/variables`, variable)).status).toBe(409);
    expect(github.variables.values()).toEqual({ REGION: "north" });
  });

  test("an environment takes policies only with custom_branch_policies", async () => {
    const policy = { name: "v*", type: "tag" };
    await call("PUT", `${repo}/environments/prod`, {});
    expect((await call("POST", `${repo}/environments/prod/deployment-branch-policies`, policy)).status).toBe(
      422,
    );
    await call("PUT", `${repo}/environments/prod`, {
      deployment_branch_policy: { protected_branches: false, custom_branch_policies: true },
    });
    expect((await call("POST", `${repo}/environments/prod/deployment-branch-policies`, policy)).status).toBe(
      200,
    );
    expect(github.requests.flatMap(({ problems }) => problems)).toEqual([]);
  });
});

describe("every request is checked against GitHub's OpenAPI", () => {
  test("an operation that GitHub does not have", async () => {
    await call("GET", `${repo}/actions/secret`);
    expect(github.requests[0]?.problems).toEqual([
      `GET ${repo}/actions/secret is no operation of GitHub's API`,
    ]);
  });

  test("a body that does not fit", async () => {
    await call("PUT", `${repo}/actions/permissions`, { enabled: "yes" });
    expect(github.requests[0]?.problems).toEqual([
      "PUT /repos/{owner}/{repo}/actions/permissions: body/enabled must be boolean",
    ]);
  });

  test("a missing body", async () => {
    await call("POST", `${repo}/rulesets`);
    expect(github.requests[0]?.problems).toEqual(["POST /repos/{owner}/{repo}/rulesets needs a body"]);
  });
});
