import { describe, expect, test } from "vitest";
import type { Digest } from "../../../src/plan/digest";
import { findVersion } from "../../../src/plan/existing-release";
import type { FoundImage } from "../../../src/plan/registry-state";
import { decideRollback } from "../../../src/plan/rollback";
import { type DesiredTag, decideTag, newerVersion } from "../../../src/plan/tag-policy";

const OLD: Digest = `sha256:${"a".repeat(64)}`;
const NEW: Digest = `sha256:${"b".repeat(64)}`;

function desired(version: string, more: Partial<DesiredTag> = {}): DesiredTag {
  return {
    name: "latest",
    class: "floating",
    line: {},
    form: { prefix: "", suffix: "" },
    version,
    revision: "c".repeat(40),
    digest: NEW,
    overridden: false,
    ...more,
  };
}

const LIVE = { digest: OLD, version: "1.2.3" };

describe("latest, at 1.2.3, with 1.2.2 and 1.2.3 released", () => {
  const existing = ["1.2.2", "1.2.3"];
  test.each<[string, DesiredTag, readonly string[], object]>([
    ["1.2.2 is older", desired("1.2.2"), existing, { action: "keep", code: "tag-newer-exists" }],
    ["1.2.3 is bad", desired("1.2.2", { bad: ["1.2.3"] }), existing, { action: "move" }],
    ["however it is written", desired("1.2.2", { bad: ["v1.2.3"] }), existing, { action: "move" }],
    [
      "another version is bad",
      desired("1.2.2", { bad: ["1.2.1"] }),
      existing,
      { action: "keep", code: "tag-newer-exists" },
    ],
    [
      "the bad one itself",
      desired("1.2.3", { bad: ["1.2.3"] }),
      existing,
      { action: "keep", code: "tag-bad-version" },
    ],
    ["a newer one is good", desired("1.2.4", { bad: ["1.2.3"] }), existing, { action: "move" }],
    [
      "a rollback behind a good one",
      desired("1.2.1", { bad: ["1.2.3"], rollback: { until: "1.2.3" } }),
      existing,
      { action: "move" },
    ],
    [
      "a name without an order is bad",
      desired("e123456", { bad: ["e123456"] }),
      existing,
      { action: "keep", code: "tag-bad-version" },
    ],
    [
      "a name without an order, rolled back to",
      desired("e123456", { rollback: {} }),
      existing,
      { action: "move" },
    ],
    ["a rollback without an end", desired("1.2.1", { rollback: {} }), existing, { action: "move" }],
    [
      "a rollback that a newer version ended",
      desired("1.2.2", { bad: ["1.2.3"], rollback: { until: "1.2.3" } }),
      [...existing, "1.2.4"],
      { action: "keep", code: "tag-newer-exists", reason: "1.2.4 exists and is newer than 1.2.2" },
    ],
  ])("%s", (_, tag, names, expected) => {
    expect(decideTag(tag, LIVE, names, "unknown")).toMatchObject(expected);
  });

  test("at the moment of writing a bad version does not take the tag back", () => {
    expect(newerVersion(desired("1.2.2", { bad: ["1.2.3"] }), existing)).toBeUndefined();
    expect(newerVersion(desired("1.2.2"), existing)?.text).toBe("1.2.3");
  });
});

describe("a rollback", () => {
  const rollback = { to: "v1.2.2", bad: ["v1.2.3"] };
  const base = { rollback, image: "app", to: "1.2.2", bad: ["1.2.3"], incoming: undefined };
  test.each([
    ["holds for a commit without a version", {}, { holds: true, until: "1.2.3" }],
    ["holds for the bad version", { incoming: "1.2.3" }, { holds: true, until: "1.2.3" }],
    ["holds for a backport", { incoming: "1.1.9" }, { holds: true, until: "1.2.3" }],
    [
      "ends with a newer version",
      { incoming: "1.2.4" },
      {
        holds: false,
        notice: "app: the rollback to v1.2.2 ends with 1.2.4, which is newer than 1.2.3",
      },
    ],
    ["holds without an end if there are no bad versions", { bad: [], incoming: "9.0.0" }, { holds: true }],
    [
      "is not this image's by name",
      { image: "web", rollback: { ...rollback, images: ["app"] } },
      { holds: false },
    ],
    ["is not this image's by version", { to: undefined }, { holds: false }],
    ["does not hold without a target", { rollback: { bad: ["v1.2.3"] }, to: undefined }, { holds: false }],
  ])("%s", (_, more, expected) => {
    expect(decideRollback({ ...base, ...more })).toEqual(expected);
  });
});

describe("a version in the registries", () => {
  const statement = {
    schema: 1 as const,
    image: "app",
    lane: "",
    version: "1.2.2",
    revision: "d".repeat(40),
    contentKey: "key",
    platforms: ["linux/amd64"],
    inputs: {},
    bases: {},
    repositories: ["one/app"],
  };
  const there: FoundImage = {
    digest: OLD,
    mediaType: "application/vnd.oci.image.index.v1+json",
    platforms: ["linux/amd64"],
    annotations: {},
    statements: [statement],
  };
  const base = {
    image: "app",
    verification: { name: "app", lane: "", signing: false, adopt: [], previous: undefined },
    name: "v1.2.2",
    version: "1.2.2",
    path: "rollback.to",
    repositories: ["one/app", "two/app"],
    tags: ["1.2.2"],
    overridden: false,
  };

  test("is its tag's digest, as its statement says", () => {
    const found = { "one/app:1.2.2": there };
    expect(findVersion({ ...base, found })).toEqual({
      tag: "1.2.2",
      verifiedBy: "registry",
      problems: [],
      release: {
        name: "app",
        digest: OLD,
        version: "1.2.2",
        revision: "d".repeat(40),
        ref: "refs/tags/v1.2.2",
        contentKey: "key",
        platforms: ["linux/amd64"],
        repositories: ["one/app"],
        statement,
      },
    });
  });

  test.each<[string, Readonly<Record<string, FoundImage>>, string]>([
    ["it is not there", {}, "version-not-found"],
    [
      "two registries differ",
      { "one/app:1.2.2": there, "two/app:1.2.2": { ...there, digest: NEW } },
      "version-differs-between-registries",
    ],
    ["nothing states it", { "one/app:1.2.2": { ...there, statements: [] } }, "version-not-stated"],
    [
      "it is stated of another image",
      { "one/app:1.2.2": { ...there, statements: [{ ...statement, image: "web" }] } },
      "version-not-stated",
    ],
    [
      "it is stated of another lane",
      { "one/app:1.2.2": { ...there, statements: [{ ...statement, lane: "standalone" }] } },
      "version-not-stated",
    ],
    [
      "another version is stated",
      { "one/app:1.2.2": { ...there, statements: [{ ...statement, version: "1.2.3" }] } },
      "version-not-stated",
    ],
  ])("is refused if %s", (_, found, code) => {
    const result = findVersion({ ...base, found });
    expect(result.release).toBeUndefined();
    expect(result.problems.map((problem) => problem.code)).toEqual([code]);
  });

  test("needs no statement if slipway:override names it", () => {
    const found = { "one/app:1.2.2": { ...there, statements: [] } };
    expect(findVersion({ ...base, found, overridden: true }).release?.digest).toBe(OLD);
  });
});
