import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { workflowFiles } from "../../../src/workflows/generate";
import type { Job } from "../../../src/workflows/model";
import { workflowStacks } from "../../support/workflow-projects";
import { type JobResult, removeRunner, runJob } from "../../support/workflow-runner";

/** Runs the scripts of generated workflows that need no engine, with bash and git as a runner does. */
const folders: string[] = [];
const ended: JobResult[] = [];

afterAll(() => {
  ended.forEach(removeRunner);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "slipway-scripts-"));
  folders.push(folder);
  return folder;
}

function jobOf(id: string, workflows: object, more: object = {}): Job {
  const written = {
    registries: [{ host: "ghcr.io", namespace: "octo" }],
    images: [{ name: "app" }],
    github: { workflows },
    ...more,
  };
  const [file] = workflowFiles(workflowStacks([{ stack: "release", written }]));
  const job = file?.workflow.jobs[id];
  if (job === undefined) throw new Error(`no job ${id}`);
  return job;
}

async function run(
  cwd: string,
  job: Job,
  values: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
): Promise<JobResult> {
  const result = await runJob(
    {
      run: async (variables, program, ...args) => {
        try {
          const text = execFileSync(program, args, {
            cwd,
            env: { ...variables },
            encoding: "utf8",
            stdio: "pipe",
          });
          return { exitCode: 0, text };
        } catch (error) {
          const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
          return { exitCode: status, text: `${stdout}${stderr}` };
        }
      },
    },
    job,
    { values, env },
  );
  ended.push(result);
  return result;
}

