import { expect, test } from "vitest";
import type { ReleaseEvent } from "../../../src/plan/tag-rules/event";
import { evaluateText } from "./evaluate-text";

const TAG = { ref: "refs/tags/v1.2.3" };
const PRERELEASE = { ref: "refs/tags/v2.0.0-rc.1" };
const BRANCH = { ref: "refs/heads/main" };
const DISPATCH = {
  ...BRANCH,
  eventName: "workflow_dispatch",
  inputs: { tag: "custom-1", environment: "prod" },
};

test.each<[string, Partial<ReleaseEvent>, string, string]>([
  ["type=semver,pattern={{version}}", TAG, "1.2.3", "version"],
  ["type=semver,pattern={{raw}}", TAG, "v1.2.3", "version"],
  ["type=semver,pattern=v{{major}}.{{minor}}.{{patch}}", TAG, "v1.2.3", "version"],
  ["type=semver,pattern={{major}}.{{minor}}", TAG, "1.2", "floating"],
  ["type=semver,pattern={{major}}", TAG, "1", "floating"],
  ["type=semver,pattern=stable", TAG, "stable", "floating"],
  ["type=semver,pattern={{major}}.{{minor}}", PRERELEASE, "2.0.0-rc.1", "version"],
  ["type=semver,pattern={{version}},value=3.0.0", BRANCH, "3.0.0", "version"],
  ["type=pep440,pattern={{version}}", TAG, "1.2.3", "version"],
  ["type=pep440,pattern={{major}}.{{minor}}", { ref: "refs/tags/1.2" }, "1.2", "floating"],
  ["type=pep440,pattern={{major}}.{{minor}}.{{patch}}", { ref: "refs/tags/1.2.3.4" }, "1.2.3", "floating"],
  ["type=pep440,pattern={{major}}", { ref: "refs/tags/1.2.post1" }, "1.2.post1", "version"],
  ["type=match,pattern=v(.*),group=1", TAG, "1.2.3", "version"],
  ["type=match,pattern=v(.*),group=1", PRERELEASE, "2.0.0-rc.1", "version"],
  ["type=match,pattern=v(\\d+\\.\\d+\\.\\d+),group=1", TAG, "1.2.3", "version"],
  ["type=match,pattern=v(\\d+\\.\\d+),group=1", TAG, "1.2", "floating"],
  ["type=match,pattern=/v(\\d)\\./i,group=1", TAG, "1", "floating"],
  ["type=match,pattern=\\d+\\.\\d+", TAG, "1.2", "floating"],
  ["type=match,pattern=v(\\d+\\.\\d+\\.\\d+),group=1", { ref: "refs/tags/v1.2.3-ls5" }, "1.2.3", "floating"],
  ["type=match,pattern=v(\\d+\\.\\d+),group=1", { ref: "refs/tags/v1.2" }, "1.2", "version"],
  ["type=match,pattern=\\d{4}\\.\\d{2}", { ref: "refs/tags/release-2024.05" }, "2024.05", "version"],
  ["type=match,pattern=\\d{4}\\.\\d{2}", { ref: "refs/tags/2024.05.01" }, "2024.05", "floating"],
  [
    "type=match,pattern=(\\d{4}\\.(?:0[1-9]|1[0-2])).*,group=1",
    { ref: "refs/tags/2024.05.01" },
    "2024.05",
    "floating",
  ],
  ["type=match,pattern=\\d{8}", { ref: "refs/tags/20240501-2" }, "20240501", "floating"],
  ["type=match,pattern=-v(.+)$,group=1", { ref: "refs/tags/k8s-v1.2.3" }, "1.2.3", "version"],
  ["type=match,pattern=^([a-z]+)-,group=1", { ref: "refs/tags/stable-1.2" }, "stable", "floating"],
  ["type=match,pattern=v(\\d.\\d),group=1,slipway-class=version", TAG, "1.2", "version"],
  ["type=ref,event=tag", TAG, "v1.2.3", "version"],
  ["type=ref,event=branch", BRANCH, "main", "floating"],
  ["type=ref,event=branch", { ref: "refs/heads/v1.2.3" }, "v1.2.3", "floating"],
  ["type=ref,event=branch,suffix=-{{sha}}", BRANCH, "main-860c190", "revision"],
  ["type=ref,event=pr", { ref: "refs/pull/2/merge" }, "pr-2", "floating"],
  ["type=edge,branch=main", BRANCH, "edge", "floating"],
  ["type=schedule", { eventName: "schedule" }, "nightly", "floating"],
  ["type=sha", TAG, "sha-860c190", "revision"],
  ["type=raw,value=edge", TAG, "edge", "floating"],
  ["type=raw,value={{tag}}", TAG, "v1.2.3", "version"],
  ["type=raw,value=alpine,prefix={{tag}}-", TAG, "v1.2.3-alpine", "version"],
  ["type=raw,value=x{{tag}}", BRANCH, "x", "floating"],
  ["type=raw,value=1.2.3", TAG, "1.2.3", "version"],
  ["type=raw,value=1.2.3", BRANCH, "1.2.3", "floating"],
  ["type=raw,value=custom-1", DISPATCH, "custom-1", "version"],
  ["type=raw,value=prod", DISPATCH, "prod", "floating"],
  ["type=raw,value={{input 'tag'}}", DISPATCH, "custom-1", "version"],
  ["type=raw,value={{input 'tag'}},slipway-class=floating", DISPATCH, "custom-1", "floating"],
  ["type=raw,value=x,enable={{is_not_default_branch}}", BRANCH, "x", "floating"],
  ["type=raw,value=base,slipway-class=version", BRANCH, "base", "version"],
])("%s of %j: %s is %s", (rule, event, name, tagClass) => {
  const [entry] = evaluateText([rule], event).entries;
  expect(entry).toMatchObject({ name, class: tagClass, rule: { text: rule } });
});

