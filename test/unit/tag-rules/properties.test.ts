import fc from "fast-check";
import { expect, test } from "vitest";
import { TAG_PATTERN } from "../../../src/plan/reference";
import { evaluateText } from "./evaluate-text";

const affix = fc.constantFrom(
  "",
  ",prefix=",
  ",prefix=a/b-",
  ",suffix=-{{sha}}",
  ",suffix=-{{branch}}",
  ",priority=850",
);
const rule = fc
  .tuple(
    fc.constantFrom(
      "type=schedule",
      "type=schedule,pattern={{date 'YYYYMMDD'}}",
      "type=semver,pattern={{version}}",
      "type=semver,pattern={{major}}.{{minor}}",
      "type=pep440,pattern={{major}}",
      "type=pep440,pattern={{raw}}",
      "type=match,pattern=v(.*),group=1",
      "type=edge",
      "type=ref,event=branch",
      "type=ref,event=tag",
      "type=ref,event=pr",
      "type=raw,value=latest",
      "type=raw,value={{tag}}{{branch}}",
      "type=sha",
      "type=sha,format=long",
    ),
    affix,
  )
  .map((parts) => parts.join(""));
const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });
const version = fc.tuple(fc.nat(99), fc.nat(99), fc.nat(99)).map((parts) => parts.join("."));
const ref = fc.oneof(
  name.map((branch) => `refs/heads/${branch}`),
  name.map((tag) => `refs/tags/${tag}`),
  version.map((tag) => `refs/tags/v${tag}`),
  version.map((tag) => `refs/tags/v${tag}-rc.1`),
  fc.nat(999).map((number) => `refs/pull/${number}/merge`),
);
const event = fc.record({ ref, eventName: fc.constantFrom("push", "schedule", "pull_request") });
const flavor = fc.subarray(["latest=true", "prefix=p-,onlatest=true", "suffix=-{{sha}}"]);
const images = fc.subarray(["ghcr.io/octo/app", "octo/app"]);
const input = fc.record({ rules: fc.array(rule, { maxLength: 5 }), event, flavor, images });

const check = (
  assert: (given: {
    rules: string[];
    event: { ref: string; eventName: string };
    flavor: string[];
    images: string[];
  }) => void,
) => fc.assert(fc.property(input, assert), { numRuns: 300 });

test("evaluating the same rules twice gives the same result", () => {
  check(({ rules, event, flavor, images }) => {
    const run = () => evaluateText(rules, event, { flavor, images });
    expect(run()).toEqual(run());
  });
});

test("version and partial tags are unique and have no other characters than a tag may have", () => {
  check(({ rules, event, flavor, images }) => {
    const { version, partial } = evaluateText(rules, event, { flavor, images });
    expect(new Set([version, ...partial]).size).toBe(1 + partial.length);
    for (const tag of partial) expect(tag).toMatch(/^[A-Za-z0-9._-]+$/);
  });
});

test("every image gets the same names in the same order, and each name has one entry", () => {
  check(({ rules, event, flavor, images }) => {
    const result = evaluateText(rules, event, { flavor, images });
    const names = evaluateText(rules, event, { flavor }).tags;
    const expected = images.flatMap((image) => names.map((tag) => `${image}:${tag}`));
    expect(result.tags).toEqual(images.length === 0 ? names : expected);
    expect(result.entries.map((entry) => entry.name)).toEqual([...new Set(names)]);
  });
});

test("a problem is reported for exactly those names that break OCI's grammar", () => {
  check(({ rules, event, flavor }) => {
    const { entries, problems } = evaluateText(rules, event, { flavor });
    const broken = entries.filter((entry) => !TAG_PATTERN.test(entry.name));
    expect(problems.map(({ path }) => path)).toEqual(broken.map((entry) => entry.name));
  });
});

test("a rule with enable=false changes nothing", () => {
  check(({ rules, event, flavor, images }) => {
    const others = rules.length === 0 ? ["type=raw,value=x,enable=false"] : rules;
    const off = [...others, "type=raw,value=off,priority=9999,enable=false"];
    expect(evaluateText(off, event, { flavor, images })).toEqual(
      evaluateText(others, event, { flavor, images }),
    );
  });
});

test("labels are sorted, and each key occurs once", () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z.A-Z_-]{0,6}=[a-z=]{0,6}$/), { maxLength: 8 }), (labels) => {
      const keys = evaluateText(["x"], {}, { labels }).labels.map((label) =>
        label.slice(0, label.indexOf("=")),
      );
      expect(new Set(keys).size).toBe(keys.length);
      expect([...keys].sort((a, b) => a.localeCompare(b, "en"))).toEqual(keys);
    }),
  );
});
