import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type BuildContext, readBuildContext, readNamedFolders } from "../../../src/inputs/context";
import { ignoreRules } from "../../../src/inputs/context-files";
import { contentKey } from "../../../src/plan/content-key";
import type { Problem } from "../../../src/plan/problem";
import { type Files, folderWith, temporaryFolder, writeFiles } from "./repository";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

function read(
  projectDir: string,
  image: { context?: string; dockerfile?: string } = {},
): Promise<BuildContext> {
  return readBuildContext({
    projectDir,
    image: { name: "app", context: ".", dockerfile: "Dockerfile", ...image },
  });
}

async function pathsOf(files: Files, dockerfile = "Dockerfile"): Promise<string[]> {
  const context = await read(await folderWith({ [dockerfile]: "FROM scratch\n", ...files }), { dockerfile });
  expect(context.problems).toEqual([]);
  return context.files.map(({ path }) => path);
}

async function problemsOf(projectDir: string, image = {}): Promise<string[]> {
  const { problems } = await read(projectDir, image);
  return problems.map(({ path, message, code }) =>
    `${path}: ${message} [${code}]`.replaceAll(projectDir, "<project>"),
  );
}

describe("readBuildContext", () => {
  it("reads files, modes and links, sorted by bytes", async () => {
    const dir = await folderWith({
      Dockerfile: "FROM scratch\nCOPY . /\n",
      "b.txt": "b",
      "B.txt": "B",
      "dir/run.sh": { run: "#!/bin/sh\n" },
      "dir.txt": "",
      "é.txt": "é",
      "dir/up": { link: "../b.txt" },
      dangling: { link: "nowhere" },
    });
    await mkdir(join(dir, "empty"));
    const context = await read(dir);
    expect(context).toEqual({
      dockerfile: "FROM scratch\nCOPY . /\n",
      problems: [],
      files: [
        { path: "B.txt", mode: "file", digest: sha256("B"), size: 1 },
        { path: "Dockerfile", mode: "file", digest: sha256("FROM scratch\nCOPY . /\n"), size: 22 },
        { path: "b.txt", mode: "file", digest: sha256("b"), size: 1 },
        { path: "dangling", mode: "symlink", digest: sha256("nowhere"), size: 7 },
        { path: "dir.txt", mode: "file", digest: sha256(""), size: 0 },
        { path: "dir/run.sh", mode: "executable", digest: sha256("#!/bin/sh\n"), size: 10 },
        { path: "dir/up", mode: "symlink", digest: sha256("../b.txt"), size: 8 },
        { path: "é.txt", mode: "file", digest: sha256("é"), size: 2 },
      ],
    });
  });

  it("takes a link as the text of its target, and follows none", async () => {
    const outside = await folderWith({ "deep/file": "outside" });
    const targets = {
      "etc/localtime": "/usr/share/zoneinfo/UTC",
      passwd: "/etc/passwd",
      folder: `${outside}/deep`,
      up: "../secret",
      "sub/up": "../../secret",
      tricky: "sub/../../secret",
      itself: "itself",
      root: "/",
      parent: "..",
    };
    const dir = await folderWith({
      "app/Dockerfile": "FROM scratch\n",
      ...Object.fromEntries(Object.entries(targets).map(([path, link]) => [`app/${path}`, { link }])),
      secret: "1",
    });
    const before = await read(dir, { context: "app" });
    expect(before.problems).toEqual([]);
    const links = before.files.filter(({ mode }) => mode === "symlink");
    expect(Object.fromEntries(links.map(({ path, digest }) => [path, digest]))).toEqual(
      Object.fromEntries(Object.entries(targets).map(([path, link]) => [path, sha256(link)])),
    );
    expect(before.files).toHaveLength(links.length + 1);
    await writeFile(join(dir, "secret"), "2");
    await writeFile(join(outside, "deep/file"), "changed");
    expect(await read(dir, { context: "app" })).toEqual(before);
  });

  it("distinguishes targets that are no UTF-8", async () => {
    const digests = await Promise.all(
      [0xfe, 0xff].map(async (byte) => {
        const dir = await folderWith({ Dockerfile: "FROM scratch\n" });
        await symlink(Buffer.from([0x61, byte]), join(dir, "link"));
        return (await read(dir)).files.at(-1)?.digest;
      }),
    );
    expect(new Set(digests).size).toBe(2);
  });

  it.each<[string, Files, string[], boolean | undefined]>([
    ["not read", { Dockerfile: "FROM scratch\nCOPY src /src\n" }, [], undefined],
    ["read by its name", { Dockerfile: "FROM scratch\nCOPY .git/HEAD /\n" }, [".git/HEAD"], true],
    [
      "read with all the rest",
      { Dockerfile: "FROM scratch\nCOPY . /\n" },
      [".git/HEAD", ".git/index", "src/lib/.git"],
      true,
    ],
    [
      "read with all the rest, and ignored",
      { Dockerfile: "FROM scratch\nCOPY . /\n", ".dockerignore": ".git\n" },
      ["src/lib/.git"],
      undefined,
    ],
    [
      "ignored but for what is read",
      { Dockerfile: "FROM scratch\nCOPY .git /git\n", ".dockerignore": ".git\n!.git/HEAD\n" },
      [".git/HEAD"],
      true,
    ],
    ["a submodule's link", { Dockerfile: "FROM scratch\nCOPY src /src\n" }, ["src/lib/.git"], undefined],
  ])("counts .git where the Dockerfile reads it: %s", async (name, files, expected, holdsGit) => {
    const dir = await folderWith({
      ".git/HEAD": "ref: refs/heads/main\n",
      ".git/index": "x",
      ...(/all|link/.test(name) ? { "src/lib/.git": "gitdir: ../../.git/modules/lib\n" } : {}),
      ...files,
    });
    const context = await read(dir);
    expect(context.problems).toEqual([]);
    expect(context.files.map(({ path }) => path).filter((path) => /\.git(\/|$)/.test(path))).toEqual(
      expected,
    );
    expect(context.holdsGit).toBe(holdsGit);
  });

  it("does not depend on the umask, but on the owner's executable bit", async () => {
    const dir = await folderWith({ Dockerfile: "FROM scratch\n", a: "x" });
    const before = await read(dir);
    await chmod(join(dir, "a"), 0o604);
    expect(await read(dir)).toEqual(before);
    await chmod(join(dir, "a"), 0o700);
    expect((await read(dir)).files.at(-1)?.mode).toBe("executable");
  });

  it("hashes large files in pieces", async () => {
    const text = "0123456789abcdef".repeat(200_000);
    const dir = await folderWith({ Dockerfile: "FROM scratch\n", large: text });
    expect((await read(dir)).files.at(-1)).toEqual({
      path: "large",
      mode: "file",
      digest: sha256(text),
      size: text.length,
    });
  });

  it("takes a Dockerfile elsewhere in the project, and an empty context", async () => {
    const dir = await folderWith({ "docker/app.Dockerfile": "FROM scratch\n" });
    await mkdir(join(dir, "src"));
    expect(await read(dir, { context: "src", dockerfile: "../docker/app.Dockerfile" })).toEqual({
      dockerfile: "FROM scratch\n",
      files: [],
      problems: [],
    });
  });

  it("is quick with many files", { timeout: 30_000 }, async () => {
    const dir = await folderWith({
      Dockerfile: "FROM scratch\n",
      ".dockerignore": "**/node_modules\n!keep/node_modules\n",
    });
    for (let folder = 0; folder < 20; folder += 1) {
      await mkdir(join(dir, `${folder}/node_modules`), { recursive: true });
      const names = Array.from({ length: 100 }, (_, index) => join(dir, `${folder}`, `${index}`));
      await Promise.all(names.map((name) => writeFile(name, name)));
      await writeFile(join(dir, `${folder}/node_modules/x.js`), "");
    }
    const start = Date.now();
    const { files } = await read(dir);
    expect(files).toHaveLength(2002);
    expect(Date.now() - start).toBeLessThan(15_000);
  });
});