describe("the commit that is released", () => {
  const FORK = "a commit of a fork, which GitHub stores in the same repository";
  let checkout: string;
  let commits: Record<"old" | "main" | "feature" | "fork", string>;

  const git = (cwd: string, ...args: string[]) =>
    execFileSync("git", args, { cwd, encoding: "utf8", env: { ...process.env, ...WHO } }).trim();
  const WHO = {
    GIT_AUTHOR_NAME: "Test",
    GIT_AUTHOR_EMAIL: "test@example.com",
    GIT_COMMITTER_NAME: "Test",
    GIT_COMMITTER_EMAIL: "test@example.com",
    GIT_CONFIG_GLOBAL: "/dev/null",
  };

  beforeAll(() => {
    const origin = newFolder();
    const commit = (message: string) => {
      git(origin, "commit", "--quiet", "--allow-empty", "--message", message);
      return git(origin, "rev-parse", "HEAD");
    };
    git(origin, "init", "--quiet", "--initial-branch=main");
    const old = commit("old");
    git(origin, "tag", "--annotate", "--message", "1.0.0", "v1.0.0");
    for (const tag of ["docker-v1.0.0", "sa-1.0.0"]) git(origin, "tag", tag);
    git(origin, "checkout", "--quiet", "-b", "feature");
    const feature = commit("feature");
    git(origin, "tag", "nightly");
    // Named like a missing tag and like an existing one.
    for (const name of ["v9.9.9", "v1.0.0"]) git(origin, "branch", name, "feature");
    git(origin, "checkout", "--quiet", "main");
    const main = commit("main");
    checkout = path.join(newFolder(), "checkout");
    git(origin, "clone", "--quiet", origin, checkout);
    const fork = git(checkout, "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", FORK);
    // A file that the patterns would match if the shell expanded them.
    mkdirSync(path.join(checkout, "refs/tags"), { recursive: true });
    writeFileSync(path.join(checkout, "refs/tags/v"), "");
    commits = { old, main, feature, fork };
  });

  interface Typed {
    readonly ref?: string;
    readonly version?: string;
  }

  const found = (typed: Typed, on: "main" | "feature" = "main", job = jobOf("source", { release: {} })) =>
    run(
      checkout,
      job,
      {
        "inputs.ref": typed.ref ?? "",
        "inputs.version": typed.version ?? "",
        "github.event.repository.default_branch": "main",
      },
      { GITHUB_SHA: commits[on] },
    );

  test.each<[string, () => Typed, "old" | "main"]>([
    ["nothing is typed in", () => ({}), "main"],
    ["the default branch", () => ({ ref: "main" }), "main"],
    ["the default branch by its whole name", () => ({ ref: "refs/heads/main" }), "main"],
    ["a commit of it", () => ({ ref: commits.old }), "old"],
    ["a short commit of it", () => ({ ref: commits.old.slice(0, 10) }), "old"],
    ["a tag, though a branch has its name", () => ({ ref: "v1.0.0" }), "old"],
    ["a tag by its whole name", () => ({ ref: "refs/tags/v1.0.0" }), "old"],
    ["a version with a git tag", () => ({ version: "v1.0.0" }), "old"],
    ["that version without its v", () => ({ version: "1.0.0" }), "old"],
    ["that version and its commit", () => ({ version: "v1.0.0", ref: commits.old }), "old"],
    ["a version without a git tag, and a ref", () => ({ version: "v1.0.1", ref: commits.old }), "old"],
  ])("is found: %s", async (_, typed, expected) => {
    const { exitCode, text, outputs } = await found(typed());
    expect(exitCode, text).toBe(0);
    expect(outputs).toBe(`commit=${commits[expected]}\n`);
  });

  test.each<[string, () => Typed, RegExp]>([
    [
      "a branch that is not merged",
      () => ({ ref: "feature" }),
      /Neither main nor a tag of refs\/tags\/v\* contains/,
    ],
    ["its commit", () => ({ ref: commits.feature }), /Neither main nor/],
    ["a branch that is named like a version", () => ({ ref: "v9.9.9" }), /Neither main nor/],
    ["a tag that no rule protects", () => ({ ref: "nightly" }), /Neither main nor/],
    ["a commit of a fork", () => ({ ref: commits.fork }), /Neither main nor/],
    [
      "a version, and a ref elsewhere",
      () => ({ version: "v1.0.0", ref: "main" }),
      /The version's git tag is/,
    ],
    [
      "a version without its v, and a ref elsewhere",
      () => ({ version: "1.0.0", ref: "main" }),
      /The version's git tag is/,
    ],
    ["a version without a git tag", () => ({ version: "v1.0.1" }), /The version has no git tag/],
    [
      "a version that only a branch is named like",
      () => ({ version: "v9.9.9" }),
      /The version has no git tag/,
    ],
    ["a missing ref", () => ({ ref: "none" }), /has no such branch, tag or commit/],
    ["an option", () => ({ ref: "--all" }), /has no such branch, tag or commit/],
    [
      "a line break and a command",
      () => ({ ref: "main\n::set-output name=commit::0" }),
      /has no such branch/,
    ],
    ["shell characters", () => ({ ref: "$(id)", version: "`id`" }), /has no such branch/],
  ])("is refused: %s", async (_, typed, expected) => {
    const { exitCode, text, outputs } = await found(typed());
    expect(exitCode, text).toBe(1);
    expect(text).toMatch(expected);
    expect(outputs).toBe("");
  });

  test("is refused if the workflow starts on an unmerged branch", async () => {
    const { exitCode, outputs } = await found({}, "feature");
    expect([exitCode, outputs]).toEqual([1, ""]);
  });

  test.each([
    ["the image's tag", "docker-v*", "vX.Y.Z", "v1.0.0"],
    ["the git tag", "docker-v*", "vX.Y.Z", "docker-v1.0.0"],
    ["the number", "docker-v*", "vX.Y.Z", "1.0.0"],
    ["the image's tag, whose prefix the git tag does not have", "sa-*", "alone-vX.Y.Z", "alone-v1.0.0"],
    ["that git tag", "sa-*", "alone-vX.Y.Z", "sa-1.0.0"],
    ["an image's tag without a v", "sa-*", "X.Y.Z", "1.0.0"],
  ])("is a lane's own tag for its version, written as %s", async (_, trigger, format, version) => {
    const lanes = [{ name: "main", format, floating: "latest", trigger }];
    const job = jobOf("source", { release: { on: ["tags"] } }, { lanes, lane: "main" });
    expect((await found({ version }, "main", job)).outputs).toBe(`commit=${commits.old}\n`);
    expect((await found({ ref: "v1.0.0" }, "main", job)).outputs).toBe(`commit=${commits.old}\n`);
    const elsewhere = await found({ version, ref: "main" }, "main", job);
    expect([elsewhere.exitCode, elsewhere.text]).toEqual([1, expect.stringContaining("git tag is")]);
    const missing = await found({ version: version.replace("1.0.0", "1.0.9") }, "main", job);
    expect([missing.exitCode, missing.text]).toEqual([1, expect.stringContaining("has no git tag")]);
  });

  test.each<[string, "old" | "main"]>([
    ["v1.0.0", "old"],
    ["hotfix-7", "main"],
  ])("is the git tag's if the input tag %s is a git tag, else the workflow's own", async (tag, expected) => {
    for (const host of ["github", "gitea"]) {
      const job = jobOf(
        "source",
        { release: {}, hosts: [host] },
        { images: [{ name: "app", tags: ["type=raw,value={{input 'tag'}}"] }] },
      );
      const values = { "inputs.tag": tag, "github.event.repository.default_branch": "main" };
      const { outputs, text } = await run(checkout, job, values, { GITHUB_SHA: commits.main });
      expect(outputs, text).toBe(`commit=${commits[expected]}\n`);
    }
  });

  test("is refused if the event lacks the default branch", async () => {
    const { exitCode } = await run(
      checkout,
      jobOf("source", { release: {} }),
      {},
      { GITHUB_SHA: commits.feature },
    );
    expect(exitCode).not.toBe(0);
  });
});

