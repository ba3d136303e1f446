import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  dirtyNotice,
  githubRepository,
  isAncestor,
  readGit,
  releasedTag,
  withoutCredentials,
} from "../../../src/inputs/git";
import { pageAddress } from "../../../src/plan/reference";
import { commit, git, repository, temporaryFolder } from "./repository";

afterEach(() => vi.unstubAllEnvs());

describe("readGit", () => {
  it("reads a clean repository on a branch", async () => {
    const dir = await repository();
    expect(await readGit(dir)).toEqual({
      revision: git(dir, "rev-parse", "HEAD"),
      commitDate: new Date("2020-01-09T22:30:00Z"),
      tagsAtHead: [],
      refusedTags: [],
      branch: "main",
      dirty: false,
      dirtyPaths: [],
      shallow: false,
    });
  });

  it("reads from a folder within the repository", async () => {
    const dir = await repository({ "app/Dockerfile": "FROM scratch\n" });
    expect((await readGit(join(dir, "app"))).branch).toBe("main");
  });

  it("lists the tags at HEAD, annotated or not, and refuses hostile names", async () => {
    const dir = await repository();
    git(dir, "tag", "v0.9.0");
    commit(dir, "second");
    for (const tag of ["v1.0.0", "release/2025.11.0", "$(touch,pwned)", "v1;id", "a`b"]) git(dir, "tag", tag);
    git(dir, "tag", "--annotate", "--message=x", "latest-good");
    const source = await readGit(dir);
    expect(source.tagsAtHead).toEqual(["latest-good", "release/2025.11.0", "v1.0.0"]);
    expect(source.refusedTags).toEqual(["$(touch,pwned)", "a`b", "v1;id"]);
  });

  it("has no branch for a detached HEAD", async () => {
    const dir = await repository();
    git(dir, "checkout", "--quiet", "--detach");
    expect((await readGit(dir)).branch).toBeUndefined();
  });

  it.each([
    ["what pulumi stack init writes", "encryptionsalt: v1:abc\nconfig:\n  a: '1' # as it was\n", []],
    ["a setting", "encryptionsalt: v1:abc\nconfig:\n  a: 2\n", ["app/Pulumi.prod.yaml"]],
    ["invalid YAML", "{", ["app/Pulumi.prod.yaml"]],
  ])(
    "calls a stack's file changed, but not for what pulumi stack init writes: %s",
    async (_, text, dirty) => {
      const dir = await repository({ "app/Pulumi.prod.yaml": "config:\n  a: 1\n", "other.yaml": "" });
      await writeFile(join(dir, "app/Pulumi.prod.yaml"), text);
      await writeFile(join(dir, "app/Pulumi.new.yaml"), "secretsprovider: passphrase\n");
      expect((await readGit(join(dir, "app"))).dirtyPaths).toEqual(dirty);
      await writeFile(join(dir, "other.yaml"), "encryptionsalt: v1:abc\n");
      expect((await readGit(dir)).dirtyPaths).toEqual([...dirty, "other.yaml"]);
    },
  );

  it("names what is changed, staged, renamed, removed or new", async () => {
    const dir = await repository({
      "a b.txt": "1\n",
      "c.txt": "2\n".repeat(20),
      "d.txt": "3\n",
      "é.txt": "4\n",
      ".gitignore": "*.log\n",
    });
    await writeFile(join(dir, "a b.txt"), "changed\n");
    git(dir, "mv", "c.txt", "moved.txt");
    git(dir, "rm", "--quiet", "d.txt");
    await writeFile(join(dir, "é.txt"), "changed\n");
    await writeFile(join(dir, "new\nline.txt"), "new\n");
    await writeFile(join(dir, "ignored.log"), "new\n");
    const source = await readGit(dir);
    expect(source.dirty).toBe(true);
    expect(source.dirtyPaths).toEqual(["a b.txt", "d.txt", "moved.txt", "new\nline.txt", "é.txt"]);
  });

  it.each([
    [1, "f01"],
    [3, "f01, f02, f03"],
    [4, "f01, f02, f03 and 1 more"],
    [19, "f01, f02, f03 and 16 more"],
    [25, "f01, f02, f03 and at least 17 more"],
  ])("reports %i changed files as %s", async (count, names) => {
    const dir = await repository();
    for (let file = 1; file <= count; file += 1) {
      await writeFile(join(dir, `f${String(file).padStart(2, "0")}`), "");
    }
    const { dirtyPaths } = await readGit(dir);
    expect(dirtyNotice(dirtyPaths)).toBe(`the working tree is dirty: ${names}`);
  });

  it("reads origin's URL without credentials, and GitHub's repository", async () => {
    const dir = await repository();
    git(dir, "remote", "add", "fork", "git@github.com:fork/app.git");
    git(dir, "remote", "add", "origin", "https://octo:ghp_canary@github.com/octo/app.git");
    expect(await readGit(dir)).toMatchObject({
      remote: "https://github.com/octo/app",
      page: "https://github.com/octo/app",
    });
  });

  it("reads the only remote, but does not choose between several", async () => {
    const dir = await repository();
    git(dir, "remote", "add", "upstream", "git@github.com:octo/app.git");
    expect(await readGit(dir)).toMatchObject({ page: "https://github.com/octo/app" });
    git(dir, "remote", "add", "fork", "git@github.com:fork/app.git");
    expect((await readGit(dir)).remote).toBeUndefined();
  });

  it.each([
    ["an abbreviation", "gh:octo/app", "git@github.com:", "gh:", "https://github.com/octo/app"],
    [
      "one like a URL",
      "cb://octo/app.git",
      "https://codeberg.org/",
      "cb://",
      "https://codeberg.org/octo/app",
    ],
    [
      "a mirror",
      "https://github.com/octo/app",
      "https://mirror.example/gh/",
      "https://github.com/",
      "https://github.com/octo/app",
    ],
    ["a token", "gl:octo/app", "https://oauth2:canary@gitlab.com/", "gl:", "https://gitlab.com/octo/app"],
  ])("expands what insteadOf abbreviates, and nothing else: %s", async (_, url, base, insteadOf, page) => {
    const dir = await repository();
    git(dir, "remote", "add", "origin", url);
    git(dir, "config", `url.${base}.insteadOf`, insteadOf);
    expect(await readGit(dir)).toMatchObject({ page, remote: page });
  });

  it("reads the default branch that the clone recorded, if it did", async () => {
    const origin = await repository();
    git(origin, "checkout", "--quiet", "-b", "release/next");
    const clone = join(await temporaryFolder(), "clone");
    git(origin, "clone", "--quiet", origin, clone);
    git(clone, "checkout", "--quiet", "-b", "feature");
    expect((await readGit(clone)).defaultBranch).toBe("release/next");
    git(clone, "remote", "rename", "origin", "upstream");
    expect((await readGit(clone)).defaultBranch).toBe("release/next");
    git(clone, "remote", "set-head", "upstream", "--delete");
    expect((await readGit(clone)).defaultBranch).toBeUndefined();
  });

  it("ignores a hook's environment and runs no fsmonitor", async () => {
    const other = await repository({ "x.txt": "other\n" });
    const dir = await repository();
    git(dir, "config", "core.fsmonitor", "touch pwned; false");
    vi.stubEnv("GIT_DIR", join(other, ".git"));
    vi.stubEnv("GIT_INDEX_FILE", join(other, ".git/index"));
    const source = await readGit(dir);
    expect(source.dirtyPaths).toEqual([]);
    vi.unstubAllEnvs();
    expect(source.revision).toBe(git(dir, "rev-parse", "HEAD"));
  });
});