describe("readNamedFolders", () => {
  const folder = (projectDir: string, path: string, more: object = {}) =>
    readNamedFolders({
      projectDir,
      image: {
        ...{ name: "app", context: "app", dockerfile: "Dockerfile" },
        contexts: {
          shared: { kind: "folder", path },
          tools: { kind: "image", reference: "docker.io/library/alpine:3.20" },
        },
      },
      path: "images[0]",
      ...more,
    });
  const shown = (problems: readonly Problem[], projectDir: string) =>
    problems.map(({ path, code, message }) =>
      `${path}: ${message} [${code}]`.replaceAll(projectDir, "<project>"),
    );

  it("reads a folder with its own .dockerignore, and with no other", async () => {
    const dir = await folderWith({
      ".dockerignore": "b\n",
      "app/Dockerfile.dockerignore": "b\n",
      "app/.dockerignore": "b\n",
      "shared/.dockerignore": "a\n",
      "shared/Dockerfile.dockerignore": "b\n",
      "shared/a": "",
      "shared/b": "",
      "shared/etc/up": { link: "../../secret" },
    });
    const { folders, problems } = await folder(dir, "shared");
    expect(problems).toEqual([]);
    expect(Object.keys(folders)).toEqual(["shared"]);
    expect(folders.shared?.map(({ path }) => path)).toEqual([
      ".dockerignore",
      "Dockerfile.dockerignore",
      "b",
      "etc/up",
    ]);
  });

  it("says where git commands change what is built", async () => {
    const dir = await folderWith({ "a/.git/HEAD": "", "b/.dockerignore": ".git\n", "b/.git/HEAD": "" });
    expect((await folder(dir, "a")).withGit).toEqual(["shared"]);
    expect((await folder(dir, "b")).withGit).toEqual([]);
  });

  it("refuses what is missing, no folder, outside, or cannot be read", async () => {
    const dir = await folderWith({
      file: "",
      out: { link: "/etc" },
      "bad/.dockerignore": "[a\n",
      "lfs/model.bin": `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 5\n`,
    });
    const setting = "images[0].contexts.shared";
    const problems = async (path: string) => shown((await folder(dir, path)).problems, dir);
    expect(await problems("none")).toEqual([
      `${setting}: "none" does not exist (looked for <project>/none) [context-missing]`,
    ]);
    expect(await problems("file")).toEqual([
      `${setting}: "file" is not a folder (looked for <project>/file) [context-missing]`,
    ]);
    expect(await problems("out")).toEqual([
      `${setting}: "out" leads out of the project, to /etc [context-outside]`,
    ]);
    expect((await problems("bad"))[0]).toMatch(/the ignore file cannot be used: .* \[context-ignore-file\]$/);
    expect((await problems("lfs"))[0]).toContain("model.bin");
    expect(shown((await folder(dir, ".", { artifacts: "artifacts" })).problems, dir).at(-1)).toContain(
      "[context-artifacts]",
    );
  });
});

