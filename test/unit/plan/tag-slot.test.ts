import { describe, expect, test } from "vitest";
import type { ReleaseEvent } from "../../../plan/tag-rules/event";
import { versionAndForm, wantedTags } from "../../../plan/tag-slot";
import { evaluateText } from "../tag-rules/evaluate-text";

const TAG = { ref: "refs/tags/v1.2.3" };
const BRANCH = { ref: "refs/heads/main" };

/** Slot -> name of the tag that rules make of an event. */
function slots(
  rules: readonly string[],
  event: Partial<ReleaseEvent> = TAG,
  flavor: readonly string[] = [],
): Record<string, string> {
  const wanted = wantedTags(evaluateText(rules, event, { flavor }).entries);
  expect(new Set(wanted.map(({ slot }) => slot)).size).toBe(wanted.length);
  return Object.fromEntries(wanted.map(({ slot, name }) => [slot, name]));
}

describe("a slot names its rule", () => {
  test.each<[string, Partial<ReleaseEvent>, Record<string, string>]>([
    ["type=semver,pattern={{version}}", TAG, { "semver-version": "1.2.3", latest: "latest" }],
    ["type=semver,pattern=v{{major}}.{{minor}}", TAG, { "semver-v-major.minor": "v1.2", latest: "latest" }],
    ["type=semver,pattern=stable", TAG, { "semver-stable": "stable", latest: "latest" }],
    ["type=pep440,pattern={{major}}", TAG, { "pep440-major": "1", latest: "latest" }],
    ["type=match,pattern=v(.*),group=1", TAG, { "match-v": "1.2.3", latest: "latest" }],
    ["type=ref,event=tag", TAG, { "ref-tag": "v1.2.3", latest: "latest" }],
    ["type=ref,event=branch", BRANCH, { "ref-branch": "main" }],
    ["type=ref,event=pr", { ref: "refs/pull/2/merge" }, { "ref-pr": "pr-2" }],
    ["type=edge,branch=main", BRANCH, { edge: "edge" }],
    ["type=schedule", { eventName: "schedule" }, { "schedule-nightly": "nightly" }],
    ["type=sha", BRANCH, { sha: "sha-860c190" }],
    ["type=sha,format=long", BRANCH, { "sha-long": expect.stringMatching(/^sha-\w{40}$/) }],
    ["type=sha,prefix=", BRANCH, { sha: "860c190" }],
    ["type=sha,prefix=git-", BRANCH, { "git-sha": "git-860c190" }],
    ["type=raw,value=stable", BRANCH, { "raw-stable": "stable" }],
    ["type=raw,value=Latest Build", BRANCH, { "raw-latest-build": "Latest-Build" }],
    ["type=raw,value={{branch}}-{{sha}}", BRANCH, { "raw-branch-sha": "main-860c190" }],
    ["type=raw,value={{date 'YYYY'}}", BRANCH, { "raw-date-yyyy": "2020" }],
    [
      "type=semver,pattern={{version}},suffix=-alpine",
      TAG,
      {
        "semver-version-alpine": "1.2.3-alpine",
        latest: "latest",
      },
    ],
  ])("%s", (rule, event, expected) => {
    expect(slots([rule], event)).toEqual(expected);
  });

  test("rules that say the same are counted", () => {
    expect(slots(["type=raw,value=a", "type=raw,value=A"], BRANCH)).toEqual({ "raw-a": "a", "raw-a-2": "A" });
  });

  test("rules that differ in prefix or suffix keep their slots when one of them is off", () => {
    const rules = (enable: string) => [
      `type=semver,pattern={{version}},enable=${enable}`,
      "type=semver,pattern={{version}},suffix=-alpine",
      "type=semver,pattern={{version}},prefix=x-",
    ];
    const off = slots(rules("false"));
    expect(off).toEqual({
      "semver-version-alpine": "1.2.3-alpine",
      "x-semver-version": "x-1.2.3",
      latest: "latest",
    });
    expect(slots(rules("true"))).toEqual({ ...off, "semver-version": "1.2.3" });
  });

  const RULES = [
    "type=semver,pattern={{version}}",
    "type=semver,pattern={{major}}.{{minor}}",
    "type=semver,pattern={{major}}",
    "type=raw,value=stable",
    "type=sha",
  ];

  test("another release of the same rules has the same slots", () => {
    const first = slots(RULES);
    expect(Object.keys(first)).toEqual([
      "semver-version",
      "semver-major.minor",
      "semver-major",
      "raw-stable",
      "sha",
      "latest",
    ]);
    expect(Object.keys(slots(RULES, { ref: "refs/tags/v2.0.0", sha: "f".repeat(40) }))).toEqual(
      Object.keys(first),
    );
  });

  test("a pre-release has fewer, and none of its own", () => {
    expect(slots(RULES, { ref: "refs/tags/v2.1.0-rc.1" })).toEqual({
      "semver-version": "2.1.0-rc.1",
      "raw-stable": "stable",
      sha: "sha-860c190",
    });
  });
});

