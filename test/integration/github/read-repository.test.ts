import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readRepository } from "../../../src/github/read-repository";
import { ProblemError } from "../../../src/plan/problem";
import { Secret } from "../../../src/plan/secret";
import type { SetupConfig } from "../../../src/plan/setup/config";
import { GitHub } from "../../support/github/start";
import { anEnvironment, aSetup } from "../../support/setup";

const FILE = { path: ".github/workflows/release.yml", content: "name: release\n" };

let github: GitHub;

beforeAll(async () => {
  github = await GitHub.start({
    owner: "octo",
    repository: "app",
    tokens: {
      admin: { login: "octo", scopes: ["repo", "workflow"] },
      scoped: { login: "octo", scopes: ["repo"] },
      poor: { login: "octo", scopes: ["read:org"] },
      writer: { login: "octo", role: "write" },
      blind: { login: "octo", refused: /actions\/secrets/ },
      hubot: { login: "hubot" },
    },
  });
});

afterAll(() => github.close());
beforeEach(() => github.forget());

/** Reading never writes, and every request fits GitHub's OpenAPI. */
afterEach(() => {
  expect(github.writes()).toEqual([]);
  expect(github.requests.flatMap(({ problems }) => problems)).toEqual([]);
});

const config = (over: Partial<SetupConfig> = {}, token = "admin") =>
  aSetup({ baseUrl: github.url, token: new Secret(token), tokenFrom: "GH_TOKEN", ...over });

async function problemOf(made: SetupConfig, env: Record<string, string> = {}) {
  try {
    await readRepository(made, env);
  } catch (error) {
    if (error instanceof ProblemError) return error.problems;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("what stops a setup before anything is written", () => {
  const { token: _, ...withoutToken } = aSetup();
  test.each<[string, () => SetupConfig, { code: string; message: RegExp; env?: Record<string, string> }]>([
    [
      "no token",
      () => ({ ...withoutToken, baseUrl: github.url }),
      { code: "github-token-missing", message: /no token/ },
    ],
    ["an unknown token", () => config({}, "revoked"), { code: "github-token-refused", message: /401/ }],
    [
      "no such repository",
      () => config({ repository: "octo/missing" }),
      { code: "github-repository-missing", message: /octo\/missing/ },
    ],
    [
      "a classic token without the scope for workflow files",
      () => config({ files: [FILE] }, "scoped"),
      { code: "github-scope", message: /lacks the scope workflow; it has repo$/ },
    ],
    [
      "a classic token that may not even write secrets",
      () => config({ secrets: { A: new Secret("x") } }, "poor"),
      { code: "github-scope", message: /lacks the scope repo/ },
    ],
    [
      "a writer where an administrator is needed",
      () => config({ tagRules: { name: "t", patterns: ["v*"] } }, "writer"),
      { code: "github-permission", message: /no administrator of octo\/app/ },
    ],
    [
      "a fine-grained token that does not reach secrets",
      () => config({ secrets: { A: new Secret("x") } }, "blind"),
      { code: "github-permission", message: /may not read secrets/ },
    ],
    [
      "an unknown reviewer",
      () => config({ environments: { prod: anEnvironment({ reviewers: ["nobody-here"] }) } }),
      { code: "github-reviewer", message: /no user nobody-here/ },
    ],
    [
      "an owner in the environment that the provider would obey",
      () => config(),
      {
        code: "github-owner-environment",
        message: /is other, and the repository is octo\/app/,
        env: { GITHUB_OWNER: "other" },
      },
    ],
  ])("%s", async (_name, made, { code, message, env }) => {
    const [problem] = await problemOf(made(), env);
    expect(problem?.code).toBe(code);
    expect(problem?.message).toMatch(message);
  });

  test("a server that does not answer", async () => {
    const [problem] = await problemOf(config({ baseUrl: "http://127.0.0.1:1" }));
    expect(problem?.code).toBe("github-unreachable");
    expect(problem?.hint).toMatch(/network.*HTTPS_PROXY.*GITHUB_BASE_URL/);
  });
});

describe("what is read", () => {
  test("only the configured parts", async () => {
    await readRepository(config(), {});
    expect(github.requests.map(({ path }) => path)).toEqual(["/repos/octo/app"]);
  });

  test("every page of a list", async () => {
    for (let index = 0; index < 120; index++) github.variables.put(`V${index}`, String(index));
    const { variables } = await readRepository(config({ variables: { V119: "119" } }), {});
    expect(Object.keys(variables)).toHaveLength(120);
  });

  test("files on both branches, environments, reviewers, rulesets, labels", async () => {
    await github.writeFile(FILE.path, "theirs");
    const live = await readRepository(
      config({
        files: [FILE],
        branch: "setup",
        pullRequest: true,
        environments: { prod: anEnvironment({ reviewers: ["hubot"] }) },
        tagRules: { name: "t", patterns: ["v*"] },
        labels: [{ name: "x", color: "000000" }],
      }),
      {},
    );
    expect(live).toMatchObject({
      defaultBranch: "main",
      files: {},
      mergedFiles: { [FILE.path]: "theirs" },
      hasBranch: false,
      hasPullRequest: false,
      environments: {},
      rulesets: [],
      reviewers: { hubot: { kind: "user", id: expect.any(Number) } },
    });
  });
});

test.each<[string, Record<string, string>, string, RegExp]>([
  [
    "github-sso",
    { "x-github-sso": "required; url=https://github.com/orgs/octo/sso?authorization_request=AB12" },
    "Authorise it: https://github.com/orgs/octo/sso?authorization_request=AB12",
    /single sign-on/,
  ],
  [
    "github-rate-limit",
    { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1767225600" },
    "Wait, or use another token, then run the same command again",
    /until 2026-01-01T00:00:00\.000Z/,
  ],
])("a refusal other than a missing permission: %s", async (code, headers, hint, message) => {
  github.intercept = () => ({ status: 403, body: { message: "Forbidden" }, headers });
  try {
    expect(await problemOf(config())).toEqual([
      { code, path: "GH_TOKEN", message: expect.stringMatching(message), hint },
    ]);
  } finally {
    github.intercept = () => undefined;
  }
});
