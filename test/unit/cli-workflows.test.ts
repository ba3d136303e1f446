import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ACTION_PINS } from "../../src/workflows/action-pins";
import { linkedExample } from "../support/linked";
import { SETTINGS_PROGRAM } from "../support/settings-program";
import { slipway } from "../support/slipway";

const REPOSITORY = path.join(__dirname, "../..");

let root = "";
let folder = "";
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), "slipway-cli-workflows-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));
beforeEach(() => {
  folder = mkdtempSync(path.join(root, "project-"));
  write("Pulumi.yaml", "name: app\nruntime: nodejs\n");
  write("index.js", SETTINGS_PROGRAM);
  write(
    "Pulumi.release.yaml",
    [
      "config:",
      "  slipway:registries: [{ host: ghcr.io, namespace: octo }]",
      "  slipway:images: [{ name: app }]",
      "  slipway:github: { workflows: { release: {}, preview: {} } }",
      "",
    ].join("\n"),
  );
  write("Pulumi.setup.yaml", "config:\n  slipway:repository: octo/app\n");
});

function write(name: string, text: string): void {
  mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  writeFileSync(path.join(folder, name), text);
}

function workflows(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}, cwd = folder) {
  return slipway(["workflows", "--cwd", cwd, ...args], { PATH: process.env.PATH, ...env });
}

describe("writing", () => {
  test("writes the files, and only changed ones the next time", async () => {
    const first = await workflows();
    expect(first).toMatchObject({ code: 0, err: "" });
    expect(first.out).toBe(
      "created   .github/workflows/preview.yml\ncreated   .github/workflows/release.yml\n",
    );
    expect(readdirSync(path.join(folder, ".github/workflows"))).toEqual(["preview.yml", "release.yml"]);
    appendFileSync(path.join(folder, ".github/workflows/release.yml"), "# mine\n");
    expect((await workflows()).out).toBe(
      "unchanged .github/workflows/preview.yml\nchanged   .github/workflows/release.yml\n",
    );
    expect((await workflows(["--check"])).code).toBe(0);
  });

  test("does not depend on the environment", async () => {
    const plain = await workflows(["--print"]);
    const other = await workflows(["--print"], { RELEASE_TAG: "v9.9.9", PLATFORMS: "linux/s390x" });
    expect(other.out).toBe(plain.out);
  });

  test("fetches submodules and Git LFS if the repository has them", async () => {
    execFileSync("git", ["init", "--quiet", folder]);
    expect((await workflows(["--print"])).out).not.toMatch(/submodules:|lfs:/);
    write(".gitmodules", "");
    write("models/.gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n");
    const { out } = await workflows(["--print"]);
    // Preview, build and release.
    expect(out.match(/submodules: recursive\n +lfs: true\n/g)).toHaveLength(3);
  });

  test("goes to the repository's root, also from a program in a folder", async () => {
    write(
      "release/Pulumi.release.yaml",
      readFileSync(path.join(folder, "Pulumi.release.yaml"), "utf8").replace(
        "{ workflows: {",
        "{ workflows: { directory: release,",
      ),
    );
    write("release/Pulumi.yaml", "name: app\nruntime: nodejs\n");
    write("release/index.js", SETTINGS_PROGRAM);
    expect(await workflows([], {}, path.join(folder, "release"))).toMatchObject({ code: 0 });
    expect(existsSync(path.join(folder, ".github/workflows/release.yml"))).toBe(true);
    const elsewhere = path.join(folder, "elsewhere");
    cpSync(path.join(folder, "release"), elsewhere, { recursive: true });
    expect(await workflows([], {}, elsewhere)).toMatchObject({
      code: 1,
      err: expect.stringContaining("directory is release, but the project is in elsewhere"),
    });
  });

  test("follows no link out of the repository", async () => {
    const outside = mkdtempSync(path.join(root, "outside-"));
    mkdirSync(path.join(folder, ".github"));
    symlinkSync(outside, path.join(folder, ".github/workflows"));
    const { code, err } = await workflows();
    expect(code).toBe(1);
    expect(err).toContain("leads out of the repository");
    expect(readdirSync(outside)).toEqual([]);
  });
});

describe("--check", () => {
  test("shows a difference with file and line, and writes nothing", async () => {
    await workflows();
    const file = path.join(folder, ".github/workflows/release.yml");
    const changed = readFileSync(file, "utf8").replace("timeout-minutes: 60", "timeout-minutes: 90");
    writeFileSync(file, changed);
    const line = changed.split("\n").findIndex((text) => text.includes("timeout-minutes: 90")) + 1;
    const { code, out, err } = await workflows(["--check"]);
    expect(code).toBe(1);
    expect(out).toBe("unchanged .github/workflows/preview.yml\n");
    expect(err).toContain(`differs   .github/workflows/release.yml:${line}\n`);
    expect(err).toContain("  -    timeout-minutes: 90\n  +    timeout-minutes: 60\n");
    expect(readFileSync(file, "utf8")).toBe(changed);
    const json = await workflows(["--check", "--json"]);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.out).files[1]).toMatchObject({ change: "changed", line });
  });

  test("counts a missing file as a difference, but not a checkout's line ends", async () => {
    await workflows();
    const file = path.join(folder, ".github/workflows/release.yml");
    writeFileSync(file, readFileSync(file, "utf8").replaceAll("\n", "\r\n"));
    expect((await workflows(["--check"])).code).toBe(0);
    rmSync(file);
    expect(await workflows(["--check"])).toMatchObject({
      code: 1,
      err: expect.stringContaining("missing   .github/workflows/release.yml\n"),
    });
  });

  test.each(
    readdirSync(path.join(REPOSITORY, "examples"), { withFileTypes: true })
      .map(({ name }) => name)
      .filter((name) =>
        [".github", ".gitea"].some((host) => existsSync(path.join(REPOSITORY, "examples", name, host))),
      ),
  )("the files of the example %s are up to date", async (name) => {
    const example = linkedExample(name);
    const { code, err } = await workflows(["--check"], {}, example);
    rmSync(example, { recursive: true, force: true });
    expect(err).toBe("");
    expect(code).toBe(0);
  });
});

