import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { slipway } from "../../support/slipway";

/** The command's flags and exit codes, in a repository with one Dockerfile. */
let dir: string;
/** What the last command has printed. */
let said: string;

beforeEach(() => {
  // Neither GitHub nor Pulumi's backend answers.
  vi.stubEnv("GITHUB_API_URL", "http://127.0.0.1:9");
  vi.stubEnv("PULUMI_BACKEND_URL", "file:///no/such/folder");
  dir = mkdtempSync(path.join(tmpdir(), "slipway-init-command-"));
  execFileSync("git", ["init", "--quiet", "--initial-branch=main"], { cwd: dir });
  execFileSync("git", ["remote", "add", "origin", "git@github.com:octo/app.git"], { cwd: dir });
  writeFileSync(path.join(dir, "Dockerfile"), "FROM scratch\n");
  writeFileSync(path.join(dir, "Dockerfile.gpu"), "FROM scratch\n");
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true, force: true });
});

async function init(...args: string[]): Promise<number | null> {
  const { code, out, err } = await slipway(["init", "--cwd", dir, ...args]);
  said = err + out;
  return code;
}

describe("flags", () => {
  test.each([
    [["--image", "one"], "    one: {"],
    [["--no-lanes"], '"app-gpu": { ...common'],
    [["--image", "api=.", "web=Dockerfile.gpu"], 'web: { ...common, context: "."'],
    [["--lane", "main", "big=Dockerfile.gpu"], '{ name: "big", dockerfile: "Dockerfile.gpu"'],
    [["--registry", "localhost:5000", "quay.io/octo"], "host: quay.io"],
    [["--registry", "docker.io/octo", "--stage-registry", "ghcr.io/octo/stage"], "namespace: octo/stage"],
    [["--docker-hub", "octo"], "optional: true"],
    [["--platform", "linux/arm64"], 'platforms: ["linux/arm64"]'],
    [["--build-arg", "KIT=file:VERSIONS.env", "A=1"], 'KIT: { file: "VERSIONS.env" }'],
    [["--workflows", "gitea"], ".gitea/workflows/"],
    [["--folder", "tools/ship"], "tools/ship/Pulumi.yaml"],
    [["--sign", "none"], 'mode: "none"'],
    [["--no-lanes", "--sign", "keyless"], "id-token: write"],
    [["--package", "file:../slipway.tgz"], '"slipway": "file:../slipway.tgz"'],
    [["--dry-run"], "Nothing was written"],
  ])("%j", async (given, text) => {
    const isDry = given.includes("--dry-run");
    expect(await init(...(isDry ? [] : ["--print"]), ...given), said).toBe(0);
    expect(said).toContain(text);
    expect(readdirSync(dir).sort()).toEqual([".git", "Dockerfile", "Dockerfile.gpu"]);
  });
});

describe("exit codes", () => {
  test.each([
    ["an image's name in capitals", ["--yes", "--image", "BAD"], 2, "lower case"],
    [
      "Docker Hub alone, which has no place for stage",
      ["--yes", "--registry", "docker.io/octo"],
      2,
      "--stage-registry",
    ],
    ["a host with a scheme", ["--yes", "--registry", "https://ghcr.io"], 2, "registry"],
    ["keyless without GitHub", ["--yes", "--workflows", "gitea", "--sign", "keyless"], 2, "--sign keyless"],
    ["an unknown platform", ["--yes", "--platform", "linux/z80"], 2, "linux/z80"],
    ["a folder outside of the repository", ["--yes", "--folder", "../other"], 2, "../other"],
    ["no terminal to ask at", [], 2, "--yes"],
    ["an unknown flag", ["--nonsense"], 2, "nonsense"],
    ["print and yes", ["--print", "--yes"], 2, "--print"],
  ])("%s", async (_, given, code, text) => {
    expect(await init(...given)).toBe(code);
    expect(said).toContain(text);
    expect(readdirSync(dir).sort()).toEqual([".git", "Dockerfile", "Dockerfile.gpu"]);
  });

  test("a folder outside of a repository", async () => {
    rmSync(path.join(dir, ".git"), { recursive: true });
    expect(await init("--yes")).toBe(1);
    expect(said).toContain("is not in a git repository");
  });

  test("0 after writing, and 0 with nothing to do, without colours", async () => {
    expect(await init("--yes", "--sign", "none")).toBe(0);
    const next = said.slice(said.indexOf("\nWritten:"));
    expect(next).toContain("npx --no slipway plan --stack stage");
    // Outside of a project npx would take a stranger's package from the public registry.
    expect(next).not.toMatch(/npx (?!--no )/);
    expect(next.split("\n").filter((line) => line.length > 80)).toEqual([]);
    expect(said).not.toContain("\u001b[");
    expect(await init("--yes")).toBe(0);
    expect(said).toContain("Nothing to do");
    expect(said).not.toContain("Next:");
    expect(said).not.toContain("\u001b[");
  });
});

