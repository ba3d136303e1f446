import { expect, test } from "vitest";
import { comparePackages, packageChangesText } from "../../../src/report/package-changes";
import { sbomPackages } from "../../../src/signing/build-statements";

/** As BuildKit's generator writes it: the image itself is a package that the document describes. */
function spdx(...packages: readonly [name: string, version?: string][]): object {
  return {
    spdxVersion: "SPDX-2.3",
    packages: [
      { SPDXID: "SPDXRef-image", name: "/run/src/core/sbom" },
      ...packages.map(([name, versionInfo]) => ({ SPDXID: `SPDXRef-${name}`, name, versionInfo })),
    ],
    relationships: [{ relationshipType: "DESCRIBES", relatedSpdxElement: "SPDXRef-image" }],
  };
}

const packagesOf = (document: object) => sbomPackages(document) ?? [];

const OLD = spdx(
  ["openssl", "3.0.11-1"],
  ["zlib1g", "1.2.13"],
  ["semver", "6.3.1"],
  ["semver", "7.5.4"],
  ["tzdata", "2024a"],
);

test.each<[string, object, object, string[]]>([
  ["nothing", OLD, OLD, ["linux/amd64: the same packages"]],
  [
    "the order of the documents",
    spdx(["a", "1"], ["b", "2"]),
    spdx(["b", "2"], ["a", "1"], ["a", "1"]),
    ["linux/amd64: the same packages"],
  ],
  [
    "a newer version",
    OLD,
    spdx(
      ["openssl", "3.0.13-1"],
      ["zlib1g", "1.2.13"],
      ["semver", "6.3.1"],
      ["semver", "7.5.4"],
      ["tzdata", "2024a"],
    ),
    ["linux/amd64:", "  ~ openssl  3.0.11-1 → 3.0.13-1"],
  ],
  [
    "one that came, one that went",
    spdx(["curl", "8"], ["wget", "1"]),
    spdx(["ca-certificates", "2"], ["curl", "8"]),
    ["linux/amd64:", "  + ca-certificates  2", "  - wget             1"],
  ],
  [
    "one of two versions",
    spdx(["semver", "6.3.1"], ["semver", "7.5.4"]),
    spdx(["semver", "6.3.1"], ["semver", "7.6.0"]),
    ["linux/amd64:", "  ~ semver  7.5.4 → 7.6.0"],
  ],
  [
    "a version less",
    spdx(["semver", "6.3.1"], ["semver", "7.5.4"]),
    spdx(["semver", "7.5.4"]),
    ["linux/amd64:", "  - semver  6.3.1"],
  ],
  ["no version", spdx(["app"]), spdx(["app", "1"]), ["linux/amd64:", "  ~ app  without a version → 1"]],
  ["an empty document", spdx(), spdx(["app", "1"]), ["linux/amd64:", "  + app  1"]],
  [
    "a name that every object has",
    spdx(["constructor", "1"]),
    spdx(["constructor", "2"]),
    ["linux/amd64:", "  ~ constructor  1 → 2"],
  ],
])("the packages of two images differ in %s", (_, before, after, expected) => {
  const changes = comparePackages(
    { "linux/amd64": packagesOf(before) },
    { "linux/amd64": packagesOf(after) },
  );
  expect(packageChangesText(changes)).toEqual(expected);
});

test("platforms with the same changes share them, and one that only one image has is left out", () => {
  const [one, two] = [packagesOf(spdx(["a", "1"])), packagesOf(spdx(["a", "2"]))];
  const changes = comparePackages(
    { "linux/arm64": one, "linux/amd64": one, "linux/s390x": one, "linux/386": one },
    { "linux/amd64": two, "linux/arm64": two, "linux/s390x": one, "linux/riscv64": two },
  );
  expect(packageChangesText(changes)).toEqual([
    "linux/amd64, linux/arm64:",
    "  ~ a  1 → 2",
    "linux/s390x: the same packages",
  ]);
});

test("a long list is cut where that is asked for", () => {
  const many = (version: string) => Array.from({ length: 30 }, (_, at) => ({ name: `p${10 + at}`, version }));
  const changes = comparePackages({ "linux/amd64": many("1") }, { "linux/amd64": many("2") });
  const lines = packageChangesText(changes, 20);
  expect(lines).toHaveLength(22);
  expect(lines.at(-1)).toBe("  … and 10 more");
});
