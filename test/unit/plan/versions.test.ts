import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  compareVersions,
  isPrerelease,
  matchesLine,
  newest,
  parseVersion,
  RELEASE_NAME_PATTERN,
  type Version,
} from "../../../plan/versions";

function version(text: string, prefix?: string): Version {
  const parsed = parseVersion(text, prefix === undefined ? {} : { prefix });
  if (parsed === undefined) throw new Error(`${text} is no version`);
  return parsed;
}

describe("parseVersion", () => {
  const SEMVER = { prefix: "", scheme: "semver", rebuild: "", prerelease: [], build: [] };

  it.each([
    ["1.2.3", { major: 1, minor: 2, patch: 3 }],
    ["v1.2.3", { major: 1, minor: 2, patch: 3 }],
    ["2025.11.0", { major: 2025, minor: 11, patch: 0 }],
    ["v1.15.12b", { major: 1, minor: 15, patch: 12, rebuild: "b" }],
    ["1.0.0-rc.1", { major: 1, minor: 0, patch: 0, prerelease: ["rc", 1] }],
    ["1.0.0+sha.5114f85", { major: 1, minor: 0, patch: 0, build: ["sha", "5114f85"] }],
    [
      "1.0.0c-beta.2+x-y",
      { major: 1, minor: 0, patch: 0, rebuild: "c", prerelease: ["beta", 2], build: ["x-y"] },
    ],
    ["147", { scheme: "number", major: 147, minor: 0, patch: 0 }],
    ["0", { scheme: "number", major: 0, minor: 0, patch: 0 }],
  ])("reads %s", (text, parts) => {
    expect(parseVersion(text)).toEqual({ ...SEMVER, text, ...parts });
  });

  it("cuts a prefix off, and wants it there", () => {
    expect(parseVersion("standalone-v0.2.1", { prefix: "standalone-" })).toEqual({
      ...SEMVER,
      text: "standalone-v0.2.1",
      prefix: "standalone-",
      major: 0,
      minor: 2,
      patch: 1,
    });
    expect(parseVersion("v0.2.1", { prefix: "standalone-" })).toBeUndefined();
    expect(parseVersion("standalone-v0.2.1")).toBeUndefined();
  });

  it.each([
    "",
    "v",
    "latest",
    "1.2",
    "v1.2",
    "1.2.3.4",
    "01.2.3",
    "1.02.3",
    "1.2.3-",
    "1.2.3-01",
    "1.2.3-a..b",
    "1.2.3+",
    "V1.2.3",
    "1.2.3B",
    "1.2.3b1",
    "1.2.3rc1",
    "1.2.3beta",
    "1.2.3 ",
    " 1.2.3",
    "1.2.3\n",
    "007",
    "-1",
    "v147",
    "1e3",
    "9007199254740993",
    "1.2.9007199254740993",
    "sha-0123abc",
    "１.2.3",
  ])("reads nothing in %j", (text) => {
    expect(parseVersion(text)).toBeUndefined();
  });
});

