import { describe, expect, it } from "vitest";
import { formatProblem } from "../../../src/plan/problem";
import { type GitTagInput, gitTagProblems, type TagFacts } from "../../../src/plan/version-checks";

const HEAD = "a".repeat(40);
const OTHER = "b".repeat(40);
const CLEAN: TagFacts = { revision: HEAD, tagsAtHead: [], releaseTags: [], dirty: false, dirtyPaths: [] };
const tagged = (commit: string, name = "v1.2.3") => ({ name, commit });

function said(input: Partial<GitTagInput>): string {
  return gitTagProblems({ requireTag: true, git: CLEAN, ...input })
    .map(formatProblem)
    .join("\n");
}

describe("requireTag", () => {
  it("requires no tag and no clean tree if it is false", () => {
    const git = { ...CLEAN, dirty: true, dirtyPaths: ["x"] };
    expect(said({ requireTag: false, version: "v1.2.3", git })).toBe("");
  });

  it.each<[string, string | undefined, ReturnType<typeof tagged> | undefined, string | undefined]>([
    ["at HEAD", "v1.2.3", tagged(HEAD), undefined],
    ["at HEAD, with another spelling", "1.2.3", tagged(HEAD), undefined],
    ["missing", "v1.2.3", undefined, undefined],
    ["on another commit", "v1.2.3", tagged(OTHER), 'version: the tag "v1.2.3" is bbbbbbbbbbbb'],
    ["on another commit, with a v", "1.2.3", tagged(OTHER), 'version: the tag "v1.2.3" is bbbbbbbbbbbb'],
    [
      "on another commit, without a v",
      "v1.2.3",
      tagged(OTHER, "1.2.3"),
      'version: the tag "1.2.3" is bbbbbbb',
    ],
    ["moved since it was pushed", undefined, tagged(OTHER), 'GITHUB_REF: the tag "v1.2.3" is bbbbbbbbbbbb'],
  ])("the version's git tag counts without it too: %s", (_, version, tag, expected) => {
    const text = said({ requireTag: false, version, git: { ...CLEAN, tag } });
    if (expected === undefined) expect(text).toBe("");
    else expect(text).toContain(expected);
  });

  it("accepts the version's tag at HEAD and a clean tree", () => {
    expect(said({ version: "v1.2.3", git: { ...CLEAN, tagsAtHead: ["v1.2.3"], tag: tagged(HEAD) } })).toBe(
      "",
    );
    expect(said({ git: { ...CLEAN, tagsAtHead: ["v1.2.3"], releaseTags: ["v1.2.3"] } })).toBe("");
  });

  it.each<[string, Partial<GitTagInput>, string]>([
    [
      "no version and no tag",
      {},
      "  requireTag: a tag is required, but HEAD is aaaaaaaaaaaa and has no tag, and no version is asked for [source-tag-required]\n" +
        "    Check out the tag to release, or name it: RELEASE_TAG=v1.2.3",
    ],
    [
      "a tag that no rule reads",
      { git: { ...CLEAN, tagsAtHead: ["chart-9.0.0"] } },
      "  requireTag: a tag is required, but HEAD is aaaaaaaaaaaa with chart-9.0.0, which no tag rule reads as a release, and no version is asked for [source-tag-required]\n" +
        "    Check out the tag to release, or name it: RELEASE_TAG=v1.2.3",
    ],
    [
      "a tag that is nowhere",
      { version: "v1.2.3" },
      '  version: there is no tag "v1.2.3" in this repository; HEAD is aaaaaaaaaaaa and has no tag [source-tag-missing]\n' +
        "    Fetch it (git fetch --tags) or make it (git tag v1.2.3)",
    ],
    [
      "a tag that a shallow clone lacks",
      { version: "v1.2.3", git: { ...CLEAN, shallow: true } },
      '  version: there is no tag "v1.2.3" in this repository; HEAD is aaaaaaaaaaaa and has no tag [source-tag-missing]\n' +
        "    This clone is shallow. Fetch it (git fetch --tags) or make it (git tag v1.2.3)",
    ],
    [
      "a version without its v",
      { version: "1.2.3", git: { ...CLEAN, tagsAtHead: ["v1.2.3"] } },
      '  version: there is no tag "1.2.3" in this repository; HEAD is aaaaaaaaaaaa with v1.2.3 [source-tag-missing]\n' +
        '    Did you mean "v1.2.3"?',
    ],
    [
      "a tag on another commit",
      { version: "v1.2.3", git: { ...CLEAN, tagsAtHead: ["v1.2.4"], tag: tagged(OTHER) } },
      '  version: the tag "v1.2.3" is bbbbbbbbbbbb, but HEAD is aaaaaaaaaaaa with v1.2.4 [source-tag-elsewhere]\n' +
        "    Check it out: git checkout v1.2.3",
    ],
    [
      "a dirty tree, and the wrong commit too",
      {
        version: "v1.2.3",
        git: { ...CLEAN, tag: tagged(OTHER), dirty: true, dirtyPaths: ["a", "b c", "d", "e", "f", "g"] },
      },
      '  version: the tag "v1.2.3" is bbbbbbbbbbbb, but HEAD is aaaaaaaaaaaa and has no tag [source-tag-elsewhere]\n' +
        "    Check it out: git checkout v1.2.3\n" +
        '  requireTag: the working tree differs from its commit: "a", "b c", "d", "e", "f", … [source-dirty]\n' +
        "    Commit, stash or ignore these changes (git status shows all of them)",
    ],
  ])("%s", (_name, input, text) => {
    expect(said(input)).toBe(text);
  });
});
