import { describe, expect, test } from "vitest";
import { releaseTag, requestedTags, versionAndForm } from "../../../src/plan/image-tags";
import type { ReleaseEvent } from "../../../src/plan/tag-rules/event";
import type { VersionReading } from "../../../src/plan/versions";
import { anEvent, anImage } from "../../support/planned";
import { evaluateText } from "../tag-rules/evaluate-text";

const TAG = { ref: "refs/tags/v1.2.3" };
const SEMVER = { numbers: 3 };
const BRANCH = { ref: "refs/heads/main" };

describe("latest", () => {
  const latestOf = (rules: readonly string[], event: Partial<ReleaseEvent>, flavor: readonly string[] = []) =>
    requestedTags(evaluateText(rules, event, { flavor }).entries).filter(({ name }) => name === "latest");

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
    expect(latestOf(rules, event, flavor)).toEqual([{ name: "latest", class: "floating", line: {} }]);
  });

  test("of a raw rule with a prefix it follows all versions as well", () => {
    expect(latestOf(["type=raw,value=latest,prefix=standalone-"], BRANCH)).toEqual([]);
    expect(requestedTags(evaluateText(["type=raw,value=latest,prefix=standalone-"], BRANCH).entries)).toEqual(
      [{ name: "standalone-latest", class: "floating", line: {} }],
    );
  });

  test("slipway-class overrides its class", () => {
    const [tag] = requestedTags(
      evaluateText(["type=raw,value=latest,slipway-class=version"], BRANCH).entries,
    );
    expect(tag).toEqual({ name: "latest", class: "version" });
  });
});

describe("the version, and how tags write it", () => {
  const form = (prefix: string, suffix: string, version: string, reading: VersionReading = {}) => ({
    version,
    form: { prefix, suffix, ...reading },
  });

  test.each<[string, string, Partial<ReleaseEvent>, readonly string[], object]>([
    ["plain", "type=semver,pattern={{version}}", TAG, [], form("", "", "1.2.3", SEMVER)],
    ["with v", "type=semver,pattern={{raw}}", TAG, [], form("v", "", "1.2.3", SEMVER)],
    ["the git tag itself", "type=ref,event=tag", TAG, [], form("v", "", "1.2.3")],
    [
      "a suffix",
      "type=semver,pattern={{version}}",
      TAG,
      ["suffix=-alpine"],
      form("", "-alpine", "1.2.3", SEMVER),
    ],
    [
      "a suffix with a version",
      "type=semver,pattern={{raw}}",
      TAG,
      ["suffix=-alpine3.20"],
      form("v", "-alpine3.20", "1.2.3", SEMVER),
    ],
    [
      "a prefix with a version",
      "type=semver,pattern={{raw}}",
      TAG,
      ["prefix=py3.12-"],
      form("py3.12-v", "", "1.2.3", SEMVER),
    ],
    [
      "a lane's git tag",
      "type=ref,event=tag",
      { ref: "refs/tags/standalone-v0.2.1" },
      [],
      form("", "", "standalone-v0.2.1"),
    ],
    [
      "a lane's git tag with digits",
      "type=ref,event=tag",
      { ref: "refs/tags/k8s-v0.2.1" },
      [],
      form("", "", "k8s-v0.2.1"),
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
      form("", "", "release-2025.11.0"),
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
      form("", "", "2.0.0-rc.1", SEMVER),
    ],
    [
      "a pre-release with a suffix",
      "type=semver,pattern={{version}}",
      { ref: "refs/tags/v2.0.0-rc.1" },
      ["suffix=-alpine"],
      form("", "-alpine", "2.0.0-rc.1", SEMVER),
    ],
    [
      "a word in the pattern",
      "type=semver,pattern=k8s-{{version}}",
      TAG,
      [],
      form("k8s-", "", "1.2.3", SEMVER),
    ],
    ["padded", "type=ref,event=tag", { ref: "refs/tags/v2024.05.01" }, [], form("v", "", "2024.05.01")],
    [
      "two parts",
      "type=ref,event=tag",
      { ref: "refs/tags/release-1.10" },
      ["suffix=-alpine"],
      form("", "-alpine", "release-1.10"),
    ],
    [
      "four parts",
      "type=pep440,pattern={{version}}",
      { ref: "refs/tags/v1.2.3.4" },
      [],
      form("", "", "1.2.3.4"),
    ],
    [
      "what the rule cuts out",
      "type=match,pattern=app-(.*),group=1",
      { ref: "refs/tags/app-7" },
      ["suffix=-alpine"],
      form("", "-alpine", "7"),
    ],
    [
      "a prefix with the version's number",
      "type=match,pattern=app-(.*),group=1,prefix=py7-",
      { ref: "refs/tags/app-7" },
      [],
      form("py7-", "", "7"),
    ],
    [
      "a Kubernetes build",
      "type=ref,event=tag",
      { ref: "refs/tags/v1.28.3+k3s1" },
      [],
      form("v", "", "1.28.3-k3s1", { builds: true }),
    ],
    [
      "parts alone",
      "type=semver,pattern={{major}}.{{minor}}",
      TAG,
      ["suffix=-alpine"],
      form("", "", "1.2.3", SEMVER),
    ],
    [
      "parts alone, cut out by a match",
      "type=match,pattern=v(\\d+\\.\\d+),group=1",
      { ref: "refs/tags/v1.2.3-ls5" },
      [],
      form("", "", "1.2.3-ls5"),
    ],
    [
      "a build as a suffix",
      "type=semver,pattern={{version}},slipway-suffix=build",
      { ref: "refs/tags/5.2.2-211115" },
      [],
      form("", "", "5.2.2-211115", { ...SEMVER, builds: true }),
    ],
    ["a commit", "type=ref,event=tag", { ref: "refs/tags/e123456" }, [], form("", "", "e123456")],
    [
      "a custom name with a number",
      "type=raw,value={{input 'tag'}}",
      { ...BRANCH, inputs: { tag: "hotfix-7" } },
      [],
      form("", "", "hotfix-7"),
    ],
    [
      "a custom name beside another input",
      "type=raw,value={{input 'tag'}}",
      { ...BRANCH, inputs: { node_version: "2", tag: "v1.2.3" } },
      [],
      form("v", "", "1.2.3"),
    ],
    [
      "a custom name with a version",
      "type=raw,value={{input 'tag'}}",
      { ...BRANCH, inputs: { tag: "try-1.2.3" } },
      [],
      form("", "", "try-1.2.3"),
    ],
    [
      "the git tag in a raw text",
      "type=raw,value={{tag}}-alpine",
      { ref: "refs/tags/release/1.10" },
      [],
      form("", "-alpine", "release-1.10"),
    ],
    [
      "the git tag in a raw rule's prefix",
      "type=raw,value=alpine,prefix={{tag}}-",
      TAG,
      [],
      form("v", "-alpine", "1.2.3"),
    ],
    ["a build number", "type=ref,event=tag", { ref: "refs/tags/147" }, [], form("", "", "147")],
    [
      "a build number after a word",
      "type=ref,event=tag",
      { ref: "refs/tags/build-147" },
      [],
      form("", "", "build-147"),
    ],
    [
      "build metadata, cut",
      "type=semver,pattern={{version}}",
      { ref: "refs/tags/v1.2.3+build.5" },
      [],
      form("", "", "1.2.3", { ...SEMVER, builds: true }),
    ],
    [
      "build metadata, in a tag's letters",
      "type=semver,pattern={{raw}}",
      { ref: "refs/tags/v1.2.3+build.5" },
      [],
      form("v", "", "1.2.3-build.5", { ...SEMVER, builds: true }),
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
      form("", "-alpine", "1.2.3", SEMVER),
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
      versionAndForm(evaluateText([rule], { inputs: {}, ...event }, { flavor }).entries, anEvent(event)),
    ).toEqual(expected);
  });

  test("both come from the first version tag", () => {
    const rules = ["type=sha,priority=2000", "type=ref,event=tag", "type=semver,pattern={{version}}"];
    expect(versionAndForm(evaluateText(rules, TAG).entries, anEvent(TAG))).toEqual(
      form("", "", "1.2.3", SEMVER),
    );
  });

  test("a release with floating tags only has no version", () => {
    expect(
      versionAndForm(evaluateText(["type=ref,event=branch", "type=sha"], BRANCH).entries, anEvent()),
    ).toEqual({
      form: { prefix: "", suffix: "" },
    });
  });
});