describe("compareVersions", () => {
  it("orders as releases follow each other", () => {
    const ordered = [
      "0",
      "9",
      "147",
      "2025",
      "0.0.1-0",
      "0.0.1",
      "1.0.0-1",
      "1.0.0-2",
      "1.0.0-10",
      "1.0.0-alpha",
      "1.0.0-alpha.1",
      "1.0.0-alpha.beta",
      "1.0.0-beta",
      "1.0.0-beta.2",
      "1.0.0-beta.11",
      "1.0.0-rc.1",
      "1.0.0",
      "1.0.0+a",
      "1.0.0+b",
      "1.9.4",
      "1.10.0",
      "1.15.12",
      "1.15.12b-rc.1",
      "1.15.12b",
      "v1.15.12c",
      "1.15.12z",
      "1.15.12aa",
      "1.15.13-rc.1",
      "v1.15.13",
      "2.0.0",
      "2025.11.0",
      "2025.11.1",
    ];
    for (const [left, a] of ordered.entries()) {
      for (const [right, b] of ordered.entries()) {
        expect([a, b, compareVersions(version(a), version(b))]).toEqual([a, b, Math.sign(left - right)]);
      }
    }
  });

  it("takes v and prefix for no difference", () => {
    expect(compareVersions(version("v1.2.3"), version("1.2.3"))).toBe(0);
    expect(compareVersions(version("lane-v1.2.3", "lane-"), version("1.2.3"))).toBe(0);
  });

  const small = fc.integer({ min: 0, max: 3 });
  const identifier = fc.oneof(small.map(String), fc.constantFrom("a", "b", "rc", "a-1", "1a"));
  const identifiers = fc.array(identifier, { maxLength: 3 });
  const text = fc.oneof(
    small.map(String),
    fc
      .tuple(
        fc.constantFrom("", "v"),
        small,
        small,
        small,
        fc.constantFrom("", "b", "c", "aa"),
        identifiers,
        identifiers,
      )
      .map(([v, major, minor, patch, letters, pre, build]) => {
        const suffix = (mark: string, list: string[]) => (list.length === 0 ? "" : mark + list.join("."));
        return `${v}${major}.${minor}.${patch}${letters}${suffix("-", pre)}${suffix("+", build)}`;
      }),
  );
  const any = text.map((written) => version(written));

  it("is antisymmetric, and reflexive", () => {
    fc.assert(
      fc.property(any, any, (a, b) => {
        expect(compareVersions(a, b) + compareVersions(b, a)).toBe(0);
        expect(compareVersions(a, a)).toBe(0);
      }),
      { numRuns: 2000 },
    );
  });

  it("is transitive", () => {
    fc.assert(
      fc.property(any, any, any, (a, b, c) => {
        const [first, second, third] = [a, b, c].sort(compareVersions);
        if (first === undefined || second === undefined || third === undefined)
          throw new Error("three went in");
        expect(compareVersions(first, second)).toBeLessThanOrEqual(0);
        expect(compareVersions(second, third)).toBeLessThanOrEqual(0);
        expect(compareVersions(first, third)).toBeLessThanOrEqual(0);
      }),
      { numRuns: 2000 },
    );
  });

  it("is 0 for one version only, however it is written", () => {
    fc.assert(
      fc.property(any, any, (a, b) => {
        const bare = ({ text: written }: Version) => written.replace(/^v/, "");
        expect(compareVersions(a, b) === 0).toBe(bare(a) === bare(b));
      }),
      { numRuns: 2000 },
    );
  });

  it("puts every rebuild between its patch and the next", () => {
    fc.assert(
      fc.property(small, small, small, fc.stringMatching(/^[a-z]{1,2}$/), (major, minor, patch, letters) => {
        fc.pre(letters !== "rc");
        const rebuild = version(`${major}.${minor}.${patch}${letters}`);
        expect(compareVersions(version(`${major}.${minor}.${patch}`), rebuild)).toBe(-1);
        expect(compareVersions(rebuild, version(`${major}.${minor}.${patch + 1}-0`))).toBe(-1);
      }),
    );
  });
});

describe("lines and the newest", () => {
  it("knows a version's lines", () => {
    expect(matchesLine(version("1.9.4"), { major: 1 })).toBe(true);
    expect(matchesLine(version("1.9.4"), { major: 1, minor: 9 })).toBe(true);
    expect(matchesLine(version("1.9.4"), { major: 1, minor: 8 })).toBe(false);
    expect(matchesLine(version("2.9.4"), { major: 1 })).toBe(false);
  });

  it("finds the newest, pre-releases only where asked for", () => {
    const versions = ["1.2.3", "2.1.0-rc.1", "2.0.0", "1.9.4", "20251101"].map((text) => version(text));
    expect(newest(versions)?.text).toBe("2.0.0");
    expect(newest(versions, { includePrerelease: true })?.text).toBe("2.1.0-rc.1");
    expect(newest([version("1.0.0-rc.1")])).toBeUndefined();
    expect(newest([])).toBeUndefined();
    expect(isPrerelease(version("1.0.0b"))).toBe(false);
  });
});

describe("RELEASE_NAME_PATTERN", () => {
  it.each([
    "v1.2.3",
    "standalone-v0.2.1",
    "2025.11.0",
    "147",
    "1.0.0+x",
    "app@1.0.0",
    "@octo/app@1.0.0",
    "release/1.0",
    "_x",
  ])("allows %s", (name) => {
    expect(RELEASE_NAME_PATTERN.test(name)).toBe(true);
  });

  it.each([
    "",
    "-x",
    "--upload-pack=x",
    ".x",
    "a..b",
    "a//b",
    "a/",
    "/a",
    "a.",
    "x.lock",
    "a@{0}",
    "@",
    "@@x",
    "v1;rm -rf /",
    "$(x)",
    "$" + "{{ x }}",
    "a b",
    "a\nb",
    "a\n",
    "`x`",
    "a'b",
    'a"b',
    "a|b",
    "a&b",
    "a>b",
    "a*",
    "é",
    "x".repeat(129),
  ])("refuses %j", (name) => {
    expect(RELEASE_NAME_PATTERN.test(name)).toBe(false);
  });
});
