import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Digest } from "../../../plan/digest";
import { type Ancestry, decideTag, type LiveTag, type TagWish } from "../../../plan/tag-policy";
import { compareVersions, isPrerelease, parseVersion } from "../../../plan/versions";

const OLD: Digest = `sha256:${"0".repeat(64)}`;
const NEW: Digest = `sha256:${"1".repeat(64)}`;
const REVISION = "a".repeat(40);
const FORM = { prefix: "", suffix: "" };

function wish(changes: Partial<TagWish>): TagWish {
  return {
    name: "latest",
    class: "floating",
    line: {},
    form: FORM,
    version: "1.2.3",
    revision: REVISION,
    digest: NEW,
    overruled: false,
    ...changes,
  };
}

const unversioned = ({ version: _, ...rest }: TagWish): TagWish => rest;
const withoutLine = ({ line: _, ...rest }: TagWish): TagWish => rest;
const branch = (changes: Partial<TagWish> = {}) =>
  withoutLine(unversioned(wish({ name: "main", ...changes })));

interface Row {
  readonly promise: string;
  readonly wish: TagWish;
  readonly live?: LiveTag;
  readonly existing?: readonly string[];
  readonly ancestry?: Ancestry;
  readonly action: string;
}

const live = { digest: OLD, version: "1.2.2", revision: "b".repeat(40) };

const ROWS: readonly Row[] = [
  { promise: "a new tag is made", wish: wish({}), action: "create" },
  {
    promise: "the same digest is no write",
    wish: wish({ class: "version" }),
    live: { digest: NEW },
    action: "unchanged",
  },
  { promise: "a version tag is write-once", wish: wish({ class: "version" }), live, action: "refuse" },
  {
    promise: "unless its owner overrules it",
    wish: wish({ class: "version", overruled: true }),
    live,
    action: "move",
  },
  {
    promise: "latest moves to a newer version",
    wish: wish({}),
    live,
    existing: ["1.2.2", "1.2.3"],
    action: "move",
  },
  { promise: "a backport leaves latest", wish: wish({}), live, existing: ["2.0.0"], action: "keep" },
  { promise: "also where latest is missing", wish: wish({}), existing: ["2.0.0"], action: "keep" },
  {
    promise: "a backport moves its own line",
    wish: wish({ name: "1", line: { major: 1 } }),
    live,
    existing: ["2.0.0", "1.2.2"],
    action: "move",
  },
  {
    promise: "but not against its line",
    wish: wish({ name: "1", line: { major: 1 } }),
    live,
    existing: ["1.10.0"],
    action: "keep",
  },
  {
    promise: "a minor line is its own",
    wish: wish({ name: "1.2", line: { major: 1, minor: 2 } }),
    live,
    existing: ["1.10.0"],
    action: "move",
  },
  {
    promise: "a pre-release moves no floating tag",
    wish: wish({ version: "2.0.0-rc.1" }),
    live,
    action: "keep",
  },
  {
    promise: "a pre-release that exists holds nobody back",
    wish: wish({}),
    live,
    existing: ["2.0.0-rc.1"],
    action: "move",
  },
  {
    promise: "a letter rebuild is newer than its version",
    wish: wish({ version: "1.2.3b" }),
    live,
    existing: ["1.2.3"],
    action: "move",
  },
  {
    promise: "and older than the next",
    wish: wish({ version: "1.2.3b" }),
    live,
    existing: ["1.2.4"],
    action: "keep",
  },
  {
    promise: "floating tags are no versions",
    wish: wish({}),
    live,
    existing: ["9", "9.9", "latest", "sha-1234567"],
    action: "move",
  },
  {
    promise: "another form's versions do not count",
    wish: wish({ form: { prefix: "standalone-v", suffix: "" } }),
    live,
    existing: ["9.0.0"],
    action: "move",
  },
  {
    promise: "a commit's tag moves within the commit",
    wish: wish({ class: "revision" }),
    live: { digest: OLD, revision: REVISION },
    action: "move",
  },
  { promise: "and not to another commit", wish: wish({ class: "revision" }), live, action: "refuse" },
  {
    promise: "a branch's tag moves to a later commit",
    wish: branch(),
    live,
    ancestry: "ancestor",
    action: "move",
  },
  { promise: "and not back to an earlier one", wish: branch(), live, ancestry: "descendant", action: "keep" },
  { promise: "a rewritten branch may move", wish: branch(), live, ancestry: "diverged", action: "move" },
  {
    promise: "latest without a version moves to a later commit",
    wish: unversioned(wish({})),
    live,
    ancestry: "ancestor",
    action: "move",
  },
  { promise: "and to no other", wish: unversioned(wish({})), live, ancestry: "diverged", action: "keep" },
  {
    promise: "nor where nobody knows",
    wish: unversioned(wish({})),
    live,
    ancestry: "unknown",
    action: "keep",
  },
];

