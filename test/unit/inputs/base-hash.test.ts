import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readBaseHash } from "../../../src/inputs/base-hash";
import { pinnedBaseKey } from "../../../src/plan/content-key";
import { recipeHash } from "../../support/recipe-hash";
import { type Files, folderWith, writeFiles } from "./repository";

const TREE: Files = {
  "Dockerfile.base": "FROM scratch\nCOPY rootfs/ /\n",
  "entrypoint.sh": { run: "#!/bin/sh\nexec entrypoint-user.sh\n" },
  "entrypoint-user.sh": { run: '#!/bin/sh\nexec "$@"\n' },
  "rootfs/etc/motd": "hello\n",
  "rootfs/usr/bin/tool": { run: "#!/bin/sh\n" },
};
const INCLUDE = ["rootfs/**", "entrypoint*.sh"];

function read(projectDir: string, include: readonly string[] = INCLUDE, hash?: string) {
  const addressed = { include, ...(hash === undefined ? {} : { hash }) };
  const image = { name: "base", context: ".", dockerfile: "Dockerfile.base", addressed };
  return readBaseHash({ projectDir, image, path: "slipway:base" });
}

/** The hash, after checking that the shell recipe gives the same. */
async function hashOf(projectDir: string): Promise<string> {
  const { hash, problems } = await read(projectDir);
  expect(problems).toEqual([]);
  expect(hash).toBe(await recipeHash(projectDir));
  return hash;
}

describe("the base's hash is what the shell recipe gives", () => {
  it.each<[name: string, more: Files]>([
    ["for the plain tree", {}],
    [
      "with dotfiles and dot folders",
      { "rootfs/.profile": "a", "rootfs/.config/.x/y": "b", "rootfs/...": "c" },
    ],
    [
      "with names that locales sort otherwise",
      { "rootfs/B": "B", "rootfs/a": "a", "rootfs/_": "_", "rootfs/é": "é" },
    ],
    [
      "with names where / sorts apart",
      { "rootfs/a/b": "1", "rootfs/a-b": "2", "rootfs/a.b": "3", "rootfs/a0": "4" },
    ],
    [
      "with blanks, quotes and newlines in names",
      { "rootfs/a b": "1", "rootfs/a'\"b": "2", "rootfs/a\nb": "3" },
    ],
    ["with names beyond the basic plane", { "rootfs/\u{1F600}": "1", "rootfs/\uFF5E": "2" }],
    [
      "without junk",
      {
        "rootfs/a/__pycache__/x.txt": "1",
        "rootfs/x.pyc": "2",
        "rootfs/.DS_Store": "3",
        "rootfs/._motd": "4",
        "rootfs/pycache__/kept": "5",
        "rootfs/y.pyc/kept": "6",
        "rootfs/._folder/kept": "7",
      },
    ],
    ["with a file whose name is __pycache__", { "rootfs/__pycache__": "kept" }],
    ["without symbolic links", { "rootfs/link": { link: "etc/motd" }, "rootfs/folder": { link: "usr" } }],
    ["with empty files and files without a last newline", { "rootfs/empty": "", "rootfs/z": "no newline" }],
  ])("%s", async (_, more) => {
    await hashOf(await folderWith({ ...TREE, ...more }));
  });

  it("with a large file and bytes that are no text", async () => {
    const folder = await folderWith(TREE);
    writeFileSync(join(folder, "rootfs/blob"), Buffer.alloc(3_000_000, 0xfe));
    await hashOf(folder);
  });

  it("with any modes, dates and umask", async () => {
    const folder = await folderWith(TREE);
    const before = await hashOf(folder);
    await chmod(join(folder, "rootfs/etc/motd"), 0o777);
    utimesSync(join(folder, "rootfs/etc/motd"), 1, 1);
    expect(await hashOf(folder)).toBe(before);
    const umask = process.umask(0o077);
    try {
      expect(await hashOf(await folderWith(TREE))).toBe(before);
    } finally {
      process.umask(umask);
    }
  });

  it("and changes with every part", async () => {
    const hashes = await Promise.all(
      ["none", "Dockerfile.base", "rootfs/etc/motd", "entrypoint-user.sh"].map(async (name) =>
        hashOf(await folderWith({ ...TREE, [name]: "another" })),
      ),
    );
    expect(new Set(hashes).size).toBe(4);
  });

  it("with entrypoints that are named one by one", async () => {
    const folder = await folderWith(TREE);
    const { hash } = await read(folder, ["rootfs/**", "entrypoint.sh", "entrypoint-user.sh"]);
    expect(hash).toBe(await recipeHash(folder));
  });
});