describe(".dockerignore, as BuildKit reads it", () => {
  it("leaves out what matches, and brings back", async () => {
    const paths = await pathsOf({
      ".dockerignore":
        "# comment\n\nnode_modules\n*.log\n!important.log\ndocs/**\n!docs/README.md\n/root-only\n**/tmp\n",
      "node_modules/x/y.js": "",
      "sub/node_modules/y.js": "",
      "a.log": "",
      "important.log": "",
      "sub/b.log": "",
      "docs/a/b.md": "",
      "docs/README.md": "",
      "root-only": "",
      "sub/root-only": "",
      "sub/tmp/x": "",
      tmp: "",
    });
    expect(paths).toEqual([
      ".dockerignore",
      "Dockerfile",
      "docs/README.md",
      "important.log",
      "sub/b.log",
      "sub/node_modules/y.js",
      "sub/root-only",
    ]);
  });

  it("takes everything out but what is named", async () => {
    const files = {
      ".dockerignore": "*\n!src\n!cmd/*/main.go\nsrc/secret\n",
      "src/a": "",
      "src/secret": "",
      "cmd/x/main.go": "",
      "cmd/x/y": "",
      z: "",
    };
    expect(await pathsOf(files)).toEqual(["cmd/x/main.go", "src/a"]);
  });

  it("is case-sensitive, and takes ( ) + { } | for themselves", async () => {
    const files = {
      ".dockerignore": "README.md\na+b\n(x)\n{y}\nc|d\n",
      "readme.md": "",
      "README.md": "",
      "a+b": "",
      aab: "",
      "(x)": "",
      x: "",
      "{y}": "",
      "c|d": "",
      c: "",
    };
    expect(await pathsOf(files)).toEqual([".dockerignore", "Dockerfile", "aab", "c", "readme.md", "x"]);
  });

  it("prefers the Dockerfile's own ignore file", async () => {
    const files = { ".dockerignore": "a\n", "app.Dockerfile.dockerignore": "b\n", a: "", b: "" };
    expect(await pathsOf(files, "app.Dockerfile")).toEqual([
      ".dockerignore",
      "a",
      "app.Dockerfile",
      "app.Dockerfile.dockerignore",
    ]);
  });

  it("still reads an ignored Dockerfile, which COPY does not see", async () => {
    const context = await read(
      await folderWith({ Dockerfile: "FROM scratch\n", ".dockerignore": "*\n", a: "" }),
    );
    expect(context).toEqual({ dockerfile: "FROM scratch\n", files: [], problems: [] });
  });

  it("asks nothing of what is ignored", async () => {
    const dir = await folderWith({
      Dockerfile: "FROM scratch\n",
      ".dockerignore": "pipe\nout\n",
      out: { link: "/etc/passwd" },
    });
    execFileSync("/usr/bin/env", ["mkfifo", join(dir, "pipe")]);
    expect(await problemsOf(dir)).toEqual([]);
  });

  it("knows which ignored folders it has to look into", () => {
    expect(ignoreRules("a\n").mayHoldExceptions("a")).toBe(false);
    expect(ignoreRules("a\n!a/b/c\n").mayHoldExceptions("a/b")).toBe(true);
    expect(ignoreRules("a\n!a/b/c\n").mayHoldExceptions("a/x")).toBe(false);
    expect(ignoreRules("a\n!**/c\n").mayHoldExceptions("a/x")).toBe(true);
  });
});