test.each(ROWS)("$promise", ({ wish: wanted, live: found, existing = [], ancestry = "unknown", action }) => {
  expect(decideTag(wanted, found, existing, ancestry).action).toBe(action);
});

describe("whatever the order of releases", () => {
  const version = fc
    .tuple(
      fc.nat({ max: 3 }),
      fc.nat({ max: 3 }),
      fc.nat({ max: 3 }),
      fc.constantFrom("", "", "", "-rc.1", "b"),
    )
    .map(([major, minor, patch, rest]) => `${major}.${minor}.${patch}${rest}`);
  const releases = fc.uniqueArray(version, { minLength: 1, maxLength: 12 });

  test("each floating tag is its line's newest release, and version tags never change", () => {
    fc.assert(
      fc.property(releases, (order) => {
        const registry = new Map<string, string>();
        for (const released of order) {
          const before = new Map(registry);
          release(registry, released);
          for (const [tag, value] of before)
            if (parseVersion(tag)?.text.includes(".")) expectVersionKept(registry, tag, value);
          expectNewest(registry, order.slice(0, order.indexOf(released) + 1));
        }
        const again = new Map(registry);
        for (const released of order) release(registry, released);
        expect(registry).toEqual(again);
      }),
    );
  });

  /** A registry is a map from tag to version; digests are the versions' own. */
  function release(registry: Map<string, string>, released: string): void {
    const parsed = parseVersion(released);
    if (parsed === undefined) throw new Error(`${released} is no version`);
    const { major, minor } = parsed;
    const wishes: [string, TagWish["class"], TagWish["line"]][] = [
      [released, "version", undefined],
      [`${major}.${minor}`, "floating", { major, minor }],
      [`${major}`, "floating", { major }],
      ["latest", "floating", {}],
    ];
    for (const [name, tagClass, line] of wishes) {
      const now = registry.get(name);
      const wanted = wish({
        name,
        class: tagClass,
        version: released,
        digest: digestOf(released),
        ...(line === undefined ? {} : { line }),
      });
      const found = now === undefined ? undefined : { digest: digestOf(now), version: now };
      const { action } = decideTag(wanted, found, [...registry.keys()], "unknown");
      if (action === "create" || action === "move") registry.set(name, released);
    }
  }

  function digestOf(text: string): Digest {
    return `sha256:${Buffer.from(text).toString("hex").padEnd(64, "0")}`;
  }

  function expectVersionKept(registry: Map<string, string>, tag: string, value: string): void {
    if (tag === value) expect(registry.get(tag)).toBe(value);
  }

  function expectNewest(registry: Map<string, string>, soFar: readonly string[]): void {
    const stable = soFar
      .flatMap((text) => parseVersion(text) ?? [])
      .filter((parsed) => !isPrerelease(parsed))
      .sort(compareVersions);
    expect(registry.get("latest")).toBe(stable.at(-1)?.text);
    for (const major of [0, 1, 2, 3]) {
      const line = stable.filter((parsed) => parsed.major === major);
      expect(registry.get(`${major}`)).toBe(line.at(-1)?.text);
    }
  }
});
