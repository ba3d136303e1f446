import { describe, expect, test } from "vitest";
import {
  type Ancestry,
  type DesiredTag,
  decideTag,
  existingVersions,
  type LiveTag,
} from "../../../src/plan/tag-policy";
import type { VersionLine } from "../../../src/plan/versions";

const OLD = `sha256:${"0".repeat(64)}` as const;
const NEW = `sha256:${"1".repeat(64)}` as const;
const HERE = "1".repeat(40);
const THERE = "2".repeat(40);
const PLAIN = { prefix: "", suffix: "" };
const ALL: VersionLine = {};

function desired(changes: Partial<DesiredTag> = {}): DesiredTag {
  return {
    name: "latest",
    class: "floating",
    line: ALL,
    form: PLAIN,
    version: "1.9.4",
    revision: HERE,
    digest: NEW,
    overridden: false,
    ...changes,
  };
}

function unversioned(changes: Partial<DesiredTag> = {}): DesiredTag {
  const { version: _, ...rest } = desired(changes);
  return rest;
}

function branch(changes: Partial<DesiredTag> = {}): DesiredTag {
  const { line: _, ...rest } = unversioned({ name: "main", ...changes });
  return rest;
}

function live(changes: Partial<LiveTag> = {}): LiveTag {
  return { digest: OLD, revision: THERE, ...changes };
}

function decide(
  tag: DesiredTag,
  at: LiveTag | undefined,
  existing: readonly string[] = [],
  ancestry: Ancestry = "unknown",
): string {
  const decision = decideTag(tag, at, existing, ancestry);
  return "code" in decision ? `${decision.action} ${decision.code}` : decision.action;
}

describe("every class", () => {
  const allClasses = [
    desired(),
    desired({ version: "2.0.0-rc.1" }),
    unversioned(),
    branch(),
    desired({ name: "1.9.4", class: "version" }),
    desired({ name: "sha-1111111", class: "revision" }),
  ];

  test.each(allClasses)("$name ($class) is not written again for the same digest", (tag) => {
    expect(decide(tag, live({ digest: NEW }), ["9.9.9"], "descendant")).toBe("unchanged");
  });

  test.each(allClasses)("$name ($class) is written if it is overridden", (tag) => {
    expect(decide({ ...tag, overridden: true }, live(), ["9.9.9"], "descendant")).toBe("move");
    expect(decide({ ...tag, overridden: true }, undefined, ["9.9.9"])).toBe("create");
  });
});

describe("a version tag is written once", () => {
  test.each<[string, Partial<DesiredTag>, LiveTag | undefined, string]>([
    ["no tag yet", {}, undefined, "create"],
    ["another digest", {}, live(), "refuse tag-write-once"],
    ["another digest of the same commit", {}, live({ revision: HERE }), "refuse tag-write-once"],
    ["a pre-release too", { name: "2.0.0-rc.1", version: "2.0.0-rc.1" }, live(), "refuse tag-write-once"],
    ["an opaque one too", { name: "custom-1", version: "custom-1" }, live(), "refuse tag-write-once"],
    ["older than others that exist", {}, undefined, "create"],
  ])("%s", (_, changes, at, expected) => {
    expect(decide(desired({ name: "1.9.4", class: "version", ...changes }), at, ["2.0.0"])).toBe(expected);
  });

  test("it is refused before the digest is known", () => {
    const { digest: _, ...unbuilt } = desired({ name: "1.9.4", class: "version" });
    expect(decide(unbuilt, live())).toBe("refuse tag-write-once");
  });

  test("the refusal says what the tag points to", () => {
    expect(
      decideTag(desired({ name: "1.9.4", class: "version" }), live({ version: "1.9.4" }), [], "unknown"),
    ).toEqual({
      action: "refuse",
      code: "tag-write-once",
      reason: "1.9.4 is a version tag and already points to sha256:000000000000 (1.9.4)",
    });
  });
});

describe("a commit's tag belongs to its commit", () => {
  test.each<[string, LiveTag | undefined, string]>([
    ["no tag yet", undefined, "create"],
    ["other content of the same commit", live({ revision: HERE }), "move"],
    ["another commit's", live(), "refuse tag-other-revision"],
    ["of an unknown commit", { digest: OLD }, "refuse tag-other-revision"],
  ])("%s", (_, at, expected) => {
    expect(decide(desired({ name: "sha-1111111", class: "revision" }), at, ["9.9.9"], "ancestor")).toBe(
      expected,
    );
  });

  test.each([
    [live(), `sha-1111111 belongs to commit ${THERE.slice(0, 12)}, and this is commit ${HERE.slice(0, 12)}`],
    [{ digest: OLD }, "sha-1111111 points to sha256:000000000000, which does not say which commit it is"],
  ])("the refusal names the commit", (at, reason) => {
    const decision = decideTag(desired({ name: "sha-1111111", class: "revision" }), at, [], "unknown");
    expect(decision).toMatchObject({ reason });
  });
});