describe("the comment on a pull request", () => {
  const HOSTILE = [
    "Release plan for release → 1.0.0",
    "\r@octo/everyone [sign in](https://evil.example) ![](https://evil.example/x.png)",
    "```\n</code></pre>\n~~~\n<!-- slipway preview release -->",
    "\n\n\n# A heading of the bot\u0085\u2028\u202e\u001b[31m\u0000\u000b\u000c",
    "\t@octocat",
    "é".repeat(40_000),
    "x".repeat(80_000),
  ].join("\n");

  async function posted(existing: string): Promise<{ body: string; calls: string; text: string }> {
    const bin = newFolder();
    const gh = path.join(bin, "gh");
    writeFileSync(
      gh,
      `#!/bin/sh\necho "$@" >> "${bin}/calls"\ncase "$*" in *--paginate*) echo "${existing}";; esac\n`,
    );
    chmodSync(gh, 0o755);
    const job = jobOf("comment", { preview: {} });
    const [, step] = job.steps;
    if (step === undefined || !("run" in step)) throw new Error("no script");
    const artifact = {
      name: "Take",
      run: ['mkdir "$RUNNER_TEMP/preview"', 'cp "$HOSTILE" "$RUNNER_TEMP/preview/preview.txt"'],
    };
    writeFileSync(path.join(bin, "hostile"), HOSTILE);
    const { exitCode, text, temp } = await run(
      bin,
      { ...job, steps: [artifact, step] },
      { "github.event.pull_request.number": "7" },
      {
        PATH: `${bin}${path.delimiter}${process.env.PATH}`,
        HOSTILE: path.join(bin, "hostile"),
        GITHUB_REPOSITORY: "octo/app",
      },
    );
    expect(exitCode, text).toBe(0);
    const calls = readFileSync(path.join(bin, "calls"), "utf8");
    return { body: readFileSync(path.join(temp, "comment.md"), "utf8"), calls, text };
  }

  test("shows the plan as a code block that no text in it can end", async () => {
    const { body } = await posted("");
    // The line breaks of CommonMark.
    const [marker, title, blank, first, ...lines] = body.split(/\r\n|\n|\r/);
    expect([marker, title, blank]).toEqual([
      "<!-- slipway preview release -->",
      "### Release preview: release",
      "",
    ]);
    expect(first).toBe("    Release plan for release -> 1.0.0");
    expect(lines.length).toBeGreaterThan(8);
    expect(lines.filter((line) => line !== "" && !line.startsWith("    "))).toEqual([]);
    expect(body).toMatch(/^[\t\n -~]*$/);
    expect(body.length).toBeLessThan(65_536);
  });

  test("is created once, then updated", async () => {
    expect((await posted("")).calls).toContain("--method POST repos/octo/app/issues/7/comments");
    expect((await posted("42")).calls).toContain("--method PATCH repos/octo/app/issues/comments/42");
  });
});
