import { describe, expect, test } from "vitest";
import { ProblemError } from "../../../src/plan/problem";
import { readSetup, type SetupInput } from "../../../src/settings/read-setup";
import { isSetupStack } from "../../../src/settings/stack-file";

const SECRET = "s3cr3t-value-nobody-sees";

function read(github: object, over: Partial<SetupInput> = {}) {
  return readSetup({
    written: { github: { setup: true, repository: "octo/app", ...github } },
    env: {},
    secretKeys: ["github"],
    readFile: (path) => `content of ${path}`,
    ...over,
  });
}

function problemsOf(github: object, over: Partial<SetupInput> = {}) {
  try {
    read(github, over);
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    expect(error.message).not.toContain(SECRET);
    return error.problems.map(({ code, path }) => `${path} ${code}`);
  }
  throw new Error("nothing was refused");
}

describe("which stack is one", () => {
  test.each([
    [{ github: { setup: true } }, true],
    [{ github: '{"setup":true}' }, true],
    [{ github: { setup: false } }, false],
    [{ github: { tagRules: true } }, false],
    [{ images: [] }, false],
    [{ github: "nonsense" }, false],
  ])("%j: %s", (written, expected) => expect(isSetupStack(written)).toBe(expected));
});

describe("what is read", () => {
  test("everything by default is nothing", () => {
    expect(read({})).toEqual({
      repository: "octo/app",
      writeDelayMs: 1000,
      secrets: {},
      variables: {},
      environments: {},
      labels: [],
      files: [],
      pullRequest: false,
      workflowFiles: false,
    });
  });

  test("tag rules cover v* and the git tags of every lane", () => {
    const lanes = [{ name: "s", format: "s-vX.Y.Z", trigger: "s-v*", floating: "s-latest" }];
    const written = {
      lanes,
      github: { setup: true, repository: "octo/app", tagRules: { patterns: ["x*"] } },
    };
    expect(read({}, { written }).tagRules).toEqual({ name: "Release tags", patterns: ["s-v*", "v*", "x*"] });
  });

  test("an environment takes versions' git tags, unless it names tags or branches", () => {
    const lanes = [{ name: "s", format: "s-vX.Y.Z", trigger: "s-v*", floating: "s-latest" }];
    const environments = { a: {}, b: { branches: ["main"] }, c: { tags: ["x*"] }, d: { tags: [] } };
    const github = { setup: true, repository: "octo/app", environments };
    const found = read({}, { written: { lanes, github } }).environments;
    expect(
      Object.entries(found).map(([name, { tags, branches, refs }]) => [name, tags, branches, refs]),
    ).toEqual([
      ["a", ["s-v*", "v*"], [], "default"],
      ["b", [], ["main"], undefined],
      ["c", ["x*"], [], undefined],
      ["d", [], [], undefined],
    ]);
  });

  test("labels: those of a release, or one's own", () => {
    const named = read({ labels: true }).labels.map(({ name }) => name);
    expect(named).toEqual(["backport", "breaking", "release", "rollback"]);
    expect(read({ labels: [{ name: "mine" }] }).labels).toEqual([{ name: "mine", color: "ededed" }]);
    expect(read({ labels: false }).labels).toEqual([]);
  });

  test("files have the project's content, from their own path or another", () => {
    const files = [{ path: "a.yml" }, { path: "b.yml", from: "x/b.yml" }];
    expect(read({ files }).files).toEqual([
      { path: "a.yml", content: "content of a.yml" },
      { path: "b.yml", content: "content of x/b.yml" },
    ]);
  });

  test.each<[SetupInput["env"], string]>([
    [{}, "github.token"],
    [{ GITHUB_TOKEN: "b" }, "b"],
    [{ GITHUB_TOKEN: "b", GH_TOKEN: "a" }, "a"],
    [{ GH_TOKEN: "" }, "github.token"],
  ])("the token: %j", (env, token) => {
    expect(read({ token: "github.token" }, { env }).token?.reveal()).toBe(token);
  });

  test("the whole project's repository is the default", () => {
    const written = { repository: "octo/other", github: { setup: true } };
    expect(read({}, { written }).repository).toBe("octo/other");
  });

  test("a secret's value is in no text of the configuration", () => {
    expect(JSON.stringify(read({ secrets: { A: SECRET }, token: SECRET }))).not.toContain(SECRET);
  });
});

describe("what is refused", () => {
  test.each<[string, object, string]>([
    ["a name that GitHub keeps", { secrets: { GITHUB_X: SECRET } }, "github.secrets.GITHUB_X"],
    ["a name in small letters", { variables: { region: "eu" } }, "github.variables.region"],
    ["an empty secret", { secrets: { A: "" } }, "github.secrets.A"],
    [
      "seven reviewers",
      { environments: { prod: { reviewers: [..."abcdefg"] } } },
      "github.environments.prod.reviewers",
    ],
    [
      "a reviewer that is none",
      { environments: { prod: { reviewers: ["a b"] } } },
      "github.environments.prod.reviewers[0]",
    ],
    [
      "a timer of more than a month",
      { environments: { prod: { waitTimer: 43_201 } } },
      "github.environments.prod.waitTimer",
    ],
    ["a file outside of the repository", { files: [{ path: "../x" }] }, "github.files[0].path"],
    ["a file twice", { files: [{ path: "x" }, { path: "x" }] }, "github.files[1].path"],
    ["no hex colour", { labels: [{ name: "x", color: "green" }] }, "github.labels[0].color"],
    ["a pull request from nowhere", { pullRequest: true }, "github.branch"],
    [
      "a secret that is a variable too",
      { secrets: { A: SECRET }, variables: { A: "x" } },
      "github.variables.A",
    ],
    [
      "a Docker Hub user without a token",
      { variables: { DOCKERHUB_USERNAME: "octo" } },
      "github.secrets.DOCKERHUB_TOKEN",
    ],
    ["an unknown key", { secret: {} }, "github.secret"],
    ["a base URL that is none", { baseUrl: "ghe.example.com" }, "github.baseUrl"],
  ])("%s", (_, github, path) => {
    expect(problemsOf(github).join("\n")).toContain(`${path} `);
  });

  test("a secret in plain text", () => {
    expect(problemsOf({ secrets: { TOKEN: SECRET } }, { secretKeys: [] })).toEqual([
      "github.secrets.TOKEN config-plain-secret",
    ]);
  });

  test("no repository", () => {
    expect(problemsOf({}, { written: { github: { setup: true } } })).toEqual([
      "github.repository config-required",
    ]);
  });

  test("a file that is not there", () => {
    const readFile = () => {
      throw new Error("does not exist");
    };
    expect(problemsOf({ files: [{ path: "x.yml" }] }, { readFile })).toEqual([
      "github.files: x.yml github-file",
    ]);
  });
});