describe("readGit fails", () => {
  it("outside of a repository", async () => {
    const dir = await temporaryFolder();
    await expect(readGit(dir)).rejects.toThrow(
      /"[^"]+" is not in a git repository \[source-not-a-repository\]/,
    );
  });

  it("without a commit", async () => {
    const dir = await temporaryFolder();
    git(dir, "init", "--quiet");
    await expect(readGit(dir)).rejects.toThrow(/has no commits yet \[source-no-commits\]/);
  });

  it("without git", async () => {
    const dir = await repository();
    vi.stubEnv("PATH", dir);
    await expect(readGit(dir)).rejects.toThrow(/was not found \[source-git-missing\]/);
  });
});

describe("isAncestor", () => {
  it("knows ancestors, descendants and unrelated commits", async () => {
    const dir = await repository();
    const first = git(dir, "rev-parse", "HEAD");
    const second = commit(dir, "second");
    git(dir, "checkout", "--quiet", "-b", "side", first);
    const side = commit(dir, "side");
    expect(await isAncestor(dir, first, second)).toBe("ancestor");
    expect(await isAncestor(dir, first, first)).toBe("ancestor");
    expect(await isAncestor(dir, second, first)).toBe("not-ancestor");
    expect(await isAncestor(dir, second, side)).toBe("not-ancestor");
    expect(await isAncestor(dir, "0".repeat(40), side)).toBe("unknown");
    expect(await isAncestor(dir, "HEAD", side)).toBe("unknown");
    expect(await isAncestor(dir, "--help", side)).toBe("unknown");
  });

  it("does not trust a shallow history", async () => {
    const origin = await repository();
    const first = git(origin, "rev-parse", "HEAD");
    commit(origin, "second");
    const third = commit(origin, "third");
    const dir = await temporaryFolder();
    git(dir, "clone", "--quiet", "--depth=1", `file://${origin}`, "clone");
    const clone = join(dir, "clone");
    expect((await readGit(clone)).shallow).toBe(true);
    expect(await isAncestor(clone, first, third)).toBe("unknown");
  });
});

