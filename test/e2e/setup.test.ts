import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { GitHub, type GitHubOptions, type LoggedRequest } from "../support/github/start";
import { Project } from "../support/project";

const TOKEN = "ghp_Aa0TheTokenOfTheSetupStackAa0";
const SECRETS = {
  DOCKERHUB_TOKEN: "dckr_pat_first+value/with=signs&more",
  GHCR_TOKEN: "ghcr token with blanks",
} as const;
const PROD_SECRET = "prod-only passphrase ✓ ü";
const ROTATED = "dckr_pat_second+value/with=signs&more";
const WORKFLOW = ".github/workflows/release-docker.yml";
const PREVIEW = ".github/workflows/preview.yml";
const WORKFLOW_TEXT = [
  "name: release",
  "on: workflow_dispatch",
  `jobs: { a: { env: { TOKEN: '\${{ secrets.DOCKERHUB_TOKEN }}' } } }`,
  "",
].join("\n");

const started: { remove?: () => void; close?: () => Promise<void> }[] = [];

afterAll(async () => {
  for (const { remove, close } of started.reverse()) {
    remove?.();
    await close?.();
  }
});

async function startGitHub(options: Partial<GitHubOptions> = {}): Promise<GitHub> {
  const made = await GitHub.start({
    owner: "octo",
    repository: "app",
    tokens: { [TOKEN]: { login: "octo", scopes: ["repo", "workflow"] }, other: { login: "hubot" } },
    ...options,
  });
  started.push({ close: () => made.close() });
  return made;
}

async function setupProject(
  github: GitHub,
  settings: object,
  env: Record<string, string> = {},
): Promise<Project> {
  const made = await Project.create({
    stack: "setup",
    config: {},
    env: { GITHUB_BASE_URL: github.url, GH_TOKEN: TOKEN, ...env },
  });
  started.push({ remove: () => made.remove() });
  configure(made, settings);
  await writeFiles(made, { [WORKFLOW]: WORKFLOW_TEXT, [PREVIEW]: "name: preview\non: pull_request\n" });
  return made;
}

/** Writes the configuration; what `pulumi config set --secret` added goes with it. */
function configure(project: Project, settings: object): void {
  project.setConfig({ github: { setup: true, repository: "octo/app", writeDelayMs: 1, ...settings } });
}

async function setSecret(project: Project, at: string, value: string): Promise<void> {
  const { exitCode, text } = await project.pulumi(
    "config",
    "set",
    "--secret",
    "--path",
    `slipway:github.${at}`,
    value,
  );
  if (exitCode !== 0) throw new Error(text);
}

