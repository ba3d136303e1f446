import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const SLIPWAY = join(__dirname, "../../../src/cli/slipway.js");
const SHA = "860c1904a1ce19322e91ac35af1ab07466440c37";
const TAG_PUSH = { GITHUB_REF: "refs/tags/v1.2.3", GITHUB_SHA: SHA, GITHUB_EVENT_NAME: "push" };
const NOW = ["--now", "2020-01-10T00:30:00Z"];

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "slipway-tags-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

/** Runs `slipway` with only PATH in its environment. */
function slipway(args: string[], env: Record<string, string> = {}) {
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const child = execFile(
      process.execPath,
      [SLIPWAY, ...args],
      { cwd: folder, env: { PATH: process.env.PATH, ...env } },
      (_, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

describe("slipway tags", { timeout: 60_000 }, () => {
  test("--json prints what metadata-action would", async () => {
    const repository = file("repo.json", {
      name: "Hello-World",
      description: null,
      html_url: "https://github.com/octocat/Hello-World",
      default_branch: "master",
      license: { spdx_id: "MIT" },
    });
    const flags = [
      "--image",
      "ghcr.io/O/r",
      "--image",
      "docker.io/o/r",
      "--rule",
      "type=semver,pattern={{version}}",
    ];
    const more = [
      "--rule",
      "type=sha",
      "--flavor",
      "latest=auto",
      "--label",
      "k=v",
      "--repository-file",
      repository,
    ];
    const { code, stdout, stderr } = await slipway(["tags", ...flags, ...more, ...NOW, "--json"], TAG_PUSH);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      version: "1.2.3",
      partial: ["sha-860c190"],
      latest: true,
      tags: ["ghcr.io/o/r", "docker.io/o/r"].flatMap((image) =>
        ["1.2.3", "sha-860c190", "latest"].map((name) => `${image}:${name}`),
      ),
      labels: [
        "k=v",
        "org.opencontainers.image.created=2020-01-10T00:30:00.000Z",
        "org.opencontainers.image.description=",
        "org.opencontainers.image.licenses=MIT",
        `org.opencontainers.image.revision=${SHA}`,
        "org.opencontainers.image.source=https://github.com/octocat/Hello-World",
        "org.opencontainers.image.title=Hello-World",
        "org.opencontainers.image.url=https://github.com/octocat/Hello-World",
        "org.opencontainers.image.version=1.2.3",
      ],
    });
  });

  test("the event's file and several lines in one value", async () => {
    const payload = file("event.json", {
      number: 5,
      pull_request: { head: { sha: "f".repeat(40) }, base: { ref: "main" } },
      repository: { name: "app", default_branch: "main" },
    });
    const rules = "# all\ntype=ref,event=pr\n\ntype=sha\ntype=raw,value=to-{{base_ref}}\n";
    const { stdout } = await slipway(["tags", "--rule", rules, "--annotation", "a=b", ...NOW, "--json"], {
      ...TAG_PUSH,
      GITHUB_REF: "refs/heads/main",
      GITHUB_EVENT_NAME: "pull_request_target",
      GITHUB_EVENT_PATH: payload,
      DOCKER_METADATA_PR_HEAD_SHA: "true",
      DOCKER_METADATA_SHORT_SHA_LENGTH: "10",
    });
    const result = JSON.parse(stdout);
    expect(result.tags).toEqual(["pr-5", "to-main", "sha-ffffffffff"]);
    expect(result.annotations).toContain("a=b");
    expect(result.labels).toContain("org.opencontainers.image.title=app");
  });

  test("prints plain text, tags first, from flags alone", async () => {
    const flags = [
      "--ref",
      "refs/heads/main",
      "--sha",
      SHA,
      "--repository",
      "octo/app",
      "--image",
      "octo/app",
    ];
    const { code, stdout } = await slipway(["tags", ...flags, ...NOW]);
    expect(code).toBe(0);
    expect(stdout.split("\n").slice(0, 3)).toEqual([
      "octo/app:main",
      "",
      "org.opencontainers.image.created=2020-01-10T00:30:00.000Z",
    ]);
    expect(stdout).toContain("org.opencontainers.image.source=https://github.com/octo/app\n");
  });

  test("warns on stderr, without colour, and succeeds", async () => {
    const rules = ["--rule", "type=semver,pattern={{version}}", "--rule", ".x"];
    const { code, stdout, stderr } = await slipway(["tags", ...rules, "--json"], {
      ...TAG_PUSH,
      GITHUB_REF: "refs/tags/v0.29",
      NO_COLOR: "1",
    });
    expect(code).toBe(0);
    expect(JSON.parse(stdout).tags).toEqual([".x"]);
    expect(stderr).toContain("warning: v0.29 is not a valid semantic version");
    expect(stderr).toContain('warning: .x: ".x" is not a tag');
  });

  test.each([
    ["no event at all", [], {}, "Set GITHUB_REF and GITHUB_SHA"],
    ["an unknown flag", ["--nonsense"], TAG_PUSH, "unknown option '--nonsense'"],
    ["an invalid time", ["--now", "soon"], TAG_PUSH, "expected a date"],
    [
      "an invalid rule",
      ["--rule", "type=bogus"],
      TAG_PUSH,
      '--rule[0]: "type=bogus": type="bogus" is not one of',
    ],
    ["an invalid length", [], { ...TAG_PUSH, DOCKER_METADATA_SHORT_SHA_LENGTH: "x" }, "is not a number"],
  ])("%s is a usage error", async (_, args, env, message) => {
    const { code, stdout, stderr } = await slipway(["tags", ...args], env);
    expect(stderr).toContain(message);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });

  test.each([
    [
      "a rule that cannot be evaluated",
      ["--rule", "x,enable=maybe"],
      'enable="maybe" is not one of true, false',
    ],
    ["a file that is not there", ["--event-file", "none.json"], "none.json cannot be read as JSON"],
  ])("%s is a failure", async (_, args, message) => {
    const { code, stderr } = await slipway(["tags", ...args], TAG_PUSH);
    expect(stderr).toContain(message);
    expect(code).toBe(1);
  });

  test("--help lists the flags, and no command is a usage error", async () => {
    const { code, stdout } = await slipway(["tags", "--help"]);
    expect(code).toBe(0);
    expect(stdout).toContain("--repository-file");
    expect((await slipway([])).code).toBe(2);
  });

  test("explains why there is no tag: no commit, or a branch of 150 characters", async () => {
    const without = await slipway(["tags", "--rule", "type=sha", "--ref", "refs/heads/main"]);
    expect(without.stderr).toMatch(/no commit is given \(GITHUB_SHA or --sha.*type=sha makes no tag/);
    const env = { GITHUB_SHA: SHA, GITHUB_REF: `refs/heads/${"x".repeat(150)}` };
    const long = await slipway(["tags", "--rule", "type=ref,event=branch"], env);
    expect(long.stderr).toMatch(
      /150 characters is not a tag.*\n.*type=ref,event=branch; give the branch a shorter name/,
    );
    expect((await slipway(["tags", "--rule", "type=sha"], env)).stderr).toBe("");
  });
});
