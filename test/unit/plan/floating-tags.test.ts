import { expect, test } from "vitest";
import { floatingTags } from "../../../src/plan/floating-tags";
import { anEvent, anImage } from "../../support/planned";

const ANY = ["type=ref,event=tag"];
const MINOR = [...ANY, "type=match,pattern=v(\\d+\\.\\d+),group=1"];
const BUILDS = ["{{version}}", "{{major}}.{{minor}}.{{patch}}", "{{major}}.{{minor}}"].map(
  (pattern) => `type=semver,pattern=${pattern},slipway-suffix=build`,
);

test.each<[string, readonly string[], readonly string[], Readonly<Record<string, string>>]>([
  ["padded dates", ANY, ["2024.05.02", "2024.06.10", "2024.11.01"], { latest: "2024.11.01" }],
  ["four parts", ANY, ["1.2.3.10", "1.2.3.9"], { latest: "1.2.3.10" }],
  ["a word before", ANY, ["release-1.10", "release-1.9"], { latest: "release-1.10" }],
  ["a folder in the git tag", ANY, ["release/1.10", "release/1.9"], { latest: "release-1.10" }],
  ["a pre-release does not count", ANY, ["2024.05.02", "2024.06.10-rc1"], { latest: "2024.05.02" }],
  ["forms without an order between them", ANY, ["2024.05.02", "hotfix-7"], {}],
  [
    "a match cut short",
    MINOR,
    ["v4.0.1", "v4.0.2", "v4.1.0"],
    { "4.0": "4.0.2", "4.1": "4.1.0", latest: "4.1.0" },
  ],
  [
    "builds",
    BUILDS,
    ["5.2.2-9", "5.2.2-10", "5.2.3-1"],
    { "5.2.2": "5.2.2-10", "5.2.3": "5.2.3-1", "5.2": "5.2.3-1", latest: "5.2.3-1" },
  ],
])("where floating tags belong: %s", (_, tags, gitTags, expected) => {
  const others = ["main", "sha-860c190", "candidate-472ca89d4fa2d830", "pr-9", `sha256-${"ab12".repeat(16)}`];
  const found = floatingTags({
    image: anImage({ tags }),
    event: anEvent(),
    now: new Date(0),
    names: [...others, ...gitTags.map((tag) => tag.replace("/", "-")), ...Object.keys(expected)],
    gitTags: [...gitTags, "deployed-to-stage"],
    bad: [],
    prereleases: false,
  });
  expect(Object.fromEntries(found.map(({ name, version }) => [name, version]))).toEqual(expected);
});
