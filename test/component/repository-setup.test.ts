import { expect, test } from "vitest";
import { RepositorySetup } from "../../components/repository-setup";
import type { SealSecret } from "../../src/github/seal-secret";
import { Secret } from "../../src/plan/secret";
import { assembleSetupPlan } from "../../src/plan/setup/plan";
import { record } from "../../src/testing/record";
import { anEnvironment, aRepository, aSetup } from "../support/setup";

const FILES = [
  { path: ".github/workflows/a.yml", content: "name: a\n" },
  { path: ".github/workflows/b.yml", content: "name: b\n" },
];

const everything = aSetup({
  secrets: { TOKEN: new Secret("hush") },
  variables: { REGION: "eu" },
  environments: {
    prod: anEnvironment({
      reviewers: ["octocat", "octo/release"],
      waitTimer: 5,
      tags: ["v*"],
      secrets: { PASS: new Secret("quiet") },
    }),
    stage: anEnvironment(),
  },
  tagRules: { name: "Release tags", patterns: ["docker-v*", "v*"] },
  permissions: { shaPinning: true, allowed: "selected", patterns: ["docker/*"], workflowToken: "read" },
  labels: [{ name: "release", color: "0E8A16" }],
  files: FILES,
});

/** Returns its arguments without the secret. */
const seal: SealSecret = async ({ environment = "", name }) => ({
  keyId: "key-1",
  box: `${environment}/${name}`,
});

const reviewers = {
  octocat: { kind: "user" as const, id: 1 },
  "octo/release": { kind: "team" as const, id: 2 },
};

async function declared(input: Parameters<typeof assembleSetupPlan>[0]) {
  const plan = assembleSetupPlan(input);
  const { resources } = await record(() => {
    new RepositorySetup("repository", plan, {}, seal);
  });
  return resources;
}

test("everything, each with its name, parent and inputs", async () => {
  const resources = await declared({ config: everything, live: aRepository({ reviewers }) });
  expect(resources.map(({ type, name, parent }) => `${type} ${name} < ${parent}`).sort()).toEqual(
    [
      "slipway:index:RepositorySetup repository < ",
      "pulumi:providers:github repository-github < ",
      "github:index/actionsSecret:ActionsSecret repository-secret-TOKEN < repository",
      "github:index/actionsVariable:ActionsVariable repository-variable-REGION < repository",
      "slipway:index:RepositoryEnvironment repository-prod < repository",
      "github:index/repositoryEnvironment:RepositoryEnvironment repository-prod < repository-prod",
      "github:index/repositoryEnvironmentDeploymentPolicy:RepositoryEnvironmentDeploymentPolicy repository-prod-tag-v* < repository-prod",
      "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret repository-prod-secret-PASS < repository-prod",
      "slipway:index:RepositoryEnvironment repository-stage < repository",
      "github:index/repositoryEnvironment:RepositoryEnvironment repository-stage < repository-stage",
      "github:index/repositoryRuleset:RepositoryRuleset repository-tag-rules < repository",
      "github:index/actionsRepositoryPermissions:ActionsRepositoryPermissions repository-actions-permissions < repository",
      "github:index/workflowRepositoryPermissions:WorkflowRepositoryPermissions repository-workflow-permissions < repository",
      "github:index/issueLabel:IssueLabel repository-label-release < repository",
      "slipway:index:RepositoryFiles repository-files < repository",
      "github:index/repositoryFile:RepositoryFile repository-files-.github/workflows/a.yml < repository-files",
      "github:index/repositoryFile:RepositoryFile repository-files-.github/workflows/b.yml < repository-files",
    ].sort(),
  );
  const inputs = Object.fromEntries(
    resources.map(({ type, inputs: given }) => [type.split(":").at(-1), given]),
  );
  expect(inputs.RepositoryRuleset).toEqual({
    repository: "app",
    name: "Release tags",
    target: "tag",
    enforcement: "active",
    conditions: { refName: { includes: ["refs/tags/docker-v*", "refs/tags/v*"], excludes: [] } },
    rules: { update: true, deletion: true },
  });
  expect(inputs.ActionsRepositoryPermissions).toEqual({
    repository: "app",
    enabled: true,
    allowedActions: "selected",
    shaPinningRequired: true,
    allowedActionsConfig: {
      githubOwnedAllowed: true,
      verifiedAllowed: false,
      patternsAlloweds: ["docker/*"],
    },
  });
  const prod = resources.find(({ name, type }) => name === "repository-prod" && type.startsWith("github:"));
  expect(prod?.inputs).toEqual({
    repository: "app",
    environment: "prod",
    canAdminsBypass: true,
    preventSelfReview: false,
    waitTimer: 5,
    reviewers: [{ users: [1], teams: [2] }],
    deploymentBranchPolicy: { protectedBranches: false, customBranchPolicies: true },
  });
});

