import { describe, expect, test } from "vitest";
import { evaluateText } from "./evaluate-text";

const SEMVER_RULES = [
  "type=ref,event=branch",
  "type=ref,event=pr",
  "type=semver,pattern={{version}}",
  "type=semver,pattern={{major}}.{{minor}}",
];

describe("the tables of docker/metadata-action's README", () => {
  test.each([
    ["pull_request", "refs/pull/2/merge", ["pr-2"]],
    ["push", "refs/heads/master", ["master"]],
    ["push", "refs/heads/releases/v1", ["releases-v1"]],
    ["push", "refs/tags/v1.2.3", ["v1.2.3", "latest"]],
    ["push", "refs/tags/v2.0.8-beta.67", ["v2.0.8-beta.67", "latest"]],
    ["workflow_dispatch", "refs/heads/master", ["master"]],
    ["schedule", "refs/heads/master", ["nightly", "master"]],
  ])("no rules: %s of %s", (eventName, ref, tags) => {
    expect(evaluateText([], { eventName, ref }).tags).toEqual(tags);
  });

  test.each([
    ["pull_request", "refs/pull/2/merge", ["pr-2"]],
    ["push", "refs/heads/releases/v1", ["releases-v1"]],
    ["push", "refs/tags/v1.2.3", ["1.2.3", "1.2", "latest"]],
    ["push", "refs/tags/v2.0.8-beta.67", ["2.0.8-beta.67"]],
  ])("semver rules: %s of %s", (eventName, ref, tags) => {
    expect(evaluateText(SEMVER_RULES, { eventName, ref }).tags).toEqual(tags);
  });

  test.each([
    ["v1.2.3", "{{raw}}", "", "v1.2.3"],
    ["v1.2.3", "{{version}}", "", "1.2.3"],
    ["v1.2.3", "{{major}}.{{minor}}", "", "1.2"],
    ["v1.2.3", "v{{major}}", "", "v1"],
    ["v1.2.3", "{{minor}}", "", "2"],
    ["v1.2.3", "{{patch}}", "", "3"],
    ["p1/v1.2.3", "{{version}}", "v(\\d.\\d.\\d)$", "1.2.3"],
    ["v2.0.8-beta.67", "{{raw}}", "", "v2.0.8-beta.67"],
    ["v2.0.8-beta.67", "{{version}}", "", "2.0.8-beta.67"],
    ["v2.0.8-beta.67", "{{major}}", "", "2.0.8-beta.67"],
    ["v2.0.8-beta.67", "{{major}}.{{minor}}", "", "2.0.8-beta.67"],
    ["v1.2.3+build.5", "{{version}}", "", "1.2.3"],
    ["v1.2.3+build.5", "{{raw}}", "", "v1.2.3-build.5"],
    ["v0.1.2", "{{major}}", "", "0"],
    ["v0.29", "{{version}}", "", ""],
  ])("semver: %s as %s, match %j", (tag, pattern, match, version) => {
    const rule = `type=semver,pattern=${pattern}${match === "" ? "" : `,match=${match}`}`;
    expect(evaluateText([rule], { ref: `refs/tags/${tag}` }).version).toBe(version);
  });

  test.each([
    ["1.2.3", "{{raw}}", "", "1.2.3"],
    ["v1.2.3", "{{version}}", "", "1.2.3"],
    ["1.2.3", "{{major}}.{{minor}}", "", "1.2"],
    ["1.2.3", "v{{major}}", "", "v1"],
    ["v1.2.3rc2", "{{raw}}", "", "v1.2.3rc2"],
    ["1.2.3rc2", "{{version}}", "", "1.2.3rc2"],
    ["p1/v1.2.3", "{{version}}", "v(\\d.\\d.\\d)$", "1.2.3"],
    ["1.2.3rc2", "{{major}}.{{minor}}", "", "1.2.3rc2"],
    ["1.2.3post1", "{{major}}.{{minor}}", "", "1.2.3.post1"],
    ["1.2.3beta2", "{{major}}.{{minor}}", "", "1.2.3b2"],
    ["1.0dev4", "{{major}}.{{minor}}", "", "1.0.dev4"],
  ])("pep440: %s as %s, match %j", (tag, pattern, match, version) => {
    const rule = `type=pep440,pattern=${pattern}${match === "" ? "" : `,match=${match}`}`;
    const result = evaluateText([rule], { ref: `refs/tags/${tag}` });
    expect(result.version).toBe(version);
    expect(result.latest).toBe(/^(v?1\.2\.3|p1\/v1\.2\.3)$/.test(tag));
  });

  test.each([
    ["v1.2.3", "\\d.\\d.\\d", "0", "1.2.3"],
    ["v2.0.8-beta.67", "v(.*)", "1", "2.0.8-beta.67"],
    ["v2.0.8-beta.67", "v(\\d.\\d)", "1", "2.0"],
    ["20200110-RC2", "\\d+", "0", "20200110"],
    ["p1/v1.2.3", "p1/v(\\d.\\d.\\d)", "1", "1.2.3"],
    ["V1.2.3", "/v(.*)/i", "1", "1.2.3"],
    ["v1.2.3", "v(.*)", "2", ""],
    ["v1.2.3", "v(.*)", "01", ""],
  ])("match: %s by %s, group %s", (tag, pattern, group, version) => {
    const rule = `type=match,pattern=${pattern},group=${group}`;
    expect(evaluateText([rule], { ref: `refs/tags/${tag}` }).version).toBe(version);
  });

  test.each([
    ["nightly", "nightly"],
    ["{{date 'YYYYMMDD'}}", "20200110"],
    ["{{date 'YYYYMMDD-HHmmss' tz='Asia/Tokyo'}}", "20200110-093000"],
    ["{{commit_date 'YYYYMMDD'}}", "20191231"],
    ["{{branch}}", ""],
  ])("schedule: %s", (pattern, version) => {
    const result = evaluateText([`type=schedule,pattern=${pattern}`], { eventName: "schedule" });
    expect(result.version).toBe(version);
  });
});

