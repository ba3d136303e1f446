import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { ActionsRuns, TOKEN } from "../../support/github/actions-runs";
import { DIGEST, KEPT, REPOSITORY, releaseProject, USUAL } from "../../support/github/release-project";
import { packSlipway } from "../../support/packed";
import { EVERY_CASE } from "../../support/slices";

/** The script of examples/release-docker-image that releases in CI, run from anywhere, with the package installed. */

const SCRIPT = ".agents/skills/release-docker-image/scripts/release-docker-image-ci.sh";
const EXAMPLE = path.resolve(__dirname, "../../../examples/release-docker-image");
const RUN = `https://github.com/${REPOSITORY}/actions/runs/1001`;
let dir: string;
let standIn: ActionsRuns | undefined;

beforeAll(() => {
  dir = releaseProject();
  const command = path.join(dir, "node_modules/.bin/slipway");
  rmSync(command);
  symlinkSync(path.resolve(__dirname, "../../support/github/quick-slipway.cjs"), command);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));
afterEach(async () => {
  await standIn?.close();
  expect(standIn?.problems ?? []).toEqual([]);
});

function script(args: readonly string[], url: string, folder = dir) {
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, GH_TOKEN: TOKEN, GITHUB_API_URL: url };
  return new Promise<{ code: number | null; out: string; err: string }>((resolve, reject) => {
    const child = spawn(path.join(folder, SCRIPT), args, { cwd: "/", env });
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      err += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

const CASES: [string, string[], number, string[]][] = [
  ["a release", ["--version", "v1.2.3"], 0, [DIGEST, `Released. ${RUN}`]],
  ["not waited for", ["--version", "v1.2.3", "--no-wait"], 0, [`Not waiting. ${RUN}`]],
  [
    "with every other input",
    ["--input-ref", "main", "--workflow-ref", "main", "--repo", REPOSITORY, "--no-publish-version-tag"],
    0,
    [`Released. ${RUN}`],
  ],
  ["no such tag", ["--version", "v9.9.9"], 1, ["[release-tag-missing]"]],
  ["no version", ["--version", "nine"], 2, ["is not a version such as v1.2.3"]],
];

test.each(EVERY_CASE ? CASES : CASES.slice(0, 1))("%s", async (_, args, code, texts) => {
  standIn = await ActionsRuns.start(USUAL);
  standIn.fates = [{ artifacts: KEPT }];
  const ended = await script(args, standIn.url);
  for (const text of texts) expect(ended.out + ended.err).toContain(text);
  expect(ended.code).toBe(code);
  expect(standIn.dispatches).toHaveLength(code === 0 ? 1 : 0);
});

test("CI is not reached: how to release from here is said", async () => {
  standIn = undefined;
  const { code, err } = await script(["--version", "v1.2.3"], "http://127.0.0.1:9");
  expect(err).toContain("AWL_DOCKER_RELEASE_VERSION=v1.2.3 pulumi up --stack release");
  expect(code).toBe(1);
});

test("without npm install it fails with the command to run; after it, it dispatches", async () => {
  const own = mkdtempSync(path.join(tmpdir(), "slipway-release-script-"));
  try {
    cpSync(EXAMPLE, own, { recursive: true, filter: (file) => path.basename(file) !== "node_modules" });
    execFileSync("git", ["init", "--quiet", own]);
    standIn = await ActionsRuns.start(USUAL);
    standIn.fates = [{ artifacts: KEPT }];
    const before = await script(["--version", "v1.2.3"], standIn.url, own);
    expect(before.err).toBe(
      `error: slipway is not installed in ${own}: put its package there and run npm install (README.md)\n`,
    );
    expect(before.code).toBe(1);
    await packSlipway(own);
    const after = await script(["--version", "v1.2.3", "--no-wait"], standIn.url, own);
    expect(after.out + after.err).toContain(`Not waiting. ${RUN}`);
    expect(after.code).toBe(0);
    expect(standIn.dispatches).toHaveLength(1);
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
});