describe("releasedTag", () => {
  it("finds a name's git tag and commit, through an annotated tag and another spelling too", async () => {
    const dir = await repository();
    const first = git(dir, "rev-parse", "HEAD");
    git(dir, "tag", "v1.0.0");
    git(dir, "tag", "--annotate", "--message=x", "v1.0.1");
    git(dir, "tag", "2025.11.0");
    const second = commit(dir, "second");
    git(dir, "tag", "1.0.1");
    git(dir, "branch", "v9.9.9");
    const found = async (name: string) => {
      const tag = await releasedTag(dir, name);
      return tag && [tag.name, tag.commit];
    };
    expect(await found("v1.0.0")).toEqual(["v1.0.0", first]);
    expect(await found("v1.0.1")).toEqual(["v1.0.1", first]);
    expect(await found("1.0.1")).toEqual(["1.0.1", second]);
    expect(await found("1.0.0")).toEqual(["v1.0.0", first]);
    expect(await found("v2025.11.0")).toEqual(["2025.11.0", first]);
    for (const name of ["v9.9.9", "--all", "", "vanilla", "v"]) expect(await found(name)).toBeUndefined();
  });
});

describe("remotes", () => {
  it.each([
    ["https://user:token@github.com/octo/app.git", "https://github.com/octo/app.git", "octo/app"],
    ["https://x-access-token:t@github.com/octo/app/?token=t#t", "https://github.com/octo/app/", "octo/app"],
    ["ssh://git:pw@ssh.github.com:443/octo/app.git", "ssh://git@ssh.github.com:443/octo/app.git", "octo/app"],
    ["git@github.com:octo/app.git", "git@github.com:octo/app.git", "octo/app"],
    ["git@GitHub.com:octo/app.js", "git@GitHub.com:octo/app.js", "octo/app.js"],
    ["https://gitlab.com/octo/app.git", "https://gitlab.com/octo/app.git", undefined],
    ["https://github.com.evil.test/octo/app", "https://github.com.evil.test/octo/app", undefined],
    ["https://github.com/octo/app/extra", "https://github.com/octo/app/extra", undefined],
    ["/srv/git/app.git", "/srv/git/app.git", undefined],
    ["../app.git", "../app.git", undefined],
  ])("%s", (remote, shown, repositoryName) => {
    expect(withoutCredentials(remote)).toBe(shown);
    expect(githubRepository(withoutCredentials(remote))).toBe(repositoryName);
  });

  it.each([
    ["https://github.com/octo/app.git", "https://github.com/octo/app"],
    ["ssh://git@ssh.github.com:443/octo/app.git", "https://github.com/octo/app"],
    ["git@gitlab.com:group/sub/app.git", "https://gitlab.com/group/sub/app"],
    ["ssh://git@altssh.gitlab.com:443/octo/app.git", "https://gitlab.com/octo/app"],
    ["ssh://git@git.example:2222/octo/app", "https://git.example/octo/app"],
    ["ssh://git@gitea/octo/app", "https://gitea/octo/app"],
    ["http://gitea:3000/octo/app/", "http://gitea:3000/octo/app"],
    ["git://codeberg.org/octo/app.git", "https://codeberg.org/octo/app"],
    ["work:octo/app", undefined],
    ["git@work:octo/app.git", undefined],
    ["gh://octo/app", undefined],
    ["codecommit::us-east-1://app", undefined],
    ["C:/work/app", undefined],
    ["/srv/git/app.git", undefined],
    ["file:///srv/git/app.git", undefined],
    ["https://github.com/", undefined],
    ["", undefined],
  ])("%s is opened at %s", (remote, page) => {
    expect(pageAddress(remote)).toBe(page);
  });
});
