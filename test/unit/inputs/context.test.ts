import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type BuildContext, readBuildContext, readNamedFolders } from "../../../src/inputs/context";
import { ignoreRules } from "../../../src/inputs/context-files";
import type { Problem } from "../../../src/plan/problem";
import { type Files, folderWith, temporaryFolder } from "./repository";

const FROM = { Dockerfile: "FROM scratch\n" };

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

function read(
  projectDir: string,
  { artifacts, ...image }: { context?: string; dockerfile?: string; artifacts?: string } = {},
): Promise<BuildContext> {
  return readBuildContext({
    projectDir,
    artifacts,
    image: { name: "app", context: ".", dockerfile: "Dockerfile", ...image },
  });
}

const mkfifo = (path: string) => execFileSync("/usr/bin/env", ["mkfifo", path]);

function shown(problems: readonly Problem[], projectDir: string): string[] {
  return problems.map(({ path, message, code }) =>
    `${path}: ${message} [${code}]`.replaceAll(projectDir, "<project>"),
  );
}

async function problemsOf(projectDir: string, image = {}): Promise<string[]> {
  return shown((await read(projectDir, image)).problems, projectDir);
}

describe("the files of a build context", () => {
  it("are read with their modes and links, sorted by bytes", async () => {
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
    expect(await read(dir)).toEqual({
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

  it("are the same wherever they are and in whatever order they were written", async () => {
    const files: Files = { ...FROM, "a/b": "1", "a/c": { run: "2" }, d: { link: "a/b" } };
    const reversed = Object.fromEntries(Object.entries(files).reverse());
    expect(await read(await folderWith(files))).toEqual(await read(await folderWith(reversed)));
  });

  it("include a link as the text of its target, and never what it points to", async () => {
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

  it("differ by link targets that are not UTF-8", async () => {
    const digests = await Promise.all(
      [0xfe, 0xff].map(async (byte) => {
        const dir = await folderWith(FROM);
        await symlink(Buffer.from([0x61, byte]), join(dir, "link"));
        return (await read(dir)).files.at(-1)?.digest;
      }),
    );
    expect(new Set(digests).size).toBe(2);
  });

  it("depend on the owner's executable bit, and not on the umask", async () => {
    const dir = await folderWith({ ...FROM, a: "x" });
    const before = await read(dir);
    await chmod(join(dir, "a"), 0o604);
    expect(await read(dir)).toEqual(before);
    await chmod(join(dir, "a"), 0o700);
    expect((await read(dir)).files.at(-1)?.mode).toBe("executable");
  });

  it("have the right digest if they are large", async () => {
    const text = "0123456789abcdef".repeat(200_000);
    const dir = await folderWith({ ...FROM, large: text });
    expect((await read(dir)).files.at(-1)).toEqual({
      path: "large",
      mode: "file",
      digest: sha256(text),
      size: text.length,
    });
  });

  it("may be none, with a Dockerfile elsewhere in the project", async () => {
    const dir = await folderWith({ "docker/app.Dockerfile": "FROM scratch\n" });
    await mkdir(join(dir, "src"));
    expect(await read(dir, { context: "src", dockerfile: "../docker/app.Dockerfile" })).toEqual({
      dockerfile: "FROM scratch\n",
      files: [],
      problems: [],
    });
  });

  const LIB = { "src/lib/.git": "gitdir: ../../.git/modules/lib\n" };
  it.each<[string, string, Files, string[]]>([
    ["not read", "COPY src /src", {}, []],
    ["read by its name", "COPY .git/HEAD /", {}, [".git/HEAD"]],
    ["read with the rest", "COPY . /", LIB, [".git/HEAD", ".git/index", "src/lib/.git"]],
    ["read with the rest, and ignored", "COPY . /", { ...LIB, ".dockerignore": ".git\n" }, ["src/lib/.git"]],
    [
      "ignored except for what is read",
      "COPY .git /git",
      { ".dockerignore": ".git\n!.git/HEAD\n" },
      [".git/HEAD"],
    ],
    ["a submodule's link", "COPY src /src", LIB, ["src/lib/.git"]],
  ])("include .git as far as the Dockerfile reads it: %s", async (_, line, files, expected) => {
    const dir = await folderWith({
      Dockerfile: `FROM scratch\n${line}\n`,
      ".git/HEAD": "ref: refs/heads/main\n",
      ".git/index": "x",
      ...files,
    });
    const context = await read(dir);
    expect(context.problems).toEqual([]);
    const paths = context.files.map(({ path }) => path);
    expect(paths.filter((path) => /\.git(\/|$)/.test(path))).toEqual(expected);
    // The link of a submodule is no part of what git commands change.
    expect(context.holdsGit ?? false).toBe(expected.includes(".git/HEAD"));
  });
});

describe("named contexts that are folders", () => {
  const named = (projectDir: string, path: string, artifacts?: string) =>
    readNamedFolders({
      projectDir,
      artifacts,
      image: {
        ...{ name: "app", context: "app", dockerfile: "Dockerfile" },
        contexts: {
          shared: { kind: "folder", path },
          tools: { kind: "image", reference: "docker.io/library/alpine:3.20" },
        },
      },
      path: "images[0]",
    });

  it("are read with their own .dockerignore, and with no other", async () => {
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
    const { folders, problems } = await named(dir, "shared");
    expect(problems).toEqual([]);
    expect(Object.keys(folders)).toEqual(["shared"]);
    expect(folders.shared?.map(({ path }) => path)).toEqual([
      ".dockerignore",
      "Dockerfile.dockerignore",
      "b",
      "etc/up",
    ]);
  });

  it("are reported if git commands change them", async () => {
    const dir = await folderWith({ "a/.git/HEAD": "", "b/.dockerignore": ".git\n", "b/.git/HEAD": "" });
    expect((await named(dir, "a")).withGit).toEqual(["shared"]);
    expect((await named(dir, "b")).withGit).toEqual([]);
  });

  it("are refused if they are missing, outside of the project, unreadable or incomplete", async () => {
    const dir = await folderWith({
      out: { link: "/etc" },
      "bad/.dockerignore": "[a\n",
      "lfs/model.bin": `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 5\n`,
    });
    const setting = "images[0].contexts.shared";
    const problem = async (path: string, artifacts?: string) =>
      shown((await named(dir, path, artifacts)).problems, dir).at(-1);
    expect(await problem("none")).toBe(
      `${setting}: "none" does not exist (looked for <project>/none) [context-missing]`,
    );
    expect(await problem("out")).toBe(
      `${setting}: "out" leads out of the project, to /etc [context-outside]`,
    );
    expect(await problem("bad")).toMatch(/the ignore file cannot be used: .* \[context-ignore-file\]$/);
    expect(await problem("lfs")).toContain("model.bin");
    expect(await problem(".", "artifacts")).toContain("[context-artifacts]");
  });
});

describe("an ignore file has BuildKit's rules", () => {
  it.each<[string, string, string[], string[]]>([
    [
      "the last match wins, and ! brings back",
      "# comment\n\nnode_modules\n*.log\n!important.log\ndocs/**\n!docs/README.md\n/root-only\n**/tmp\n",
      [
        "node_modules/x/y.js",
        "sub/node_modules/y.js",
        "a.log",
        "important.log",
        "sub/b.log",
        "docs/a/b.md",
        "docs/README.md",
        "root-only",
        "sub/root-only",
        "sub/tmp/x",
        "tmp",
      ],
      [
        ".dockerignore",
        "Dockerfile",
        "docs/README.md",
        "important.log",
        "sub/b.log",
        "sub/node_modules/y.js",
        "sub/root-only",
      ],
    ],
    [
      "everything but what is named",
      "*\n!src\n!cmd/*/main.go\nsrc/secret\n",
      ["src/a", "src/secret", "cmd/x/main.go", "cmd/x/y", "z"],
      ["cmd/x/main.go", "src/a"],
    ],
    [
      "case-sensitive, and ( ) + { } | stand for themselves",
      "README.md\na+b\n(x)\n{y}\nc|d\n",
      ["readme.md", "README.md", "a+b", "aab", "(x)", "x", "{y}", "c|d", "c"],
      [".dockerignore", "Dockerfile", "aab", "c", "readme.md", "x"],
    ],
    // COPY does not see an ignored Dockerfile, but the build still reads it.
    ["the Dockerfile may be ignored", "*\n", ["a"], []],
  ])("%s", async (_, rules, paths, expected) => {
    const files = Object.fromEntries(paths.map((path) => [path, ""]));
    const context = await read(await folderWith({ ...FROM, ".dockerignore": rules, ...files }));
    expect(context.problems).toEqual([]);
    expect(context.dockerfile).toBe(FROM.Dockerfile);
    expect(context.files.map(({ path }) => path)).toEqual(expected);
  });

  it("the Dockerfile's own ignore file comes first", async () => {
    const dir = await folderWith({
      "app.Dockerfile": "FROM scratch\n",
      ".dockerignore": "a\n",
      "app.Dockerfile.dockerignore": "b\n",
      a: "",
      b: "",
    });
    const { files } = await read(dir, { dockerfile: "app.Dockerfile" });
    expect(files.map(({ path }) => path)).toEqual([
      ".dockerignore",
      "a",
      "app.Dockerfile",
      "app.Dockerfile.dockerignore",
    ]);
  });

  it("what is ignored is not checked", async () => {
    const dir = await folderWith({ ...FROM, ".dockerignore": "pipe\nout\n", out: { link: "/etc/passwd" } });
    mkfifo(join(dir, "pipe"));
    expect(await problemsOf(dir)).toEqual([]);
  });

  it("an ignored folder is searched only if an exception may lie in it", () => {
    expect(ignoreRules("a\n").mayHoldExceptions("a")).toBe(false);
    expect(ignoreRules("a\n!a/b/c\n").mayHoldExceptions("a/b")).toBe(true);
    expect(ignoreRules("a\n!a/b/c\n").mayHoldExceptions("a/x")).toBe(false);
    expect(ignoreRules("a\n!**/c\n").mayHoldExceptions("a/x")).toBe(true);
  });
});

describe("a build context is refused", () => {
  it("for FIFOs and sockets, without waiting for them", async () => {
    const dir = await folderWith(FROM);
    mkfifo(join(dir, "pipe"));
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(dir, "sock"), resolve));
    const problems = await problemsOf(dir);
    server.close();
    expect(problems).toEqual([
      'image app: "pipe" in the build context is a FIFO (named pipe), which no image can hold [context-special-file]',
      'image app: "sock" in the build context is a socket, which no image can hold [context-special-file]',
    ]);
  });

  it("for names that are not UTF-8", async () => {
    const dir = await folderWith(FROM);
    await writeFile(Buffer.concat([Buffer.from(`${dir}/bad-`), Buffer.from([0xff])]), "");
    expect(await problemsOf(dir)).toEqual([
      'image app: "bad-\uFFFD" in the build context has a name that is not UTF-8 [context-file-name]',
    ]);
  });

  it("if it or its Dockerfile is missing, no folder or outside of the project", async () => {
    const outside = await folderWith(FROM);
    const dir = await folderWith({
      file: "",
      out: { link: outside },
      linked: { link: join(outside, "Dockerfile") },
    });
    const setting = "image app.context";
    expect(await problemsOf(dir, { context: "nowhere" })).toEqual([
      `${setting}: "nowhere" does not exist (looked for <project>/nowhere) [context-missing]`,
    ]);
    expect(await problemsOf(dir, { context: "file" })).toEqual([
      `${setting}: "file" is not a folder (looked for <project>/file) [context-missing]`,
    ]);
    expect(await problemsOf(dir, { context: "out" })).toEqual([
      `${setting}: "out" leads out of the project, to ${outside} [context-outside]`,
    ]);
    expect(await problemsOf(dir)).toEqual([
      'image app.dockerfile: "Dockerfile" does not exist (looked for <project>/Dockerfile) [context-dockerfile]',
    ]);
    expect(await problemsOf(dir, { dockerfile: "linked" })).toEqual([
      `image app.dockerfile: "linked" leads out of the project, to ${outside}/Dockerfile [context-outside]`,
    ]);
  });

  it("if its Dockerfile is not UTF-8, except in comments", async () => {
    const dir = await temporaryFolder();
    await writeFile(join(dir, "Dockerfile"), Buffer.from("# \xe9\nFROM scratch\nLABEL a=\xe9\n", "latin1"));
    expect(await problemsOf(dir)).toEqual([
      'image app.dockerfile: "Dockerfile" is not UTF-8 in line 3 [context-dockerfile]',
    ]);
    await writeFile(join(dir, "Dockerfile"), Buffer.from("# caf\xe9\r\nFROM scratch\n  # \xfc\n", "latin1"));
    expect(await problemsOf(dir)).toEqual([]);
  });

  it("if its ignore file has a bad pattern", async () => {
    const dir = await folderWith({ ...FROM, ".dockerignore": "[a\n" });
    expect((await problemsOf(dir))[0]).toContain("the ignore file cannot be used: ");
  });

  it("if it includes the folder of reports, which would change the next release", async () => {
    const dir = await folderWith({ ...FROM, "app/Dockerfile": "FROM scratch\n" });
    expect((await read(dir, { artifacts: "artifacts" })).problems).toEqual([
      {
        code: "context-artifacts",
        path: "image app.context",
        message:
          "the folder for reports (artifacts) is part of the build context, so that each release would change the next",
        hint: "Add a line to .dockerignore: artifacts",
      },
    ]);
    expect(await problemsOf(dir, { artifacts: "artifacts", context: "app" })).toEqual([]);
    await writeFile(join(dir, ".dockerignore"), "artifacts\n");
    expect(await problemsOf(dir, { artifacts: "artifacts" })).toEqual([]);
  });
});