describe("what only the source of docker/metadata-action says", () => {
  const tag = { ref: "refs/tags/v1.2.3" };

  test("the first rule that makes a tag decides on latest", () => {
    expect(evaluateText(["type=raw,value=x,priority=5000", "type=ref,event=tag"], tag)).toMatchObject({
      version: "x",
      partial: ["v1.2.3"],
      latest: false,
    });
    expect(evaluateText(["type=sha,priority=1"], tag, { flavor: ["latest=true"] }).tags).toEqual([
      "sha-860c190",
      "latest",
    ]);
  });

  test("latest=true makes no tag by itself", () => {
    const result = evaluateText(["type=semver,pattern={{version}}"], {}, { flavor: ["latest=true"] });
    expect(result).toMatchObject({ version: "", latest: false, tags: [], entries: [] });
    expect(result.warnings).toEqual(["no tag rule makes a tag for push of refs/heads/master"]);
  });

  test("a raw latest beside the flavor's appears twice, and once among the entries", () => {
    const result = evaluateText(["type=ref,event=tag", "latest"], tag);
    expect(result.tags).toEqual(["v1.2.3", "latest", "latest"]);
    expect(result.entries.map(({ name }) => name)).toEqual(["v1.2.3", "latest"]);
  });

  test("a rule's own prefix replaces the flavor's, even an empty one", () => {
    const flavor = ["prefix=foo-,onlatest=true", "suffix=-{{sha}},onlatest=true"];
    expect(evaluateText(["type=ref,event=tag,prefix=", "type=sha,suffix="], tag, { flavor }).tags).toEqual([
      "v1.2.3-860c190",
      "sha-860c190",
      "foo-latest--sha-",
    ]);
  });

  test("every image gets every tag, its name in lower case", () => {
    const images = ["ghcr.io/Octo/App", "octo/app"];
    expect(evaluateText(["type=semver,pattern={{version}}"], tag, { images }).tags).toEqual([
      "ghcr.io/octo/app:1.2.3",
      "ghcr.io/octo/app:latest",
      "octo/app:1.2.3",
      "octo/app:latest",
    ]);
  });

  test.each<[string, string, string, string[]]>([
    ["type=edge", "refs/heads/main", "push", ["so type=edge makes no tag; or say type=edge,branch=main"]],
    [
      "type=raw,value=x,enable={{is_default_branch}}",
      "refs/heads/main",
      "push",
      ["so {{is_default_branch}} is false"],
    ],
    [
      "type=raw,value={{#if is_not_default_branch}}x{{/if}}",
      "refs/heads/main",
      "push",
      ["so {{is_default_branch}} is false"],
    ],
    ["type=edge,branch=main", "refs/heads/main", "push", []],
    ["type=raw,value=x,enable={{is_default_branch}}", "refs/heads/main", "schedule", []],
    ["type=edge", "refs/tags/v1.2.3", "push", []],
    ["type=raw,value=x,enable={{is_default_branch}}", "refs/tags/v1.2.3", "push", []],
  ])(
    "%s for %s of a %s warns that the default branch is unknown, if it needs it",
    (rule, ref, eventName, expected) => {
      const event = { ref, eventName, defaultBranch: undefined, repository: {} };
      const { warnings } = evaluateText([rule, rule, "type=sha"], event);
      expect(warnings.map((warning) => warning.replace(/^neither .*--auto\), /, ""))).toEqual(expected);
    },
  );

  test("edge follows the repository's default branch, is_default_branch the event's", () => {
    const event = { ref: "refs/heads/main", defaultBranch: "main", repository: { defaultBranch: "master" } };
    const rules = ["type=edge", "type=raw,value=def,enable={{is_default_branch}}"];
    expect(evaluateText(rules, event).tags).toEqual(["def"]);
    expect(evaluateText(rules, { ref: "refs/heads/master", defaultBranch: "main" }).tags).toEqual(["edge"]);
  });

  test("expressions escape HTML before a tag is cleaned", () => {
    expect(evaluateText(["{{branch}}", "{{{branch}}}"], { ref: "refs/heads/a=b&c" }).tags).toEqual([
      "a-x3D-b-amp-c",
      "a-b-c",
    ]);
  });

  test.each([
    ["{{branch}}|{{tag}}|{{sha}}|{{base_ref}}", "refs/heads/master", "master-860c190-"],
    ["{{tag}}-{{base_ref}}", "refs/tags/v1", "v1-rel"],
    ["{{is_default_branch}}-{{is_not_default_branch}}", "refs/heads/dev", "false-true"],
    ["{{date 'dddd, MMMM Do YYYY, h:mm:ss a'}}", "refs/heads/master", "Friday-January-10th-2020-12-30-00-am"],
    ["{{commit_date 'YYYYMMDD-HHmmss' tz='Asia/Tokyo'}}", "refs/heads/master", "20200101-081500"],
    ["{{input 'tag'}}", "refs/heads/master", "v9"],
    ["x{{input 'other'}}{{nonsense}}", "refs/heads/master", "x"],
  ])("%s on %s", (value, ref, version) => {
    const baseRef = ref.startsWith("refs/tags/") ? "rel" : "";
    expect(evaluateText([`"value=${value}"`], { ref, baseRef, inputs: { tag: "v9" } }).version).toBe(version);
  });

  test("labels are OCI's own and the user's, split at the first =, sorted", () => {
    const labels = ["maintainer=me", "org.opencontainers.image.title=a=b", "novalue", "from={{tag}}"];
    expect(evaluateText(["type=ref,event=tag"], tag, { labels }).labels).toEqual([
      "from=v1.2.3",
      "maintainer=me",
      "org.opencontainers.image.created=2020-01-10T00:30:00.000Z",
      "org.opencontainers.image.description=This your first repo!",
      "org.opencontainers.image.licenses=MIT",
      `org.opencontainers.image.revision=860c1904a1ce19322e91ac35af1ab07466440c37`,
      "org.opencontainers.image.source=https://github.com/octocat/Hello-World",
      "org.opencontainers.image.title=a=b",
      "org.opencontainers.image.url=https://github.com/octocat/Hello-World",
      "org.opencontainers.image.version=v1.2.3",
    ]);
  });

  test("an invalid version gives a warning and no tag", () => {
    const result = evaluateText(["type=semver,pattern={{version}}"], { ref: "refs/tags/v0.29" });
    expect(result.warnings[0]).toBe(
      "v0.29 is not a valid semantic version (https://semver.org); type=semver,pattern={{version}} makes no tag",
    );
  });

  test("an unknown time zone gives a warning and UTC", () => {
    const result = evaluateText(["\"value={{date 'HH' tz='Mars/Base'}}\""]);
    expect(result.version).toBe("00");
    expect(result.warnings).toEqual(['"Mars/Base" is not a time zone; UTC is used']);
  });

  test.each([
    ["type=raw,value={{input 'tag'}}", "a/b", ["a/b"], ["tag-grammar"]],
    ["type=raw,value={{input 'tag'}}", "fix #7", ["fix #7"], ["tag-grammar"]],
    ["type=raw,value={{input 'tag'}}-alpine", "hotfix-7", ["hotfix-7-alpine"], []],
    // As in docker/metadata-action, where the workflow replaces the expression by the input.
    ["type=raw,value=a/b", "a/b", ["a-b"], []],
  ])("%s: a dispatched %s is %j", (rule, tag, tags, codes) => {
    const result = evaluateText([rule], { inputs: { tag } });
    expect(result.tags).toEqual(tags);
    expect(result.problems.map(({ code }) => code)).toEqual(codes);
  });

  test("tags outside OCI's grammar are returned and reported", () => {
    const result = evaluateText(
      [".hidden", `type=raw,value=${"x".repeat(129)}`],
      {},
      { images: ["ghcr.io/o/r"] },
    );
    expect(result.tags).toHaveLength(2);
    expect(result.problems).toEqual([
      expect.objectContaining({ code: "tag-grammar", path: "ghcr.io/o/r:.hidden" }),
      expect.objectContaining({ message: expect.stringMatching(/^129 characters is not a tag/) }),
    ]);
  });
});