describe("used wrongly", () => {
  test("a stack without workflows is reported with those that have some", async () => {
    expect(await workflows(["--stack", "stage"])).toMatchObject({
      code: 1,
      err: "error: The stack stage has no workflows; release has some.\n",
    });
  });

  test("a project without settings: the error names the setting", async () => {
    rmSync(path.join(folder, "Pulumi.release.yaml"));
    expect((await workflows()).err).toContain("slipway:github");
  });

  test("--check does not go with --print", async () => {
    expect((await workflows(["--check", "--print"])).code).toBe(2);
  });

  test("every problem of every stack is reported at once", async () => {
    const wrong = "config:\n  slipway:registries: []\n  slipway:github: { workflows: { relaese: {} } }\n";
    write("Pulumi.release.yaml", wrong);
    write("Pulumi.other.yaml", wrong);
    const { code, err } = await workflows();
    expect(code).toBe(1);
    expect(err.match(/did you mean `?release/g)).toHaveLength(2);
  });
});

describe("--outdated", () => {
  let server: Server;
  let url = "";
  let answer: (path: string) => { status?: number; body: unknown };

  beforeAll(async () => {
    server = createServer((request, response) => {
      const { status = 200, body } = answer(request.url ?? "");
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  });
  afterAll(() => server.close());

  /** GitHub as it was when the actions were pinned, with one answer changed. */
  function asPinned(changes: Readonly<Record<string, unknown>> = {}) {
    return (path: string) => {
      if (path in changes) return { body: changes[path] };
      const [, owner, repo, ...rest] = /^\/repos\/([^/]+)\/([^/]+)\/(.+)$/.exec(path) ?? [];
      const pin = Object.entries(ACTION_PINS).find(([name]) => name === `${owner}/${repo}`)?.[1];
      if (pin === undefined) return { status: 404, body: { message: "Not Found" } };
      if (rest[0] === "releases/latest") return { body: { tag_name: pin.version } };
      return { body: { object: { type: "commit", sha: pin.commit } } };
    };
  }

  const outdated = (...args: string[]) => workflows(["--outdated", ...args], { GITHUB_API_URL: url });

  test("reports that all are current", async () => {
    answer = asPinned();
    const { code, out } = await outdated();
    expect(code).toBe(0);
    expect(out.match(/current/g)).toHaveLength(Object.keys(ACTION_PINS).length);
  });

  test("lists a newer release with its commit, also of an annotated tag", async () => {
    const [tag, commit] = ["c".repeat(40), "d".repeat(40)];
    answer = asPinned({
      "/repos/actions/checkout/releases/latest": { tag_name: "v8.0.0" },
      "/repos/actions/checkout/git/ref/tags%2Fv8.0.0": { object: { type: "tag", sha: tag } },
      [`/repos/actions/checkout/git/tags/${tag}`]: { object: { type: "commit", sha: commit } },
    });
    const { code, out } = await outdated("--json");
    expect(code).toBe(1);
    expect(JSON.parse(out).actions).toContainEqual(
      expect.objectContaining({
        action: "actions/checkout",
        state: "outdated",
        newest: expect.objectContaining({ version: "v8.0.0", commit }),
      }),
    );
  });

  test("reports a pinned version whose tag has moved", async () => {
    const { version } = ACTION_PINS["actions/checkout"];
    answer = asPinned({
      [`/repos/actions/checkout/git/ref/tags%2F${version}`]: {
        object: { type: "commit", sha: "e".repeat(40) },
      },
    });
    const { code, out } = await outdated();
    expect(code).toBe(1);
    expect(out).toContain(`moved: ${version} is now ${"e".repeat(40)}`);
  });

  test.each([
    [401, "refuses the token"],
    [403, "Set GH_TOKEN to be allowed more"],
    [404, "Is GITHUB_API_URL right?"],
    [500, "could not be asked about"],
  ])("explains an answer of %i", async (status, message) => {
    answer = () => ({ status, body: { message: "no" } });
    const { code, err } = await outdated();
    expect(code).toBe(1);
    expect(err).toContain(message);
  });

  test("explains an unreachable host", async () => {
    const { code, err } = await workflows(["--outdated"], { GITHUB_API_URL: "http://127.0.0.1:9" });
    expect(code).toBe(1);
    expect(err).toMatch(/^error: 127\.0\.0\.1:9 could not be asked about .*Check the network/);
  });
});