test("a rule that writes a part of a version sets the line of its tag", () => {
  const rules = ["{{version}}", "{{major}}.{{minor}}", "{{major}}"].map((p) => `type=semver,pattern=${p}`);
  const { entries } = evaluateText([...rules, "type=raw,value=edge"], TAG);
  expect(entries.map(({ name, line }) => ({ name, line }))).toEqual([
    { name: "1.2.3", line: undefined },
    { name: "1.2", line: { major: 1, minor: 2 } },
    { name: "1", line: { major: 1 } },
    { name: "edge", line: undefined },
    { name: "latest", line: {} },
  ]);
});

test.each<[string, string, string, object]>([
  ["type=match,pattern=v(\\d+\\.\\d+),group=1", "v4.0.2", "4.0", { major: 4, minor: 0 }],
  ["type=match,pattern=v(\\d+),group=1", "v4.0.2", "4", { major: 4 }],
  ["type=match,pattern=k8s-v(\\d+),group=1", "k8s-v4.0.2", "4", { major: 4 }],
  [
    "type=match,pattern=v(\\d+\\.\\d+\\.\\d+),group=1",
    "v4.0.2-ls5",
    "4.0.2",
    { major: 4, minor: 0, patch: 2 },
  ],
  ["type=match,pattern=\\d{4}\\.\\d\\d", "2024.05.01", "2024.05", { major: 2024, minor: 5 }],
  ["type=match,pattern=^[a-z]+", "stable-1.2", "stable", {}],
  ["type=pep440,pattern={{major}}.{{minor}}.{{patch}}", "1.2.3.4", "1.2.3", { major: 1, minor: 2, patch: 3 }],
])("%s makes of %s the tag %s with the line %j", (rule, tag, name, line) => {
  expect(evaluateText([rule], { ref: `refs/tags/${tag}` }).entries[0]).toMatchObject({ name, line });
});

const BUILD = "type=semver,slipway-suffix=build,pattern=";

test.each<[string, string, readonly string[], readonly string[]]>([
  ["5.2.2-211115", "{{version}}", ["5.2.2-211115", "latest"], ["version", "floating"]],
  ["v5.2.2-211115", "{{raw}}", ["v5.2.2-211115", "latest"], ["version", "floating"]],
  ["5.2.2-211115", "{{major}}.{{minor}}.{{patch}}", ["5.2.2", "latest"], ["floating", "floating"]],
  ["5.2.2-211115", "{{major}}.{{minor}}", ["5.2", "latest"], ["floating", "floating"]],
  ["5.2.2-ls7", "{{version}}", ["5.2.2-ls7", "latest"], ["version", "floating"]],
  ["2025.11.0-1", "{{version}}", ["2025.11.0-1", "latest"], ["version", "floating"]],
  ["5.2.2", "{{version}}", ["5.2.2", "latest"], ["version", "floating"]],
  ["5.2.2", "{{major}}.{{minor}}.{{patch}}", ["5.2.2", "latest"], ["version", "floating"]],
  ["5.2.2-rc.1", "{{version}}", ["5.2.2-rc.1"], ["version"]],
  ["5.2.2-rc.1", "{{major}}", ["5.2.2-rc.1"], ["version"]],
  ["5.2.2-beta1-ls7", "{{major}}", ["5.2.2-beta1-ls7"], ["version"]],
])("slipway-suffix=build: %s by %s", (tag, pattern, names, classes) => {
  const { entries } = evaluateText([`${BUILD}${pattern}`], { ref: `refs/tags/${tag}` });
  expect(entries.map(({ name }) => name)).toEqual(names);
  expect(entries.map((entry) => entry.class)).toEqual(classes);
});

test("another value of slipway-suffix is refused", () => {
  expect(() => evaluateText(["type=sha,slipway-suffix=date"])).toThrow(
    /slipway-suffix="date" is not one of build, prerelease/,
  );
});

test("the flavor's latest is a floating tag of the rule that decides on it", () => {
  const { entries } = evaluateText(["type=ref,event=tag"], TAG);
  expect(entries[1]).toMatchObject({
    name: "latest",
    class: "floating",
    rule: { text: "type=ref,event=tag" },
  });
});

test("a name that two rules make belongs to the first one", () => {
  const { entries } = evaluateText(
    ["type=raw,value=1.2,slipway-class=version,priority=2000", "type=semver,pattern={{major}}.{{minor}}"],
    TAG,
  );
  expect(entries.filter(({ name }) => name === "1.2")).toEqual([
    expect.objectContaining({ class: "version" }),
  ]);
});