describe("a floating tag of a version follows the newest release of its line", () => {
  test.each<[string, string, VersionLine | undefined, readonly string[], string]>([
    ["the first release", "1.9.4", ALL, [], "move"],
    ["a newer one", "2.0.1", ALL, ["1.9.4", "2.0.0"], "move"],
    ["the same one again", "1.9.4", ALL, ["1.9.4"], "move"],
    ["a backport: latest stays", "1.9.4", ALL, ["2.0.0"], "keep tag-newer-exists"],
    ["a backport: its major moves", "1.9.4", { major: 1 }, ["1.9.3", "2.0.0"], "move"],
    ["a backport: its minor moves", "1.8.7", { major: 1, minor: 8 }, ["1.9.3", "1.8.6", "2.0.0"], "move"],
    ["a backport within the major", "1.8.7", { major: 1 }, ["1.9.3"], "keep tag-newer-exists"],
    ["a backport within the minor", "1.9.4", { major: 1, minor: 9 }, ["1.9.10"], "keep tag-newer-exists"],
    ["10 is more than 9", "1.10.0", { major: 1 }, ["1.9.4"], "move"],
    ["another tag that floats over all versions", "1.9.4", undefined, ["2.0.0"], "keep tag-newer-exists"],
    ["a newer pre-release does not count", "1.9.4", ALL, ["2.0.0-rc.1"], "move"],
    ["a pre-release moves nothing", "2.0.0-rc.1", ALL, ["1.9.4"], "keep tag-prerelease"],
    ["a pre-release moves nothing, the first one neither", "0.0.1-rc.1", ALL, [], "keep tag-prerelease"],
    ["its release comes after it", "2.0.0", ALL, ["2.0.0-rc.1"], "move"],
    ["a rebuild comes after its version", "1.15.12b", ALL, ["v1.15.12"], "move"],
    ["a version comes before its rebuild", "1.15.12", ALL, ["1.15.12b"], "keep tag-newer-exists"],
    ["the next patch comes after the rebuild", "1.15.13", ALL, ["1.15.12b"], "move"],
    ["an older rebuild", "1.15.12b", ALL, ["1.15.12c"], "keep tag-newer-exists"],
    ["calendar versions", "2025.11.0", ALL, ["2025.9.3"], "move"],
    ["build numbers", "147", ALL, ["146", "9"], "move"],
    ["an older build number", "147", ALL, ["148"], "keep tag-newer-exists"],
    ["a stray number is no newer version", "1.9.4", { major: 1 }, ["1", "20251101"], "move"],
    [
      "other names are not versions",
      "1.9.4",
      ALL,
      ["2", "latest", "sha-999", "x2.0.0", "main-2.0.0"],
      "move",
    ],
    ["another variant's versions do not count", "1.9.4", ALL, ["2.0.0-alpine", "base-2.0.0"], "move"],
  ])("%s: %s on %j with %j", (_, version, line, existing, expected) => {
    const { line: __, ...rest } = desired({ version });
    const tag = line === undefined ? rest : { ...rest, line };
    expect(decide(tag, live(), existing, "descendant")).toBe(expected);
    const unmade = expected === "move" ? "create" : expected;
    expect(decide(tag, undefined, existing)).toBe(unmade);
  });

  test.each([
    [{ prefix: "v", suffix: "" }, ["v2.0.0"], "keep tag-newer-exists"],
    [{ prefix: "standalone-v", suffix: "" }, ["2.0.0", "v2.0.0"], "move"],
    [{ prefix: "standalone-v", suffix: "" }, ["standalone-v2.0.0"], "keep tag-newer-exists"],
    [{ prefix: "", suffix: "-alpine" }, ["2.0.0"], "move"],
    [{ prefix: "", suffix: "-alpine" }, ["2.0.0-debian"], "move"],
    [{ prefix: "", suffix: "-alpine" }, ["2.0.0-alpine"], "keep tag-newer-exists"],
    [{ prefix: "", suffix: "-alpine" }, ["2.0.0-rc.1-alpine"], "move"],
  ])("versions count in the form of the release only: %j among %j", (form, existing, expected) => {
    expect(decide(desired({ form }), live(), existing)).toBe(expected);
  });

  test.each<[string, readonly string[], string]>([
    ["2024.06.10", ["2024.05.02"], "move"],
    ["2024.05.02", ["2024.06.10"], "keep tag-newer-exists"],
    ["2024.06.10", ["2024.11.10"], "keep tag-newer-exists"],
    ["2024.11.10", ["2024.06.10"], "move"],
    ["1.2.3.9", ["1.2.3.10"], "keep tag-newer-exists"],
    ["1.2.3.10", ["1.2.3.9", "1.2.3", "1.2", "latest"], "move"],
    ["1.9", ["1.10"], "keep tag-newer-exists"],
    ["1.21.5", ["1.21", "1.22"], "keep tag-newer-exists"],
    ["2024-05-02", ["2024-06-10"], "keep tag-newer-exists"],
    ["20240502", ["20240610"], "keep tag-newer-exists"],
    ["20240502.1", ["20240502", "20240610.2"], "keep tag-newer-exists"],
    ["release-1.9", ["release-1.10"], "keep tag-newer-exists"],
    ["release-1.10", ["release-1.9", "2.0", "lts-3.0"], "move"],
    ["release_1_9", ["release_1_10"], "keep tag-newer-exists"],
    ["build-9", ["build-10"], "keep tag-newer-exists"],
    ["2024.06.10-rc1", ["2024.05.02"], "keep tag-prerelease"],
    ["2024.05.02", ["2024.04.01", "2024.06.10-rc1"], "move"],
    ["2024.05.02", ["2024.04.01", "2024.05.02-8.2", "2024.06.10-alpine"], "move"],
  ])("%s beside %j: %s", (version, existing, expected) => {
    expect(decide(desired({ version }), live(), existing, "diverged")).toBe(expected);
    const unmade = expected === "move" ? "create" : expected;
    expect(decide(desired({ version }), undefined, existing)).toBe(unmade);
  });

  test("where a rule says that versions have three numbers, names with fewer are floating tags", () => {
    const semver = desired({ form: { ...PLAIN, numbers: 3 } });
    expect(decide(semver, live(), ["2", "2.0", "1.9.3"], "diverged")).toBe("move");
    expect(decide(desired(), live(), ["2", "2.0", "1.9.3"], "diverged")).toBe("keep tag-newer-exists");
  });

  test.each<[string, readonly string[], string]>([
    ["5.2.2-211115", ["5.2.2", "5.2.2-211114", "5.2.1-220101"], "move"],
    ["5.2.2-211115", ["5.2.2-211116"], "keep tag-newer-exists"],
    ["5.2.2-ls9", ["5.2.2-ls10"], "keep tag-newer-exists"],
    ["5.2.2", ["5.2.2-1"], "keep tag-newer-exists"],
    ["5.2.3-1", ["5.2.2-2", "5.2.4-rc.1"], "move"],
    ["5.2.3-rc.1", ["5.2.2-2"], "keep tag-prerelease"],
    ["2024.05.01-2", ["2024.05.01-1", "2024.05.01"], "move"],
  ])("a suffix that is a build: %s beside %j: %s", (version, existing, expected) => {
    expect(decide(desired({ version, form: { ...PLAIN, builds: true } }), live(), existing)).toBe(expected);
  });

  test.each([
    ["5.2.2-211115", "; slipway-suffix=build on its tag rule makes the suffix a build"],
    ["2025.11.0-1", "; slipway-suffix=build on its tag rule makes the suffix a build"],
    ["5.2.2-rc.1", ""],
    ["5.2.2-alpha", ""],
    ["1.2rc1", ""],
  ])("the reason for a pre-release, %s, names the setting where it could be a build", (version, setting) => {
    expect(decideTag(desired({ version }), live(), [], "ancestor")).toMatchObject({
      reason: `${version} is a pre-release, and a pre-release moves no floating tag${setting}`,
    });
  });

  test("the reason names both versions", () => {
    expect(decideTag(desired(), live(), ["1.9.9", "2.0.0"], "unknown")).toEqual({
      action: "keep",
      code: "tag-newer-exists",
      reason: "2.0.0 exists and is newer than 1.9.4",
    });
  });
});

