import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  compareVersions,
  isPrerelease,
  newest,
  parseVersion,
  RELEASE_NAME_PATTERN,
  type Version,
  type VersionReading,
} from "../../../src/plan/versions";

function version(text: string, reading: VersionReading = {}): Version {
  const parsed = parseVersion(text, reading);
  if (parsed === undefined) throw new Error(`${text} is not a version`);
  return parsed;
}

describe("parseVersion", () => {
  const STABLE = { scheme: "semver", form: "N.N", rebuild: "", prerelease: [], build: [], commit: "" };
  const NUMBERS = { ...STABLE, scheme: "numbers" };

  it.each([
    ["1.2.3", { runs: [[1, 2, 3]] }],
    ["v1.2.3", { runs: [[1, 2, 3]] }],
    ["2025.11.0", { runs: [[2025, 11, 0]] }],
    ["v1.15.12b", { runs: [[1, 15, 12]], rebuild: "b" }],
    ["1.0.0-rc.1", { runs: [[1, 0, 0]], prerelease: ["rc", 1] }],
    ["1.0.0+sha.5114f85", { runs: [[1, 0, 0]], build: ["sha", "5114f85"] }],
    ["1.0.0c-beta.2+x-y", { runs: [[1, 0, 0]], rebuild: "c", prerelease: ["beta", 2], build: ["x-y"] }],
    ["standalone-v0.2.1-alpha", { form: "standalone-vN.N", runs: [[0, 2, 1]], prerelease: ["alpha"] }],
    ["k8s-v0.2.1", { form: "kNs-vN.N", runs: [[8], [0, 2, 1]] }],
  ])("reads %s as semver", (text, parts) => {
    expect(parseVersion(text)).toEqual({ ...STABLE, text, ...parts });
  });

  it.each([
    ["147", { form: "N", runs: [[147]] }],
    ["v147", { form: "N", runs: [[147]] }],
    ["007", { form: "N", runs: [[7]] }],
    ["2024.05", { runs: [[2024, 5]] }],
    ["2024.05.01", { runs: [[2024, 5, 1]] }],
    ["v2024.05.01a", { runs: [[2024, 5, 1]], rebuild: "a" }],
    ["2024.05.01-2", { form: "N.N-N", runs: [[2024, 5, 1], [2]] }],
    ["2024-05-01", { form: "N-N-N", runs: [[2024], [5], [1]] }],
    ["20240501", { form: "N", runs: [[20240501]] }],
    ["20240501.2", { runs: [[20240501, 2]] }],
    [
      "RELEASE.2024-05-01T01-11-10Z",
      { form: "RELEASE.N-N-NTN-N-NZ", runs: [[2024], [5], [1], [1], [11], [10]] },
    ],
    ["1.2.3.4", { runs: [[1, 2, 3, 4]] }],
    ["1.2.3.4-ls10", { form: "N.N-lsN", runs: [[1, 2, 3, 4], [10]] }],
    ["8u292-b10", { form: "NuN-bN", runs: [[8], [292], [10]] }],
    ["release-1.10", { form: "release-N.N", runs: [[1, 10]] }],
    ["REL_16_1", { form: "REL_N_N", runs: [[16, 1]] }],
    ["build-7", { form: "build-N", runs: [[7]] }],
    ["b4567", { form: "bN", runs: [[4567]] }],
    ["1.2rc1", { runs: [[1, 2]], prerelease: ["rc", 1] }],
    ["1.2.3b1", { runs: [[1, 2, 3]], prerelease: ["b", 1] }],
    ["1.2.3beta", { runs: [[1, 2, 3]], prerelease: ["beta"] }],
    ["5.0.0.M1", { runs: [[5, 0, 0]], prerelease: ["m", 1] }],
    ["2024.05-SNAPSHOT", { runs: [[2024, 5]], prerelease: ["snapshot"] }],
    ["release-1.10-rc.2", { form: "release-N.N", runs: [[1, 10]], prerelease: ["rc", 2] }],
    ["1.2.post1", { runs: [[1, 2]], build: [1] }],
    ["1.2.3.post1.dev2", { runs: [[1, 2, 3]], build: [1], prerelease: ["dev", 2] }],
    ["2024.05.01-3f2a9c0", { runs: [[2024, 5, 1]], commit: "3f2a9c0" }],
    ["20240501-1200-g3f2a9c0", { form: "N-N", runs: [[20240501], [1200]], commit: "3f2a9c0" }],
  ])("reads the numbers of %s", (text, parts) => {
    expect(parseVersion(text)).toEqual({ ...NUMBERS, text, ...parts });
  });

  it.each([
    "",
    "v",
    "latest",
    "deployed-to-stage",
    "1.2.3+",
    "1.2.3 ",
    " 1.2.3",
    "1.2.3\n",
    "-1",
    "9007199254740993",
    "1.2.9007199254740993",
    "e123456",
    "860c1904a1ce19322e91ac35af1ab07466440c37",
    "main-3f2a9c0",
    "１.2.3",
    `1.${"2".repeat(127)}`,
  ])("reads nothing in %j", (text) => {
    expect(parseVersion(text)).toBeUndefined();
  });

  it.each(["1.2", "2", "1.2.3.4", "latest"])("with three numbers, reads nothing in %s", (text) => {
    expect(parseVersion(text, { numbers: 3 })).toBeUndefined();
    expect(parseVersion("1.2.3", { numbers: 3 })).toEqual(parseVersion("1.2.3"));
  });

  it.each([
    ["5.2.2-211115", [211115], []],
    ["v1.28.3-k3s1", ["k", 3, "s", 1], []],
    ["2024.05.01-2", [2], []],
    ["5.2.2-rc.1", [], ["rc", 1]],
    ["5.2.2-alpha", [], ["alpha"]],
    ["5.2.2-alpine", [], ["alpine"]],
    ["5.2.2", [], []],
  ])("with builds, %s has the build %j and the pre-release %j", (text, build, prerelease) => {
    expect(parseVersion(text, { builds: true })).toMatchObject({ text, form: "N.N", build, prerelease });
  });
});