describe("what cannot be in a context", () => {
  it("refuses FIFOs and sockets by name, without waiting for them", async () => {
    const dir = await folderWith({ Dockerfile: "FROM scratch\n" });
    execFileSync("/usr/bin/env", ["mkfifo", join(dir, "pipe")]);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(dir, "sock"), resolve));
    const problems = await problemsOf(dir);
    server.close();
    expect(problems).toEqual([
      'image app: "pipe" in the build context is a FIFO (named pipe), which no image can hold [context-special-file]',
      'image app: "sock" in the build context is a socket, which no image can hold [context-special-file]',
    ]);
  });

  it("refuses names that are not UTF-8", async () => {
    const dir = await folderWith({ Dockerfile: "FROM scratch\n" });
    await writeFile(Buffer.concat([Buffer.from(`${dir}/bad-`), Buffer.from([0xff])]), "");
    expect(await problemsOf(dir)).toEqual([
      'image app: "bad-\uFFFD" in the build context has a name that is not UTF-8 [context-file-name]',
    ]);
  });

  it("names a context and a Dockerfile that are not there", async () => {
    const dir = await folderWith({ file: "" });
    expect(await problemsOf(dir, { context: "nowhere" })).toEqual([
      'image app.context: "nowhere" does not exist (looked for <project>/nowhere) [context-missing]',
    ]);
    expect(await problemsOf(dir, { context: "file" })).toEqual([
      'image app.context: "file" is not a folder (looked for <project>/file) [context-missing]',
    ]);
    expect(await problemsOf(dir)).toEqual([
      'image app.dockerfile: "Dockerfile" does not exist (looked for <project>/Dockerfile) [context-dockerfile]',
    ]);
  });

  it("follows no link of a context or Dockerfile out of the project", async () => {
    const outside = await folderWith({ Dockerfile: "FROM scratch\n" });
    const dir = await temporaryFolder();
    await symlink(outside, join(dir, "app"));
    expect(await problemsOf(dir, { context: "app" })).toEqual([
      `image app.context: "app" leads out of the project, to ${outside} [context-outside]`,
    ]);
    await writeFiles(dir, { Dockerfile: { link: join(outside, "Dockerfile") }, ".dockerignore": "*" });
    expect(await problemsOf(dir)).toEqual([
      `image app.dockerfile: "Dockerfile" leads out of the project, to ${outside}/Dockerfile [context-outside]`,
    ]);
  });

  it("refuses a Dockerfile that is no text, and an ignore file that cannot be read", async () => {
    const dir = await temporaryFolder();
    await writeFile(join(dir, "Dockerfile"), Buffer.from("# \xe9\nFROM scratch\nLABEL a=\xe9\n", "latin1"));
    expect(await problemsOf(dir)).toEqual([
      'image app.dockerfile: "Dockerfile" is not UTF-8 in line 3 [context-dockerfile]',
    ]);
    await writeFile(join(dir, "Dockerfile"), Buffer.from("# caf\xe9\r\nFROM scratch\n  # \xfc\n", "latin1"));
    expect(await problemsOf(dir)).toEqual([]);
    const bad = await folderWith({ Dockerfile: "FROM scratch\n", ".dockerignore": "[a\n" });
    expect((await problemsOf(bad))[0]).toContain("the ignore file cannot be used: ");
  });

  it("refuses reports that would be part of the next release", async () => {
    const dir = await folderWith({ Dockerfile: "FROM scratch\n", "app/Dockerfile": "FROM scratch\n" });
    const image = { name: "app", context: ".", dockerfile: "Dockerfile" };
    const ask = (settings: object) =>
      readBuildContext({ projectDir: dir, artifacts: "artifacts", image: { ...image, ...settings } });
    expect((await ask({})).problems).toEqual([
      {
        code: "context-artifacts",
        path: "image app.context",
        message:
          "the folder for reports (artifacts) is part of the build context, so that each release would change the next",
        hint: "Add a line to .dockerignore: artifacts",
      },
    ]);
    expect((await ask({ context: "app" })).problems).toEqual([]);
    await writeFiles(dir, { ".dockerignore": "artifacts\n" });
    expect((await ask({})).problems).toEqual([]);
  });
});

it("gives one content key wherever the same files lie", async () => {
  const files: Files = { Dockerfile: "FROM scratch\n", "a/b": "1", "a/c": { run: "2" }, d: { link: "a/b" } };
  const keys = await Promise.all(
    [files, Object.fromEntries(Object.entries(files).reverse())].map(async (some) => {
      const { dockerfile, files: read_ } = await read(await folderWith(some));
      const rest = {
        buildArgs: {},
        platforms: [],
        bases: [],
        labels: [],
        provenance: true,
        sbom: false as const,
        attestations: "index" as const,
        secretIds: [],
      };
      return contentKey({ dockerfile, files: read_, ...rest });
    }),
  );
  expect(keys[0]).toBe(keys[1]);
});