function writeFiles(project: Project, files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(project.dir, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}

const told = ({ method, path: at }: LoggedRequest) => `${method} ${at.replace("/repos/octo/app", "")}`;

/** Every form in which a value could leak. */
function formsOf(value: string): string[] {
  const base64 = Buffer.from(value).toString("base64");
  return [
    value,
    base64,
    base64.replace(/=+$/, ""),
    encodeURIComponent(value),
    JSON.stringify(value).slice(1, -1),
  ];
}

describe("a repository from nothing to destroyed", () => {
  let github: GitHub;
  let project: Project;
  /** Everything that was printed, stored or sent in the open. */
  const seen: string[] = [];

  beforeAll(async () => {
    github = await startGitHub();
    await github.writeFile("CODEOWNERS", "* @octo\n");
    await github.writeFile(PREVIEW, "name: somebody else's\n");
    github.variables.put("THEIRS", "untouched");
    project = await setupProject(github, {
      variables: { DOCKERHUB_USERNAME: "octo" },
      environments: {
        stage: {},
        prod: {
          reviewers: ["hubot"],
          waitTimer: 5,
          preventSelfReview: true,
          tags: ["v*"],
          variables: { REGION: "eu" },
        },
      },
      tagRules: true,
      permissions: {},
      labels: [{ name: "release", color: "0e8a16", description: "Released" }],
      files: [{ path: WORKFLOW }, { path: PREVIEW }],
    });
    await setSecret(project, "secrets.DOCKERHUB_TOKEN", SECRETS.DOCKERHUB_TOKEN);
    await setSecret(project, "secrets.GHCR_TOKEN", SECRETS.GHCR_TOKEN);
    await setSecret(project, "environments.prod.secrets.PULUMI_CONFIG_PASSPHRASE", PROD_SECRET);
    github.forget();
  });

  afterEach(() => {
    const requests = [...github.requests];
    github.forget();
    seen.push(...requests.map(({ path: at, query, text }) => `${at}${query} ${text}`));
    expect(requests.flatMap(({ problems }) => problems)).toEqual([]);
  });

  async function up(...args: string[]): Promise<string> {
    const text = await project.upOk("--diff", ...args);
    seen.push(text);
    return text;
  }

  test("a preview tells all of it and writes nothing", async () => {
    const { exitCode, text } = await project.preview("--diff", "--debug", "-v=11", "--logtostderr");
    expect(text).toContain("Setup plan for octo/app, files on main");
    expect(text).toMatch(/\+ secret DOCKERHUB_TOKEN/);
    expect(text).toMatch(/\+ secret PULUMI_CONFIG_PASSPHRASE of environment prod/);
    expect(text).toMatch(/= file \.github\/workflows\/preview\.yml/);
    expect(exitCode).toBe(0);
    expect(github.writes()).toEqual([]);
    seen.push(text, (await project.preview("--json")).text);
  });

  test("up makes it: what arrived is what was given, sealed on its way", async () => {
    await up("--debug", "-v=11", "--logtostderr");
    expect(github.secrets.names()).toEqual(["DOCKERHUB_TOKEN", "GHCR_TOKEN"]);
    expect(github.secrets.open("DOCKERHUB_TOKEN")).toBe(SECRETS.DOCKERHUB_TOKEN);
    expect(github.secrets.open("GHCR_TOKEN")).toBe(SECRETS.GHCR_TOKEN);
    expect(github.environments.named("prod").secrets.open("PULUMI_CONFIG_PASSPHRASE")).toBe(PROD_SECRET);
    expect(github.environments.names()).toEqual(["prod", "stage"]);
    expect(github.environments.named("prod").variables.values()).toEqual({ REGION: "eu" });
    expect([...github.environments.named("prod").policies.values()]).toEqual([
      expect.objectContaining({ name: "v*", type: "tag" }),
    ]);
    expect(github.environments.named("prod").settings).toMatchObject({
      wait_timer: 5,
      prevent_self_review: true,
      reviewers: [{ type: "User", id: expect.any(Number) }],
    });
    expect(github.variables.values()).toEqual({ DOCKERHUB_USERNAME: "octo", THEIRS: "untouched" });
    expect(github.rulesets.all()).toEqual([
      expect.objectContaining({
        target: "tag",
        enforcement: "active",
        conditions: { ref_name: { include: ["refs/tags/v*"], exclude: [] } },
        rules: expect.arrayContaining([
          expect.objectContaining({ type: "update" }),
          expect.objectContaining({ type: "deletion" }),
        ]),
      }),
    ]);
    expect(github.permissions.actions).toMatchObject({ sha_pinning_required: true, allowed_actions: "all" });
    expect(github.permissions.workflow).toMatchObject({ default_workflow_permissions: "read" });
    expect(await github.file(WORKFLOW)).toBe(WORKFLOW_TEXT);
    expect(await github.file(PREVIEW)).toBe("name: preview\non: pull_request\n");
    expect(await github.file("CODEOWNERS")).toBe("* @octo\n");
    const allowed =
      /^(PUT|POST|PATCH) \/(actions\/(secrets\/\w+|variables|permissions(\/workflow)?)|environments\/(prod|stage)(\/(secrets\/\w+|variables|deployment-branch-policies))?|rulesets|labels|contents\/\.github\/workflows\/[\w-]+\.yml)$/;
    expect(
      github
        .writes()
        .map(told)
        .filter((line) => !allowed.test(line)),
    ).toEqual([]);
  });

  test("slipway plan tells the same without writing: everything is there, and whose it is", async () => {
    const { exitCode, text } = await project.slipway(
      "plan",
      "--stack",
      "setup",
      "--json",
      "--expect-no-changes",
    );
    const plan = JSON.parse(text.slice(text.indexOf("{")));
    expect(plan).toMatchObject({ kind: "setup", ownershipKnown: true, problems: [] });
    expect(plan.items.map(({ action }: { action: string }) => action)).toEqual(
      plan.items.map(() => "managed"),
    );
    expect(exitCode).toBe(0);
    expect(github.writes()).toEqual([]);
    seen.push(text);
  });

  test("up again changes nothing", async () => {
    await up("--expect-no-changes");
    expect(github.writes()).toEqual([]);
  });

  test("neither does it after reading everything from GitHub", async () => {
    await up("--refresh", "--expect-no-changes");
    expect(github.writes()).toEqual([]);
  });

  test("a rotated secret is the only one written", async () => {
    await setSecret(project, "secrets.DOCKERHUB_TOKEN", ROTATED);
    await up();
    expect(github.writes().map(told)).toEqual(["PUT /actions/secrets/DOCKERHUB_TOKEN"]);
    expect(github.secrets.open("DOCKERHUB_TOKEN")).toBe(ROTATED);
  });

  test("an edited workflow file is told by a preview, and put back", async () => {
    await github.writeFile(WORKFLOW, "name: edited by somebody\n");
    const { text } = await project.preview();
    expect(text).toMatch(/release-docker\.yml +differs on GitHub, `pulumi up --refresh` fixes it/);
    await up("--refresh");
    expect(github.writes().map(told)).toEqual([`PUT /contents/${WORKFLOW}`]);
    expect(await github.file(WORKFLOW)).toBe(WORKFLOW_TEXT);
  });

  test("a secret that leaves the configuration leaves GitHub, and nothing else does", async () => {
    const { exitCode } = await project.pulumi("config", "rm", "--path", "slipway:github.secrets.GHCR_TOKEN");
    expect(exitCode).toBe(0);
    await up();
    expect(github.writes().map(told)).toEqual(["DELETE /actions/secrets/GHCR_TOKEN"]);
  });

  test("no form of a secret is in state, log, preview or an open request", async () => {
    const { text: state } = await project.pulumi("stack", "export");
    const { text: outputs } = await project.pulumi("stack", "output", "--json");
    const everything = [
      ...seen,
      state,
      outputs,
      readFileSync(path.join(project.dir, "Pulumi.setup.yaml"), "utf8"),
    ];
    expect(seen.length).toBeGreaterThan(50);
    expect(state).toContain("DOCKERHUB_TOKEN");
    for (const secret of [...Object.values(SECRETS), ROTATED, PROD_SECRET, TOKEN]) {
      for (const form of formsOf(secret)) {
        expect(everything.filter((text) => text.includes(form))).toEqual([]);
      }
    }
  });

  test("destroying takes what was made, and leaves what was there", async () => {
    const { exitCode, text } = await project.pulumi("destroy", "--yes", "--non-interactive");
    expect(text).not.toMatch(/error/);
    expect(exitCode).toBe(0);
    expect(
      github
        .writes()
        .map(told)
        .filter((line) => !line.startsWith("DELETE ")),
    ).toEqual([]);
    expect(github.secrets.names()).toEqual([]);
    expect(github.environments.names()).toEqual([]);
    expect(github.rulesets.all()).toEqual([]);
    expect(await github.file(WORKFLOW)).toBeUndefined();
    expect(await github.file(PREVIEW)).toBe("name: preview\non: pull_request\n");
    expect(await github.file("CODEOWNERS")).toBe("* @octo\n");
    expect(github.variables.values()).toEqual({ THEIRS: "untouched" });
    expect(github.permissions.actions).toMatchObject({ sha_pinning_required: true });
  });
});

describe("a repository that somebody has set up already", () => {
  let github: GitHub;
  let project: Project;
  const settings = {
    variables: { REGION: "eu" },
    environments: { prod: { tags: ["v*"], variables: { ZONE: "a" } } },
    tagRules: true,
    labels: [{ name: "release", color: "0e8a16" }],
  };

  beforeAll(async () => {
    github = await startGitHub();
    github.variables.put("REGION", "eu");
    github.environments.put("prod", { wait_timer: 1 });
    github.environments.named("prod").secrets.put("THEIRS", "");
    github.rulesets.write({
      name: "Release tags",
      target: "tag",
      enforcement: "active",
      conditions: { ref_name: { include: ["refs/tags/v*"], exclude: [] } },
      rules: [{ type: "deletion" }, { type: "update" }],
    });
    project = await setupProject(github, settings);
    github.forget();
  });

  test("a secret that a workflow uses and nothing provides stops it before anything is written", async () => {
    configure(project, { ...settings, files: [{ path: WORKFLOW }] });
    const { exitCode, text } = await project.up();
    configure(project, settings);
    expect(exitCode).not.toBe(0);
    expect(text).toContain(
      `github.secrets.DOCKERHUB_TOKEN: is used by ${WORKFLOW}, and nothing provides it [github-secret-missing]`,
    );
    expect(github.writes()).toEqual([]);
  });

  test("a secret in plain text beside an encrypted one stops it too, and is not told", async () => {
    await setSecret(project, "secrets.ENCRYPTED", "encrypted-value");
    await project.pulumi("config", "set", "--path", "slipway:github.secrets.PLAIN", "plain-text-value");
    const { exitCode, text } = await project.up();
    configure(project, settings);
    expect(exitCode).not.toBe(0);
    expect(text).toContain("github.secrets.PLAIN: is in plain text in the stack's file");
    expect(text).not.toMatch(/plain-text-value|encrypted-value|secrets\.ENCRYPTED:/);
    expect(github.writes()).toEqual([]);
  });

  test("a failure half-way, and the next up finishes the same setup", async () => {
    github.intercept = ({ method, path: at }) =>
      method === "POST" && at.endsWith("/labels") ? { status: 422, body: { message: "not now" } } : undefined;
    const { exitCode, text } = await project.up();
    expect(exitCode).not.toBe(0);
    expect(text).toContain("not now");
    github.intercept = () => undefined;
    await project.upOk();
    expect(github.rulesets.all()).toHaveLength(1);
    expect(github.variables.values()).toEqual({ REGION: "eu" });
    expect(github.environments.named("prod").variables.values()).toEqual({ ZONE: "a" });
    expect(await github.asSomebody("GET", "/repos/octo/app/labels/release")).toMatchObject({
      color: "0e8a16",
    });
    github.forget();
    await project.upOk("--expect-no-changes");
    expect(github.writes()).toEqual([]);
    expect(github.requests.flatMap(({ problems }) => problems)).toEqual([]);
  });

  test("destroying leaves what was there, and takes what was made beside it", async () => {
    const { exitCode } = await project.pulumi("destroy", "--yes", "--non-interactive");
    expect(exitCode).toBe(0);
    expect(github.variables.values()).toEqual({ REGION: "eu" });
    expect(github.environments.names()).toEqual(["prod"]);
    expect(github.environments.named("prod").secrets.names()).toEqual(["THEIRS"]);
    expect(github.environments.named("prod").variables.values()).toEqual({});
    expect(github.rulesets.all()).toHaveLength(1);
  });
});

describe("the workflow files of the project's stacks", () => {
  const RELEASE = { file: "release-docker.yml" };
  let github: GitHub;
  let project: Project;
  let release: Project;

  const settings = (workflows: object) => ({
    repository: "octo/app",
    registries: [{ host: "ghcr.io", namespace: "octo" }],
    images: [{ name: "app", tags: ["type=semver,pattern={{version}}"] }],
    github: { workflows: { release: RELEASE, preview: {}, ...workflows } },
  });

  /** What `slipway workflows` would write, by path. */
  async function wanted(): Promise<Record<string, string>> {
    const { exitCode, text } = await project.slipway("workflows", "--print", "--json");
    expect(exitCode).toBe(0);
    const files: { path: string; text: string }[] = JSON.parse(text).files;
    return Object.fromEntries(files.map((file) => [file.path, file.text]));
  }

  async function arrived(): Promise<Record<string, string | undefined>> {
    const paths = Object.keys(await wanted());
    return Object.fromEntries(await Promise.all(paths.map(async (at) => [at, await github.file(at)])));
  }

  beforeAll(async () => {
    github = await startGitHub();
    project = await setupProject(github, { labels: true, workflowFiles: true });
    release = await project.stackBeside({ stack: "release", config: settings({}) });
    started.push({ remove: () => release.remove() });
    github.forget();
  });

  test("arrive as `slipway workflows` writes them, with the labels of a release", async () => {
    await project.upOk();
    expect(Object.keys(await wanted())).toEqual([
      ".github/workflows/preview.yml",
      ".github/workflows/release-docker.yml",
    ]);
    expect(await arrived()).toEqual(await wanted());
    for (const label of ["backport", "breaking", "release", "rollback"]) {
      expect(await github.asSomebody("GET", `/repos/octo/app/labels/${label}`)).toMatchObject({
        name: label,
      });
    }
  });

  test("follow the stack's settings, one commit for each that changes", async () => {
    github.forget();
    release.setConfig(settings({ timeout: 45 }));
    await project.upOk();
    expect(github.writes().map(told)).toEqual([`PUT /contents/${WORKFLOW}`]);
    expect(await github.file(WORKFLOW)).toContain("timeout-minutes: 45");
  });

  test("edited on GitHub: told by `slipway preview`, put back by `slipway up`, both with a look at GitHub", async () => {
    await github.writeFile(WORKFLOW, "name: edited by somebody\n");
    github.forget();
    const preview = await project.slipway("preview", "--stack", "setup", "--", "--non-interactive");
    expect(preview.text).toContain("release-docker.yml");
    expect(preview.exitCode).toBe(0);
    expect(github.writes()).toEqual([]);
    const up = await project.slipway("up", "--stack", "setup", "--", "--yes", "--non-interactive");
    expect(up.exitCode, up.text).toBe(0);
    expect(github.writes().map(told)).toEqual([`PUT /contents/${WORKFLOW}`]);
    expect(await arrived()).toEqual(await wanted());
    expect(github.requests.flatMap(({ problems }) => problems)).toEqual([]);
  });
});

describe("the example publish-container", () => {
  test("sets its repository up with the workflow files that are committed", async () => {
    const github = await startGitHub({ repository: "container" });
    const project = await Project.fromExample({
      example: "publish-container",
      stack: "setup",
      env: { GITHUB_BASE_URL: github.url, GH_TOKEN: TOKEN },
    });
    started.push({ remove: () => project.remove() });
    const { exitCode, text } = await project.run(
      {},
      "npm",
      "run",
      "setup",
      "--",
      "--yes",
      "--non-interactive",
    );
    expect(exitCode, text).toBe(0);
    const folder = path.join(__dirname, "../../examples/publish-container");
    for (const name of ["preview.yml", "publish-container.yml"]) {
      const file = `.github/workflows/${name}`;
      expect(await github.file(file)).toBe(readFileSync(path.join(folder, file), "utf8"));
    }
    expect(github.environments.names()).toEqual(["release"]);
    expect(github.rulesets.all()).toHaveLength(1);
    github.forget();
    expect((await project.up("--refresh", "--expect-no-changes")).exitCode).toBe(0);
    expect(github.writes()).toEqual([]);
  });
});

describe("files by a pull request", () => {
  test("a branch, a commit a file, one pull request; a second up changes nothing", async () => {
    const github = await startGitHub();
    const settings = { branch: "slipway/setup", pullRequest: true, files: [{ path: PREVIEW }] };
    const project = await setupProject(github, settings);
    await project.upOk();
    expect(await github.file(PREVIEW)).toBeUndefined();
    expect(await github.file(PREVIEW, "slipway/setup")).toBe("name: preview\non: pull_request\n");
    expect(await github.asSomebody("GET", "/repos/octo/app/pulls")).toEqual([
      expect.objectContaining({ state: "open", head: expect.objectContaining({ ref: "slipway/setup" }) }),
    ]);
    github.forget();
    await project.upOk("--expect-no-changes");
    expect(github.writes()).toEqual([]);
    expect(github.requests.flatMap(({ problems }) => problems)).toEqual([]);
  });
});
