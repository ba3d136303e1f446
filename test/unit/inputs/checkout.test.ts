import { appendFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readCheckoutNeeds, readMissingParts } from "../../../src/inputs/checkout";
import { readBuildContext } from "../../../src/inputs/context";
import { commit, type Files, folderWith, git, repository, temporaryFolder } from "./repository";

const DOCKERFILE = { Dockerfile: "FROM scratch\nCOPY . /\n" };
const OID = "ab".repeat(32);
const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${OID}\nsize 12345\n`;

async function problemsOf(projectDir: string, context = "."): Promise<string[]> {
  const { problems } = await readBuildContext({
    projectDir,
    image: { name: "app", context, dockerfile: "Dockerfile" },
    missing: await readMissingParts(projectDir),
  });
  return problems.map(({ code, message, hint }) => `${message} [${code}] ${hint}`);
}

/** A clone of a repository whose submodule has a submodule, with no submodule checked out. */
async function cloneWithSubmodules(files: Files = DOCKERFILE): Promise<string> {
  const [inner, outer, top] = [
    await repository(),
    await repository({ "lib.txt": "lib\n" }),
    await repository(files),
  ];
  git(outer, "submodule", "--quiet", "add", `file://${inner}`, "deep");
  commit(outer, "a submodule");
  for (const place of ["vendor/lib", "docs/theme"]) {
    git(top, "submodule", "--quiet", "add", `file://${outer}`, place);
  }
  commit(top, "submodules");
  const clone = join(await temporaryFolder(), "clone");
  git(top, "clone", "--quiet", `file://${top}`, clone);
  return clone;
}

const ABSENT = (...names: string[]) =>
  expect.stringContaining(
    `a submodule that is not checked out: ${names.join(", ")} [context-incomplete] Run git`,
  );

describe("a context with submodules", () => {
  it("is refused until they and their own submodules are checked out", async () => {
    const clone = await cloneWithSubmodules();
    expect(await problemsOf(clone)).toEqual([ABSENT('"docs/theme"', '"vendor/lib"')]);
    git(clone, "submodule", "--quiet", "update", "--init");
    expect(await problemsOf(clone)).toEqual([ABSENT('"docs/theme/deep"', '"vendor/lib/deep"')]);
    git(clone, "submodule", "--quiet", "update", "--init", "--recursive");
    expect(await problemsOf(clone)).toEqual([]);
  });

  it.each([
    ["a context beside them", { "app/Dockerfile": "FROM scratch\n" }, "app", []],
    ["an ignored one", { ...DOCKERFILE, ".dockerignore": "docs\n" }, ".", [ABSENT('"vendor/lib"')]],
    [
      "all ignored but a folder",
      { ...DOCKERFILE, ".dockerignore": "*\n!vendor\n" },
      ".",
      [ABSENT('"vendor/lib"')],
    ],
    ["all files of it ignored", { ...DOCKERFILE, ".dockerignore": "docs/**\nvendor/lib/*\n" }, ".", []],
    ["a context above one", { "vendor/Dockerfile": "FROM scratch\n" }, "vendor", [ABSENT('"lib"')]],
  ])("is refused only for those that a build reads: %s", async (_, files, context, expected) => {
    expect(await problemsOf(await cloneWithSubmodules(files), context)).toEqual(expected);
  });

  it("is refused if the context itself is one", async () => {
    const clone = await cloneWithSubmodules();
    expect(await problemsOf(clone, "vendor/lib")).toContainEqual(ABSENT('"."'));
  });

  it("accepts files that were copied there by hand", async () => {
    const clone = await cloneWithSubmodules({ ...DOCKERFILE, ".dockerignore": "docs\n" });
    await writeFile(join(clone, "vendor/lib/copied.txt"), "");
    expect(await problemsOf(clone)).toEqual([]);
  });

  it("says that a repository in the repository is not a submodule", async () => {
    const top = await repository(DOCKERFILE);
    git(top, "clone", "--quiet", `file://${await repository()}`, "nested");
    commit(top, "nested");
    const clone = join(await temporaryFolder(), "clone");
    git(top, "clone", "--quiet", `file://${top}`, clone);
    expect(await problemsOf(clone)).toEqual([
      expect.stringMatching(
        /no \.gitmodules says where that is: "nested" \[context-incomplete\] Make it a submodule/,
      ),
    ]);
  });
});