describe("a floating tag of a release without a version follows the commits", () => {
  test.each<[Ancestry, Partial<LiveTag>, string, string]>([
    ["ancestor", {}, "move", "move"],
    ["descendant", {}, "keep tag-not-descendant", "keep tag-not-descendant"],
    ["diverged", {}, "keep tag-not-descendant", "move"],
    ["unknown", {}, "keep tag-not-descendant", "move"],
    ["unknown", { revision: HERE }, "move", "move"],
  ])("it points to an %s %j: latest %s, main %s", (ancestry, at, latest, main) => {
    expect(decide(unversioned(), live(at), [], ancestry)).toBe(latest);
    expect(decide(branch(), live(at), [], ancestry)).toBe(main);
  });

  test("of an image that names no commit, a branch's tag moves and latest stays", () => {
    expect(decide(branch(), { digest: OLD })).toBe("move");
    expect(decide(unversioned(), { digest: OLD })).toBe("keep tag-not-descendant");
  });

  test("nothing there: it is made", () => {
    expect(decide(unversioned(), undefined)).toBe("create");
    expect(decide(branch(), undefined)).toBe("create");
  });

  test.each<[string, string, Partial<LiveTag>, readonly string[]]>([
    ["a name without a number", "custom", {}, ["2.0.0"]],
    ["a name without a number, another version there", "custom", { version: "2.0.0" }, ["2.0.0"]],
    ["a commit's name", "e123456", { version: "e999999" }, ["e999999"]],
    ["a commit's name that is all digits", "1111111", { version: "9999999" }, ["9999999"]],
    ["a version of another form", "hotfix-7", { version: "2.0.0" }, ["hotfix-6", "2.0.0"]],
    ["a build number after versions", "147", { version: "2.0.0" }, ["146", "2.0.0"]],
    ["the first of its form, over an unknown image", "hotfix-7", {}, ["2.0.0"]],
    ["the same day's other commit", "2024.05.01-3f2a9c0", { version: "2024.05.01-0aa9c01" }, []],
  ])("cannot be ordered: %s", (_, version, at, existing) => {
    const released = desired({ version });
    expect(decide(released, live(at), existing, "ancestor")).toBe("move");
    expect(decide(released, live(at), existing, "diverged")).toBe("keep tag-not-descendant");
    expect(decide(released, live(at), existing, "unknown")).toBe("keep tag-not-descendant");
    expect(decide(released, undefined, existing)).toBe("create");
  });

  test.each<[string, Partial<DesiredTag>, Partial<LiveTag>]>([
    ["a branch's image was there", { version: "2024.05.01" }, { version: "main" }],
    ["semver's rule knows no other versions", { form: { ...PLAIN, numbers: 3 } }, { version: "147" }],
    ["a rollback is on purpose", { version: "custom", rollback: {} }, { version: "2.0.0" }],
  ])("the commits do not decide: %s", (_, changes, at) => {
    expect(decide(desired(changes), live(at), [], "descendant")).toBe("move");
  });

  test("the plan says that the commit graph decided", () => {
    const hotfix = desired({ version: "hotfix-7" });
    const at = live({ version: "2.0.0" });
    const reason = "hotfix-7 and 2.0.0 cannot be ordered as versions, so the commit graph decided";
    expect(decideTag(hotfix, at, [], "ancestor")).toEqual({ action: "move", reason });
    expect(decideTag(hotfix, at, [], "diverged")).toMatchObject({
      reason: `${reason}: it points to sha256:000000000000 (2.0.0), which is no ancestor of this commit`,
    });
  });

  test.each<[Ancestry, LiveTag, string]>([
    ["descendant", live(), "it points to sha256:000000000000 (2222222), which is newer than this commit"],
    ["diverged", live(), "it points to sha256:000000000000 (2222222), which is no ancestor of this commit"],
    [
      "unknown",
      live(),
      "it points to sha256:000000000000 (2222222), a commit that this clone does not have; fetch the whole history",
    ],
    ["unknown", { digest: OLD }, "it points to sha256:000000000000, which does not say which commit it is"],
  ])("the reason says what it points to: %s", (ancestry, at, reason) => {
    expect(decideTag(unversioned(), at, [], ancestry)).toMatchObject({ reason });
  });
});

test("existingVersions reads versions of one form", () => {
  const names = [
    "v1.2.3-alpine",
    "v1.2.3",
    "1.2.3-alpine",
    "v1-alpine",
    "v-alpine",
    "v1.0.0b-alpine",
    "latest",
  ];
  const texts = existingVersions(names, { prefix: "v", suffix: "-alpine" }).map(({ text }) => text);
  expect(texts).toEqual(["1.2.3", "1", "1.0.0b"]);
});