describe("latest", () => {
  const latestOf = (rules: readonly string[], event: Partial<ReleaseEvent>, flavor: readonly string[] = []) =>
    wantedTags(evaluateText(rules, event, { flavor }).entries).filter(({ slot }) =>
      slot.startsWith("latest"),
    );

  test.each<[string, readonly string[], Partial<ReleaseEvent>, readonly string[]]>([
    ["the flavor's", ["type=ref,event=branch"], BRANCH, ["latest=true"]],
    [
      "a raw rule's",
      ["type=raw,value=latest,enable={{is_default_branch}}"],
      { ref: "refs/heads/master" },
      [],
    ],
    ["both at once", ["type=semver,pattern={{version}}", "type=raw,value=latest"], TAG, []],
  ])("%s is one tag that follows all versions", (_, rules, event, flavor) => {
    expect(latestOf(rules, event, flavor)).toEqual([
      { slot: "latest", name: "latest", class: "floating", line: {} },
    ]);
  });

  test("of a raw rule with a prefix it follows all versions as well", () => {
    expect(latestOf(["type=raw,value=latest,prefix=standalone-"], BRANCH)).toEqual([]);
    expect(wantedTags(evaluateText(["type=raw,value=latest,prefix=standalone-"], BRANCH).entries)).toEqual([
      { slot: "standalone-latest", name: "standalone-latest", class: "floating", line: {} },
    ]);
  });

  test("a rule that says another class has it", () => {
    const [tag] = wantedTags(evaluateText(["type=raw,value=latest,slipway-class=version"], BRANCH).entries);
    expect(tag).toEqual({ slot: "raw-latest", name: "latest", class: "version" });
  });
});