test("secrets reach the engine sealed, and in no other way", async () => {
  const resources = await declared({ config: everything, live: aRepository({ reviewers }) });
  const secrets = resources.filter(({ type }) => /Secret$/.test(type)).map(({ inputs }) => inputs);
  const sealed = (box: string) => ({
    keyId: "key-1",
    valueEncrypted: expect.objectContaining({ value: box }),
  });
  expect(secrets).toEqual([
    { repository: "app", secretName: "TOKEN", ...sealed("/TOKEN") },
    { repository: "app", environment: "prod", secretName: "PASS", ...sealed("prod/PASS") },
  ]);
  expect(JSON.stringify(resources)).not.toMatch(/hush|quiet/);
});

test("files are committed one after another", async () => {
  const resources = await declared({ config: aSetup({ files: FILES }), live: aRepository() });
  const files = resources.filter(({ type }) => type.endsWith(":RepositoryFile"));
  expect(files.map(({ dependencies }) => dependencies)).toEqual([[], [files[0]?.name]]);
});

test("a destroyed stack keeps what was there before it, and an adopted file is overwritten once", async () => {
  const [first] = FILES;
  const live = aRepository({ files: { [first?.path ?? ""]: "theirs" }, labels: ["release"] });
  const resources = await declared({ config: everything, live: { ...live, reviewers } });
  const kept = resources.filter(({ retainOnDelete }) => retainOnDelete).map(({ name }) => name);
  expect(kept.sort()).toEqual([
    "repository-actions-permissions",
    "repository-files-.github/workflows/a.yml",
    "repository-label-release",
    "repository-workflow-permissions",
  ]);
  const overwriting = resources.filter(({ inputs }) => inputs.overwriteOnCreate === true);
  expect(overwriting.map(({ name }) => name)).toEqual(["repository-files-.github/workflows/a.yml"]);
});

test("an empty setup declares nothing in the repository", async () => {
  const resources = await declared({ config: aSetup(), live: aRepository() });
  expect(resources.map(({ name }) => name).sort()).toEqual([
    "repository",
    "repository-files",
    "repository-github",
  ]);
});

test("with a pull request: a branch, its files, then the request, all of which the repository keeps", async () => {
  const config = aSetup({ files: FILES, branch: "setup", pullRequest: true });
  const resources = await declared({ config, live: aRepository({ hasBranch: false }) });
  const github = resources.filter(({ type }) => type.startsWith("github:"));
  expect(github.map(({ name, dependencies }) => [name, dependencies])).toEqual([
    ["repository-files-branch", []],
    ["repository-files-.github/workflows/a.yml", ["repository-files-branch"]],
    ["repository-files-.github/workflows/b.yml", ["repository-files-.github/workflows/a.yml"]],
    ["repository-files-pull-request", ["repository-files-.github/workflows/b.yml"]],
  ]);
  expect(github.every(({ retainOnDelete }) => retainOnDelete)).toBe(true);
});