describe("a sparse checkout", () => {
  it("is refused if it leaves files of the context out", async () => {
    const dir = await repository({
      ...DOCKERFILE,
      ...Object.fromEntries([1, 2, 3, 4, 5, 6, 7].map((index) => [`data/${index}.txt`, ""])),
      "app/Dockerfile": "FROM scratch\n",
    });
    git(dir, "sparse-checkout", "set", "app");
    expect(await problemsOf(dir, "app")).toEqual([]);
    expect(await problemsOf(dir)).toEqual([
      expect.stringContaining(
        'sparse checkout: "data/1.txt", "data/2.txt", "data/3.txt", "data/4.txt", "data/5.txt" and 2 more [context-incomplete]',
      ),
    ]);
    await writeFile(join(dir, ".dockerignore"), "data\n");
    expect(await problemsOf(dir)).toEqual([]);
  });

  it("is not detected by the bit of a file that exists", async () => {
    const dir = await repository({ ...DOCKERFILE, "local.env": "a=1\n" });
    git(dir, "update-index", "--skip-worktree", "local.env");
    expect(await problemsOf(dir)).toEqual([]);
  });
});

describe("a file that was not fetched or decrypted", () => {
  it.each([
    ["a Git LFS pointer instead of the file", POINTER],
    ["a Git LFS pointer instead of the file", POINTER.replaceAll("\n", "\r\n")],
    ["a Git LFS pointer instead of the file", POINTER.replace("oid", `ext-0-foo sha256:${OID}\noid`)],
    ["a Git LFS pointer instead of the file", POINTER.replace("git-lfs", "hawser")],
    ["a git-annex pointer instead of the file", "/annex/objects/SHA256E-s3--abc.bin\n"],
    ["encrypted by git-crypt", `\0GITCRYPT\0${"x".repeat(2_000_000)}`],
  ])("is refused: %s", async (what, text) => {
    const dir = await folderWith({ ...DOCKERFILE, "model/weights.bin": text });
    expect(await problemsOf(dir)).toEqual([
      expect.stringContaining(
        `the build context is incomplete, ${what}: "model/weights.bin" [context-incomplete]`,
      ),
    ]);
    await writeFile(join(dir, ".dockerignore"), "model\n");
    expect(await problemsOf(dir)).toEqual([]);
  });

  it.each([
    ["a text about pointers", `# LFS\n\n${POINTER}`],
    ["a pointer and more", `${POINTER}more\n`],
    ["a version alone", "version https://git-lfs.github.com/spec/v1\n"],
    ["an empty file", ""],
    ["a path", "/annex/objects/a/b/c\nand more\n"],
  ])("is not detected in %s", async (_, text) => {
    expect(await problemsOf(await folderWith({ ...DOCKERFILE, file: text }))).toEqual([]);
  });
});

describe("a workflow has to fetch", () => {
  const needs = async (files: Files) => readCheckoutNeeds(await repository({ "app/a": "", ...files }));

  it.each<[string, Files, Awaited<ReturnType<typeof readCheckoutNeeds>>]>([
    ["nothing more", {}, { submodules: false, lfs: false }],
    ["submodules", { ".gitmodules": "" }, { submodules: true, lfs: false }],
    ["not those of a folder's own file", { "app/.gitmodules": "" }, { submodules: false, lfs: false }],
    [
      "LFS",
      { ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n" },
      { submodules: false, lfs: true },
    ],
    [
      "a folder's LFS",
      { "app/x/.gitattributes": "*.bin -text filter=lfs" },
      { submodules: false, lfs: true },
    ],
    [
      "LFS by a macro",
      { ".gitattributes": "[attr]big filter=lfs\n*.bin big\n" },
      { submodules: false, lfs: true },
    ],
    [
      "no other filter, and no comment",
      { ".gitattributes": "*.a filter=lfs-like\n# *.b filter=lfs\n*.c -filter=lfs\n" },
      { submodules: false, lfs: false },
    ],
  ])("%s", async (_, files, expected) => {
    expect(await needs(files)).toEqual(expected);
  });

  it("what uncommitted files ask for, read from any folder of the repository", async () => {
    const dir = await repository({ "app/a": "" });
    await writeFile(join(dir, ".gitmodules"), "");
    await appendFile(join(dir, ".gitattributes"), "*.bin filter=lfs\n");
    expect(await readCheckoutNeeds(join(dir, "app"))).toEqual({ submodules: true, lfs: true });
    await rm(join(dir, ".gitmodules"));
    expect(await readCheckoutNeeds(join(dir, "app"))).toEqual({ submodules: false, lfs: true });
  });

  it("nothing outside of a repository", async () => {
    const dir = await temporaryFolder();
    await mkdir(join(dir, "app"));
    expect(await readCheckoutNeeds(join(dir, "app"))).toEqual({ submodules: false, lfs: false });
  });
});
