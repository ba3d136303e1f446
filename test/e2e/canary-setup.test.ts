import { spawn } from "node:child_process";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Scene } from "../support/canary/scene";
import { GitHub } from "../support/github/start";
import { type EngineResult, Project } from "../support/project";
import { EVERY_CASE } from "../support/slices";

// A repository is set up with secrets of every kind, and fails to be; none of them may be found afterwards.

/**
 * As much as the engine can tell: nothing secret reaches it. With --logflow the GitHub provider's own log is there too,
 * which tells its token; slipway cleans that.
 */
const ALL = ["--debug", "--diff", "--logtostderr", "-v=11"];

const scene = new Scene();
const { canaries } = scene;
const token = (name: string) => canaries.plant(name, { before: "ghp_", after: "" });
const secrets = {
  token: token("setup's token"),
  rotatedToken: token("setup's token, rotated"),
  configToken: token("setup's token in the stack's configuration"),
  wrongToken: token("token that GitHub does not know"),
  repository: canaries.plant("secret of the repository"),
  rotated: canaries.plant("secret of the repository, rotated"),
  environment: canaries.plant("secret of an environment", { before: "line one ✓\n", after: "\nline three" }),
  passphrase: canaries.plant("passphrase of the state"),
};

let github: GitHub;
/** Git's commands of the test itself, which see no secret. */
let repository: Project;
let project: Project;

beforeAll(async () => {
  const owner = { login: "octo", scopes: ["repo", "workflow"] };
  github = await GitHub.start({
    owner: "octo",
    repository: "app",
    tokens: { [secrets.token]: owner, [secrets.rotatedToken]: owner, [secrets.configToken]: owner },
  });
  repository = await Project.create({ stack: "unused", config: {} });
  project = await repository.stackBeside({
    stack: "setup",
    config: { github: { setup: true, repository: "octo/app", writeDelayMs: 1, environments: { prod: {} } } },
    env: {
      ...scene.env,
      GITHUB_BASE_URL: github.url,
      PULUMI_CONFIG_PASSPHRASE: secrets.passphrase,
    },
  });
  await setSecret("secrets.TOKEN", secrets.repository);
  await setSecret("environments.prod.secrets.PASSPHRASE", secrets.environment);
});

afterAll(async () => {
  repository?.remove();
  await github?.close();
  scene.remove();
});

/** By standard input: arguments are for everybody to see. */
async function setSecret(at: string, value: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const args = ["config", "set", "--stack", "setup", "--secret", "--path", `slipway:github.${at}`];
    const { dir: cwd, env } = project;
    const child = spawn("pulumi", args, { cwd, env, stdio: ["pipe", "ignore", "inherit"] });
    child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(`config set ${at}: ${code}`))));
    child.stdin.end(value);
  });
}

function seen(what: string, { exitCode, text }: EngineResult, fails: boolean): string {
  scene.look(what, text);
  expect(exitCode !== 0, `${what}:\n${text.slice(-3000)}`).toBe(fails);
  return text;
}

const pulumi = (env: Record<string, string>, ...args: string[]) =>
  project.pulumiWith(env, ...args, "--non-interactive", ...ALL);
const up = (env: Record<string, string>) => pulumi(env, "up", "--yes", "--skip-preview");

test("a setup goes its way", async () => {
  const env = { GH_TOKEN: secrets.token };
  const text = seen("preview", await pulumi(env, "preview"), false);
  expect(text).toMatch(/Marshaling property for RPC.*actionsSecret/);
  seen("up", await up(env), false);
  expect(github.secrets.open("TOKEN")).toBe(secrets.repository);
  const prod = github.environments.named("prod").secrets;
  expect(prod.open("PASSPHRASE")).toBe(secrets.environment);
  await setSecret("secrets.TOKEN", secrets.rotated);
  // Another token, under its other name: nothing but the secret changes.
  github.forget();
  seen("rotated", await up({ GITHUB_TOKEN: secrets.rotatedToken }), false);
  expect(github.secrets.open("TOKEN")).toBe(secrets.rotated);
  expect(github.writes().map(({ method, path: at }) => `${method} ${at}`)).toEqual([
    "PUT /repos/octo/app/actions/secrets/TOKEN",
  ]);
});

test("and it fails: a token that GitHub does not know, a GitHub that nobody reaches, one that refuses a secret", async () => {
  expect(seen("401", await up({ GH_TOKEN: secrets.wrongToken }), true)).toMatch(/does not know this token/);
  const nowhere = { GH_TOKEN: secrets.token, GITHUB_BASE_URL: "http://127.0.0.1:9" };
  seen("unreachable", await pulumi(nowhere, "preview"), true);
  await setSecret("secrets.TOKEN", secrets.repository);
  github.intercept = ({ method, path: at }) =>
    method === "PUT" && at.endsWith("/secrets/TOKEN")
      ? { status: 422, body: { message: "not now" } }
      : undefined;
  expect(seen("422", await up({ GH_TOKEN: secrets.token }), true)).toMatch(/not now/);
  github.intercept = () => undefined;
});

test("destroy takes the token of the day", async () => {
  seen("destroy", await pulumi({ GH_TOKEN: secrets.rotatedToken }, "destroy", "--yes"), false);
  expect(github.secrets.names()).toEqual([]);
});

test.runIf(EVERY_CASE)(
  "by slipway, with the log of the provider and a token in the stack's configuration",
  async () => {
    await setSecret("token", secrets.configToken);
    // A refresh comes before the program, with the provider of last time: it has to know the token.
    seen("another token", await project.up(), false);
    const args = ["--yes", "--skip-preview", "--debug", "--diff", "--logflow", "-v=11"];
    const text = seen("slipway up", await project.slipway("up", "--stack", "setup", "--", ...args), false);
    expect(text).toMatch(/token=\{\[secret\]\}/);
  },
);

test("no canary is in anything that others can read, nor in the open part of a request", async () => {
  for (const { path: at, query, text } of github.requests)
    scene.look(`request ${at}`, `${at}${query} ${text}`);
  scene.look("state", (await project.pulumi("stack", "export")).text);
  scene.look("history", (await project.pulumi("stack", "history", "--json")).text);
  scene.lookBelow("state's folder", new URL(project.env.PULUMI_BACKEND_URL ?? "").pathname);
  scene.lookBelow("surroundings", scene.dir);
  scene.lookBelow("project's configuration", path.join(project.dir));
  scene.lookAtPrograms();
  const { leaks, looked, processes } = scene.found;
  expect(leaks).toEqual([]);
  expect(looked).toBeGreaterThan(100);
  expect(processes).toBeGreaterThan(20);
});
