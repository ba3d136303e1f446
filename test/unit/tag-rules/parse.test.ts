import { describe, expect, test } from "vitest";
import { listEntries, parseFlavor, parseImages, readInputList } from "../../../src/plan/tag-rules/inputs";
import { parseTagRule, parseTagRules } from "../../../src/plan/tag-rules/tag-rule";
import { evaluateText } from "./evaluate-text";

describe("rules", () => {
  test("a rule gets the defaults of its type", () => {
    expect(parseTagRule(" Type=sha , Foo = bar=baz , format=long")).toEqual({
      type: "sha",
      text: " Type=sha , Foo = bar=baz , format=long",
      enable: "true",
      priority: 100,
      prefix: "sha-",
      format: "long",
    });
  });

  test.each([
    ["foo", { type: "raw", value: "foo" }],
    ["type=raw,foo", { type: "raw", value: "foo" }],
    ['"value=a,b"', { type: "raw", value: "a,b" }],
    ["=x=y", { type: "raw", value: "=x=y" }],
    ["value==y", { type: "raw", value: "=y" }],
    ["type=raw,", { type: "raw", value: "" }],
    ["type=ref,event=pr", { event: "pr", prefix: "pr-" }],
    ["type=ref,event=pr,prefix=", { event: "pr", prefix: "" }],
    ["type=schedule", { pattern: "nightly", priority: 1000 }],
    ["type=match,pattern=v(.*),group=1", { pattern: "v(.*)", group: "1", value: "" }],
    ["type=edge,priority=5", { branch: "", priority: 5 }],
    ["type=semver,pattern={{major}},slipway-class=version", { class: "version" }],
  ])("%s is parsed", (text, rule) => {
    expect(parseTagRule(text)).toMatchObject(rule);
  });

  test.each([
    ["type=bogus", 'type="bogus" is not one of schedule, semver, pep440, match, edge, ref, raw, sha'],
    ["type=semvr", "ref, raw, sha; did you mean semver?"],
    ["type=semver", "type=semver needs pattern="],
    [
      "type=semver,patern={{version}}",
      "type=semver needs pattern=; patern= is not an attribute of a rule; did you mean pattern=?",
    ],
    ["type=match", "type=match needs pattern="],
    ["type=match,pattern=x,group=y", 'group="y" is not a number'],
    ["type=ref", "type=ref needs event="],
    ["type=ref,event=push", 'event="push" is not one of branch, tag, pr'],
    ["type=sha,format=medium", 'format="medium" is not one of short, long'],
    ["type=raw", "type=raw needs value="],
    ["foo,slipway-class=fixed", 'slipway-class="fixed" is not one of version, floating, revision'],
    ["", "a rule must not be empty"],
    ['value="x"', "Invalid Opening Quote"],
  ])("%j is refused", (text, message) => {
    expect(() => parseTagRule(text)).toThrow(message);
  });

  test("all invalid rules are reported at once, each with its path", () => {
    expect(() => parseTagRules(["type=x", "foo", "type=ref"], "images[0].tags")).toThrow(
      /images\[0\]\.tags\[0\].*\[tag-rule\]\n {2}images\[0\]\.tags\[2\]/,
    );
  });

  test("rules are sorted by priority, and equal ones stay in order", () => {
    const texts = ["type=sha", "b", "type=semver,pattern={{raw}}", "a", "c,priority=1e4"];
    expect(parseTagRules(texts).map(({ text }) => text)).toEqual([
      "c,priority=1e4",
      "type=semver,pattern={{raw}}",
      "b",
      "a",
      "type=sha",
    ]);
  });

  test.each([
    ["x,enable=yes", 'enable="yes" is not one of true, false'],
    ["x,enable={{sha}}", 'enable="860c190" is not one of true, false'],
    ["{{date}}", "a date needs a format"],
    ["value={{date 'YYYY' zone='UTC'}}", "zone= is not one of the attributes of a date: tz="],
    ["{{branch", "Parse error"],
    ["{{foo 'bar'}}", 'Missing helper: "foo"'],
    ["type=match,value=x,pattern=(", "Invalid regular expression"],
    ["type=semver,value=1.2.3,pattern={{raw}},match=\\d", "put the version in parentheses"],
  ])("%s cannot be evaluated", (text, message) => {
    expect(() => evaluateText([text, "type=sha"])).toThrow(message);
  });
});

describe("flavor", () => {
  test("the last value wins, and onlatest belongs to the prefix or suffix before it", () => {
    expect(
      parseFlavor(["latest=false", "prefix=v,onlatest=true", "suffix=-x", " LATEST = true ,suffix=-a=b"]),
    ).toEqual({
      latest: "true",
      prefix: "v",
      prefixLatest: true,
      suffix: "-a",
      suffixLatest: false,
    });
  });

  test.each([
    ["latest=maybe", 'latest="maybe" is not one of auto, true, false'],
    ["prefix=v,onlatest=yes", 'onlatest="yes" is not one of true, false'],
    ["foo=bar", '"foo" is not one of latest, prefix, suffix, onlatest'],
    ["latest", 'has no "="'],
  ])("%s is refused", (entry, message) => {
    expect(() => parseFlavor([entry])).toThrow(message);
  });
});

describe("images", () => {
  test.each([
    [["a,b"], ["a", "b"]],
    [
      ["a,b", "c"],
      ["b", "c"],
    ],
    [
      ["name=a", "name=b,enable=false", "c"],
      ["a", "c"],
    ],
    [["name=a,enable=false"], []],
    [[], []],
  ])("%j gives the enabled names", (entries, names) => {
    expect(parseImages(entries)).toEqual(names);
  });

  test.each([
    ["enable=true", "it has no name"],
    ["a,enable=no", 'enable="no" is not one of true, false'],
    ["a,foo=b", '"foo" is not one of name, enable'],
  ])("%s is refused", (entry, message) => {
    expect(() => parseImages([entry])).toThrow(message);
  });
});

describe("lists", () => {
  test("several lines are read as a multi-line input of docker/metadata-action", () => {
    expect(readInputList('\n  # all\n type=sha # kept\n\n"a,b",c\r\n  last  \n')).toEqual([
      "type=sha # kept",
      "a,b,c",
      "last",
    ]);
  });

  test("a single line is one entry, unchanged", () => {
    expect(listEntries(['type=match,"pattern=\\d{1,3}"', "", "# no", "a\nb"])).toEqual([
      'type=match,"pattern=\\d{1,3}"',
      "a",
      "b",
    ]);
  });
});