describe("compareVersions", () => {
  it("orders versions as they are released", () => {
    const ordered = [
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

  it.each([
    ["0 9 147 2025 20240501"],
    ["1.2 1.2.0 v1.2.0.0 1.2.1 1.9 1.10 1.10b 1.11-rc1 1.11rc2 1.11"],
    ["2024.05.01 2024.06.10 2024.6.11 2024.06.12.1 2024.11.10 2025.01"],
    ["2024-05-01 2024-5-2 2024-06-10"],
    ["1.2a1 1.2b1 1.2rc1 1.2 1.2.post1 1.2.post2 1.3"],
    ["2024.05.01-1 2024.05.01-2 2024.05.01-10 2024.05.02-1"],
    ["release-1.9 release-1.9.1 release-1.10-rc.1 release-1.10"],
    ["REL_9_6_24 REL_16_1"],
    ["RELEASE.2024-05-01T01-11-10Z RELEASE.2024-05-01T02-00-00Z RELEASE.2025-01-01T00-00-00Z"],
    ["standalone-v0.2.1-alpha standalone-v0.2.1 standalone-v0.10.0"],
    ["1.2.3.4-ls9 1.2.3.4-ls10 1.2.3.5-ls1"],
    ["2024.05.01-3f2a9c0 2024.05.02-0aa9c01"],
  ])("orders as numbers: %s", (line) => {
    const ordered = line.split(" ").map((text) => version(text));
    for (const [left, a] of ordered.entries()) {
      for (const [right, b] of ordered.entries()) {
        expect([a.text, b.text, compareVersions(a, b)]).toEqual([a.text, b.text, Math.sign(left - right)]);
      }
    }
  });

  it.each([
    ["147", "1.2.3"],
    ["20240501", "2024.05.01"],
    ["2024-05-01", "2024.05.01"],
    ["release-1.10", "1.10"],
    ["build-7", "hotfix-8"],
    ["standalone-v1.0.0", "v1.0.0"],
    ["1.2.3.4", "1.2.3.4-alpine"],
    ["2024.05.01", "2024.05.01-8.2"],
    ["2024.05.01-3f2a9c0", "2024.05.01-0aa9c01"],
  ])("%s and %s cannot be ordered", (a, b) => {
    expect(compareVersions(version(a), version(b))).toBeUndefined();
    expect(compareVersions(version(b), version(a))).toBeUndefined();
  });

  it("orders builds after the version without one", () => {
    const ordered = ["5.2.2-rc.1", "5.2.2", "5.2.2-211115", "5.2.2-211116", "5.2.3", "5.2.10-1"];
    const builds = ordered.map((text) => version(text, { builds: true }));
    expect(
      [...builds]
        .reverse()
        .sort(inOrder)
        .map(({ text }) => text),
    ).toEqual(ordered);
  });

  it("ignores a leading v", () => {
    expect(compareVersions(version("v1.2.3"), version("1.2.3"))).toBe(0);
    expect(compareVersions(version("v1.10"), version("1.10"))).toBe(0);
  });

  function inOrder(a: Version, b: Version): number {
    const order = compareVersions(a, b);
    if (order === undefined) throw new Error(`${a.text} and ${b.text} cannot be ordered`);
    return order;
  }

  const small = fc.integer({ min: 0, max: 3 });
  const identifier = fc.oneof(small.map(String), fc.constantFrom("a", "b", "rc", "a-1", "1a"));
  const identifiers = fc.array(identifier, { maxLength: 3 });
  const text = fc.oneof(
    fc.tuple(small, small).map(([major, minor]) => `${major}.${minor}`),
    fc.tuple(small, small).map(([major, minor]) => `${major}.${minor}.0.1`),
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

  it("is antisymmetric and reflexive", () => {
    fc.assert(
      fc.property(any, any, (a, b) => {
        expect(inOrder(a, b) + inOrder(b, a)).toBe(0);
        expect(compareVersions(a, a)).toBe(0);
      }),
      { numRuns: 2000 },
    );
  });

  it("is transitive", () => {
    fc.assert(
      fc.property(any, any, any, (a, b, c) => {
        const [first, second, third] = [a, b, c].sort(inOrder);
        if (first === undefined || second === undefined || third === undefined)
          throw new Error("three went in");
        expect(compareVersions(first, second)).toBeLessThanOrEqual(0);
        expect(compareVersions(second, third)).toBeLessThanOrEqual(0);
        expect(compareVersions(first, third)).toBeLessThanOrEqual(0);
      }),
      { numRuns: 2000 },
    );
  });

  it("is 0 only for the same version, with or without v", () => {
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

describe("newest", () => {
  it.each([
    ["1.9.4", { major: 1 }, true],
    ["1.9.4", { major: 1, minor: 9 }, true],
    ["1.9.4", { major: 1, minor: 8 }, false],
    ["2.9.4", { major: 1 }, false],
    ["1.2.3.4", { major: 1, minor: 2, patch: 3 }, true],
    ["1.2.4.4", { major: 1, minor: 2, patch: 3 }, false],
    ["1.2", { major: 1, minor: 2, patch: 0 }, true],
    ["2024-05-01", { major: 2024, minor: 5 }, true],
  ])("%s is in the line %j: %s", (text, line, expected) => {
    expect(newest([version(text)], { line }) !== undefined).toBe(expected);
  });

  it("counts pre-releases only if asked to", () => {
    const versions = ["1.2.3", "2.1.0-rc.1", "2.0.0", "1.9.4"].map((text) => version(text));
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