const SEMVER_RULES = ["type=semver,pattern={{version}}", "type=semver,pattern={{major}}", "type=sha"];

test.each<[string, readonly string[], readonly string[], string | undefined]>([
  ["only what the rules read", SEMVER_RULES, ["chart-9.0.0", "v1.2.3"], "v1.2.3"],
  ["none", SEMVER_RULES, ["deployed-to-stage"], undefined],
  ["none of several", SEMVER_RULES, ["chart-9.0.0", "deployed-to-stage"], undefined],
  ["no tags", SEMVER_RULES, [], undefined],
  ["the highest", SEMVER_RULES, ["v1.10.0", "v1.2.3", "v1.9.0"], "v1.10.0"],
  ["a release before its candidate", SEMVER_RULES, ["v1.2.3", "v1.2.3-rc.1"], "v1.2.3"],
  ["the highest of parts alone", ["type=semver,pattern={{major}}"], ["v1.10.0", "v1.9.0"], "v1.10.0"],
  ["an image's own", ["type=match,pattern=api-v(.*),group=1"], ["api-v1.2.0", "web-v3.0.0"], "api-v1.2.0"],
  [
    "an image's own by semver",
    ["type=semver,pattern={{version}},match=^web-v(.*)$"],
    ["api-v1.2.0", "web-v3.0.0"],
    "web-v3.0.0",
  ],
  [
    "the highest of what a match cuts out",
    ["type=match,pattern=api-v(.*),group=1"],
    ["api-v1.10.0", "api-v1.9.0"],
    "api-v1.10.0",
  ],
  ["the highest of any names", ["type=ref,event=tag"], ["release-1.10", "release-1.9"], "release-1.10"],
  ["a version before a word and a number", ["type=ref,event=tag"], ["chart-9.0.0", "v1.2.3"], "v1.2.3"],
  ["a version before a build number", ["type=ref,event=tag"], ["1.2.3", "147", "nightly"], "1.2.3"],
  ["a build before a name", ["type=raw,value={{tag}}-alpine"], ["alpha", "build-7"], "build-7"],
  ["the first of names", ["type=ref,event=tag"], ["deployed-to-stage", "nightly"], "deployed-to-stage"],
  ["a rule's own value reads no tag", ["type=semver,pattern={{version}},value=3.0.0"], ["v1.2.3"], undefined],
  ["rules that are switched off", ["type=ref,event=tag,enable=false", "type=sha"], ["v1.2.3"], undefined],
  [
    "rules for branches",
    ["type=ref,event=branch", "type=edge", "type=raw,value=latest"],
    ["v1.2.3"],
    undefined,
  ],
])("the release among the tags at HEAD: %s", (_, tags, names, expected) => {
  expect(releaseTag(anImage({ tags }), names, anEvent(BRANCH), new Date(0))).toBe(expected);
});