describe("the version and how tags spell it", () => {
  const form = (prefix: string, suffix: string, version: string) => ({ version, form: { prefix, suffix } });

  test.each<[string, string, Partial<ReleaseEvent>, readonly string[], object]>([
    ["plain", "type=semver,pattern={{version}}", TAG, [], form("", "", "1.2.3")],
    ["with v", "type=semver,pattern={{raw}}", TAG, [], form("v", "", "1.2.3")],
    ["the git tag itself", "type=ref,event=tag", TAG, [], form("v", "", "1.2.3")],
    ["a suffix", "type=semver,pattern={{version}}", TAG, ["suffix=-alpine"], form("", "-alpine", "1.2.3")],
    [
      "a suffix with a version",
      "type=semver,pattern={{raw}}",
      TAG,
      ["suffix=-alpine3.20"],
      form("v", "-alpine3.20", "1.2.3"),
    ],
    [
      "a prefix with a version",
      "type=semver,pattern={{raw}}",
      TAG,
      ["prefix=py3.12-"],
      form("py3.12-v", "", "1.2.3"),
    ],
    [
      "a lane's git tag",
      "type=ref,event=tag",
      { ref: "refs/tags/standalone-v0.2.1" },
      [],
      form("standalone-v", "", "0.2.1"),
    ],
    [
      "a lane's git tag with digits",
      "type=ref,event=tag",
      { ref: "refs/tags/k8s-v0.2.1" },
      [],
      form("k8s-v", "", "0.2.1"),
    ],
    [
      "a lane's version alone",
      "type=match,pattern=standalone-v(.*),group=1",
      { ref: "refs/tags/standalone-v0.2.1" },
      [],
      form("", "", "0.2.1"),
    ],
    [
      "a folder in the git tag",
      "type=ref,event=tag",
      { ref: "refs/tags/release/2025.11.0" },
      [],
      form("release-", "", "2025.11.0"),
    ],
    [
      "a rebuild's letters",
      "type=ref,event=tag",
      { ref: "refs/tags/v1.15.12b" },
      [],
      form("v", "", "1.15.12b"),
    ],
    [
      "a pre-release",
      "type=semver,pattern={{version}}",
      { ref: "refs/tags/v2.0.0-rc.1" },
      [],
      form("", "", "2.0.0-rc.1"),
    ],
    [
      "a pre-release with a suffix",
      "type=semver,pattern={{version}}",
      { ref: "refs/tags/v2.0.0-rc.1" },
      ["suffix=-alpine"],
      form("", "-alpine", "2.0.0-rc.1"),
    ],
    ["a build number", "type=ref,event=tag", { ref: "refs/tags/147" }, [], form("", "", "147")],
    [
      "a build number after a word",
      "type=ref,event=tag",
      { ref: "refs/tags/build-147" },
      [],
      form("build-", "", "147"),
    ],
    [
      "build metadata, cut",
      "type=semver,pattern={{version}}",
      { ref: "refs/tags/v1.2.3+build.5" },
      [],
      form("", "", "1.2.3"),
    ],
    [
      "build metadata, in a tag's letters",
      "type=semver,pattern={{raw}}",
      { ref: "refs/tags/v1.2.3+build.5" },
      [],
      form("v", "", "1.2.3-build.5"),
    ],
    [
      "a dispatched version",
      "type=raw,value={{input 'tag'}}",
      { ...BRANCH, inputs: { tag: "v1.2.3" } },
      [],
      form("v", "", "1.2.3"),
    ],
    [
      "a dispatched version and a suffix",
      "type=raw,value={{input 'tag'}}",
      { ...BRANCH, inputs: { tag: "v1.2.3" } },
      ["suffix=-alpine"],
      form("v", "-alpine", "1.2.3"),
    ],
    [
      "a rule's own version and a suffix",
      "type=semver,pattern={{version}},value=v1.2.3",
      BRANCH,
      ["suffix=-alpine"],
      form("", "-alpine", "1.2.3"),
    ],
    [
      "an opaque version",
      "type=raw,value={{input 'tag'}}",
      { ...BRANCH, inputs: { tag: "custom-x" } },
      [],
      form("", "", "custom-x"),
    ],
    [
      "a Python pre-release",
      "type=pep440,pattern={{version}}",
      { ref: "refs/tags/v1.0rc1" },
      [],
      form("", "", "1.0rc1"),
    ],
  ])("%s: %s", (_, rule, event, flavor, expected) => {
    expect(
      versionAndForm(evaluateText([rule], { inputs: {}, ...event }, { flavor }).entries, {
        ...anEvent(),
        ...event,
      }),
    ).toEqual(expected);
  });

  test("the first version tag tells both", () => {
    const rules = ["type=sha,priority=2000", "type=ref,event=tag", "type=semver,pattern={{version}}"];
    expect(versionAndForm(evaluateText(rules, TAG).entries, { ...anEvent(), ...TAG })).toEqual(
      form("", "", "1.2.3"),
    );
  });

  test("a release of moving tags alone has none", () => {
    expect(
      versionAndForm(evaluateText(["type=ref,event=branch", "type=sha"], BRANCH).entries, anEvent()),
    ).toEqual({
      form: { prefix: "", suffix: "" },
    });
  });
});

function anEvent(): ReleaseEvent {
  return {
    eventName: "push",
    ref: "refs/heads/main",
    sha: "860c1904a1ce19322e91ac35af1ab07466440c37",
    commitDate: new Date("2020-01-10T00:00:00Z"),
    baseRef: "",
    inputs: {},
    repository: {},
  };
}