describe("the content key of a base distinguishes contents with the same short hash", () => {
  it.each<[what: string, one: Files, other: Files]>([
    [
      "bytes on the other side of a boundary",
      { "rootfs/a": "ab", "rootfs/b": "c" },
      { "rootfs/a": "a", "rootfs/b": "bc" },
    ],
    ["one file or two", { "rootfs/a": "ab" }, { "rootfs/a": "a", "rootfs/b": "b" }],
    ["another name", { "rootfs/a": "x" }, { "rootfs/b": "x" }],
    ["another mode", { "rootfs/a": "x" }, { "rootfs/a": { run: "x" } }],
    ["an empty file more", {}, { "rootfs/empty": "" }],
    ["another link", { "rootfs/l": { link: "etc/motd" } }, { "rootfs/l": { link: "usr/bin/tool" } }],
  ])("%s", async (_, one, other) => {
    const [first, second] = await Promise.all(
      [one, other].map(async (files) => read(await folderWith({ ...TREE, ...files }))),
    );
    expect(first?.key).toMatch(/^[0-9a-f]{64}$/);
    expect(second?.hash).toBe(first?.hash);
    expect(second?.key).not.toBe(first?.key);
  });

  it("is the same for the same files, with any dates, umask and junk", async () => {
    const { key } = await read(await folderWith(TREE));
    const umask = process.umask(0o077);
    try {
      const folder = await folderWith({ ...TREE, "rootfs/.DS_Store": "junk" });
      utimesSync(join(folder, "rootfs/etc/motd"), 1, 1);
      expect((await read(folder)).key).toBe(key);
    } finally {
      process.umask(umask);
    }
  });
});

describe("reading a base", () => {
  it("prefers the pinned hash, and reports a difference", async () => {
    const folder = await folderWith(TREE);
    const own = await recipeHash(folder);
    expect(await read(folder, INCLUDE, "0123456789ab")).toEqual({
      hash: "0123456789ab",
      key: pinnedBaseKey("0123456789ab"),
      notices: [`base: the pinned base-0123456789ab is used; this working tree's own is base-${own}`],
      problems: [],
    });
    expect(await read(folder, INCLUDE, own)).toEqual(await read(folder));
  });

  it("reports symbolic links, which the hash does not cover", async () => {
    const { notices } = await read(await folderWith({ ...TREE, "rootfs/link": { link: "etc/motd" } }));
    expect(notices).toEqual([expect.stringMatching(/^base: symbolic links .* \(rootfs\/link\)/)]);
  });

  it("refuses each pattern that matches nothing", async () => {
    const folder = await folderWith({ ...TREE, "junk/.DS_Store": "x", linked: { link: "rootfs" } });
    mkdirSync(join(folder, "hollow"));
    const include = ["rootfz/**", "entry*.bash", "hollow/**", "junk/**", "linked/**", "rootfs"];
    const { problems } = await read(folder, include);
    expect(problems.map(({ code, path }) => `${path} ${code}`)).toEqual(
      include.map((_, index) => `slipway:base.include[${index}] base-include`),
    );
  });

  it("refuses files outside of the project, and missing ones", async () => {
    const outside = await folderWith({ secret: "x" });
    const folder = await folderWith({ ...TREE, "entrypoint-x.sh": { link: join(outside, "secret") } });
    expect((await read(folder)).problems).toMatchObject([{ code: "base-outside" }]);
    const bare = await folderWith({ "rootfs/a": "a" });
    expect((await read(bare, ["rootfs/**"])).problems).toMatchObject([{ code: "base-unreadable" }]);
    await writeFiles(bare, { "Dockerfile.base": "FROM scratch\n" });
    expect((await read(bare, ["rootfs/**"])).problems).toEqual([]);
  });
});