describe("--json", () => {
  const json = async (...args: string[]) => {
    const code = await init("--json", "--no-lanes", ...args);
    return { code, said, report: code === 2 ? undefined : JSON.parse(said.slice(said.indexOf("{"))) };
  };

  test("with --print: what it would write", async () => {
    const { code, said, report } = await json("--print");
    expect(code).toBe(0);
    expect(said.startsWith("{")).toBe(true);
    expect(report).toMatchObject({
      written: false,
      folder: "release",
      stacks: ["stage", "prod"],
      refused: [],
    });
    expect(report.next).toEqual([]);
    expect(report.files).toContainEqual({
      path: "release/Pulumi.yaml",
      kind: "own",
      change: "created",
      text: expect.stringContaining("name: app"),
    });
    expect(readdirSync(dir)).not.toContain("release");
  });

  test("with --yes: what it wrote and what comes next, also if nothing is left to do", async () => {
    const { code, report } = await json("--yes");
    expect(code).toBe(0);
    expect(report).toMatchObject({ written: true });
    expect(report.next).toEqual([
      "cd release && npm install",
      // Pulumi's backend does not answer.
      "npx --no slipway keys --stack stage",
      'git add --all && git commit --message "Release with Slipway"',
      "npx --no slipway plan --stack stage",
    ]);
    for (const file of report.files) expect(readFileSync(path.join(dir, file.path), "utf8")).toBe(file.text);
    const again = await json("--yes");
    expect(again.code).toBe(0);
    expect(again.report).toMatchObject({ written: true, next: report.next });
    expect(new Set(again.report.files.map(({ change }: { change: string }) => change))).toEqual(
      new Set(["unchanged"]),
    );
  });

  test("files that init did not write: exit code 1 or 2, and nothing written", async () => {
    mkdirSync(path.join(dir, ".github/workflows"), { recursive: true });
    writeFileSync(path.join(dir, ".github/workflows/promote-prod.yml"), "on: push\n");
    const { code, report } = await json("--yes");
    expect(code).toBe(1);
    expect(report).toMatchObject({
      written: false,
      refused: [".github/workflows/promote-prod.yml"],
      next: [],
    });
    writeFileSync(path.join(dir, "index.ts"), "mine\n");
    expect((await json("--yes", "--folder", ".")).said).toContain("index.ts exists");
    expect(readdirSync(dir).sort()).toEqual([".git", ".github", "Dockerfile", "Dockerfile.gpu", "index.ts"]);
  });

  test("a second run keeps the project's files, and reports a new Dockerfile", async () => {
    await json("--yes");
    const files = ["index.ts", "Pulumi.yaml", "Pulumi.stage.yaml", "Pulumi.prod.yaml", "tsconfig.json"];
    for (const file of files) appendFileSync(path.join(dir, "release", file), "\n# mine\n");
    const texts = () => files.map((file) => readFileSync(path.join(dir, "release", file), "utf8"));
    const before = texts();
    mkdirSync(path.join(dir, "worker"));
    writeFileSync(path.join(dir, "worker/Dockerfile"), "FROM scratch\n");
    const { code, report } = await json("--yes", "--platform", "linux/arm64");
    expect(code).toBe(0);
    expect(texts()).toEqual(before);
    expect(new Set(report.files.map(({ change }: { change: string }) => change))).toEqual(
      new Set(["unchanged"]),
    );
    expect(report.notes).toContain("worker/Dockerfile, which release/index.ts does not name: add it there");
  });

  test("without --yes or --print is used wrongly", async () => {
    const { code, said } = await json();
    expect(code).toBe(2);
    expect(said).toContain("--json asks nothing");
  });
});
