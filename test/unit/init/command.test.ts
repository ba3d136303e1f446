import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { main } from "../../../cli/main";

/** The command's flags and exit codes, in a repository with one Dockerfile. */
let dir: string;
let said: string;

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), "slipway-init-command-"));
  execFileSync("git", ["init", "--quiet", "--initial-branch=main"], { cwd: dir });
  execFileSync("git", ["remote", "add", "origin", "git@github.com:octo/app.git"], { cwd: dir });
  writeFileSync(path.join(dir, "Dockerfile"), "FROM scratch\n");
  writeFileSync(path.join(dir, "Dockerfile.gpu"), "FROM scratch\n");
  said = "";
  const listen = (text: unknown) => {
    said += String(text);
    return true;
  };
  vi.spyOn(process.stdout, "write").mockImplementation(listen);
  vi.spyOn(process.stderr, "write").mockImplementation(listen);
});

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
  rmSync(dir, { recursive: true, force: true });
});

const init = (...args: string[]) => main(["init", "--cwd", dir, ...args]);

describe("flags", () => {
  test.each([
    [["--image", "one", "--no-lanes"], "name: one"],
    [["--image", "api=.", "web=web"], "name: web"],
    [["--lane", "main", "big=Dockerfile.gpu"], "dockerfile: Dockerfile.gpu"],
    [["--registry", "localhost:5000", "quay.io/octo"], "host: quay.io"],
    [["--docker-hub", "octo"], "optional: true"],
    [["--platform", "linux/arm64"], "platforms: [linux/arm64]"],
    [["--build-arg", "KIT=file:VERSIONS.env", "A=1"], "file: VERSIONS.env"],
    [["--workflows", "gitea"], ".gitea/workflows/"],
    [["--folder", "tools/ship"], "tools/ship/Pulumi.yaml"],
    [["--no-lanes", "--stack", "prod"], "Pulumi.prod.yaml"],
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
    ["an image's name in capitals", ["--yes", "--no-lanes", "--image", "BAD"], 2, "lower case"],
    ["a host with a scheme", ["--yes", "--registry", "https://ghcr.io"], 2, "registry"],
    ["a platform that there is not", ["--yes", "--platform", "linux/z80"], 2, "linux/z80"],
    ["a folder outside of the repository", ["--yes", "--folder", "../other"], 2, "../other"],
    ["no terminal to ask at", [], 2, "--yes"],
    ["an unknown flag", ["--nonsense"], 2, "nonsense"],
    ["print and yes", ["--print", "--yes"], 2, "--print"],
  ])("%s", async (_, given, code, text) => {
    expect(await init(...given)).toBe(code);
    expect(said).toContain(text);
    expect(readdirSync(dir).sort()).toEqual([".git", "Dockerfile", "Dockerfile.gpu"]);
  });

  test("a folder that is no repository", async () => {
    rmSync(path.join(dir, ".git"), { recursive: true });
    expect(await init("--yes")).toBe(1);
    expect(said).toContain("is not in a git repository");
  });

  test("written, then nothing to do, without colours", async () => {
    expect(await init("--yes")).toBe(0);
    expect(await init("--yes")).toBe(0);
    expect(said).toContain("Nothing to do");
    expect(said).not.toContain("\u001b[");
  });
});
