import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { GitHub } from "../../support/github/start";
import { SETTINGS_PROGRAM } from "../../support/settings-program";
import { slipway } from "../../support/slipway";

/** `slipway plan` for a setup stack, without an engine. */

const TOKEN = "ghp_canaryOfThePlan";
let github: GitHub;
let dir: string;

beforeAll(async () => {
  github = await GitHub.start({
    owner: "octo",
    repository: "app",
    tokens: { [TOKEN]: { login: "octo", scopes: ["repo", "workflow"] } },
  });
  github.variables.put("REGION", "eu");
  dir = mkdtempSync(path.join(tmpdir(), "slipway-plan-setup-"));
  writeFileSync(path.join(dir, "Pulumi.yaml"), "name: app\nruntime: nodejs\n");
  writeFileSync(path.join(dir, "index.js"), SETTINGS_PROGRAM);
});
afterAll(async () => {
  await github.close();
  rmSync(dir, { recursive: true, force: true });
});

function plan(settings: object, args: string[] = [], env: NodeJS.ProcessEnv = {}) {
  const config = { "slipway:github": { setup: true, repository: "octo/app", ...settings } };
  writeFileSync(path.join(dir, "Pulumi.setup.yaml"), stringify({ config }));
  const full = { PATH: "/nonexistent", GH_TOKEN: TOKEN, GITHUB_BASE_URL: github.url, ...env };
  return slipway(["plan", "-C", dir, "--stack", "setup", ...args], full);
}

const SETTINGS = {
  secrets: { DOCKERHUB_TOKEN: { secure: "v1:canary" } },
  variables: { REGION: "eu" },
  environments: { prod: { tags: ["v*"] } },
};

describe("a setup's plan", () => {
  test("as JSON: names and actions, and no value of a secret", async () => {
    const { code, out, err } = await plan(SETTINGS, ["--json"]);
    expect(JSON.parse(out)).toMatchObject({
      kind: "setup",
      repository: "octo/app",
      defaultBranch: "main",
      ownershipKnown: false,
      items: expect.arrayContaining([
        { key: "secret DOCKERHUB_TOKEN", action: "make", deletable: true },
        expect.objectContaining({ key: "variable REGION", action: "adopt", deletable: false }),
        expect.objectContaining({ key: "environment prod", action: "make" }),
      ]),
      problems: [],
    });
    expect(out + err).not.toContain("canary");
    expect(err).toContain("what the stack created is not known (pulumi was not found)");
    expect(code).toBe(0);
    expect(github.writes()).toEqual([]);
  });

  test("as text; unexpected changes fail", async () => {
    const { code, out, err } = await plan(SETTINGS, ["--expect-no-changes"]);
    expect(out).toContain("Setup plan for octo/app");
    expect(out).toMatch(/\+ secret DOCKERHUB_TOKEN/);
    expect(err).toContain("No changes were expected.");
    expect(code).toBe(1);
  });

  test("problems are part of the JSON, and fail", async () => {
    const { code, out, err } = await plan({ ...SETTINGS, variables: { REGION: "us" } }, ["--json"]);
    expect(JSON.parse(out).problems).toEqual([
      expect.objectContaining({ code: "github-variable-taken", path: "variable REGION" }),
    ]);
    expect(err).toContain("The setup is refused (1 reason)");
    expect(code).toBe(1);
  });

  test("without a token in the environment, an encrypted one is not sent", async () => {
    github.forget();
    const { code, err } = await plan({ ...SETTINGS, token: { secure: "v1:canary" } }, [], { GH_TOKEN: "" });
    expect(err).toContain("[github-token-missing]");
    expect(code).toBe(1);
    expect(github.requests).toEqual([]);
  });
});
