import { describe, expect, test } from "vitest";
import { MINIMAL, problemLines, problemsOf, read } from "./read-config";

const withTags = (...tags: string[]) => ({ written: { ...MINIMAL, images: [{ name: "app", tags }] } });
const withFlavor = (...flavor: string[]) => ({ written: { ...MINIMAL, images: [{ name: "app", flavor }] } });

/** Rule -> its problem, after the rule itself. */
const MISSPELT: readonly (readonly [rule: string, says: string])[] = [
  [
    "type=semver,pattern={{verison}}",
    "{{verison}} in pattern= is not known and would be left empty; did you mean {{version}}?",
  ],
  [
    "type=semver,pattern={{major}}.{{mnior}}",
    "{{mnior}} in pattern= is not known and would be left empty; did you mean {{minor}}?",
  ],
  [
    "type=pep440,pattern={{Version}}",
    "{{Version}} in pattern= is not known and would be left empty; did you mean {{version}}?",
  ],
  [
    "type=semver,pattern={{version}}-{{branch}}",
    "{{branch}} in pattern= is not known and would be left empty",
  ],
  [
    "type=schedule,pattern={{daet 'YYYY'}}",
    "{{daet}} in pattern= is not known and would be left empty; did you mean {{date}}?",
  ],
  [
    "type=raw,value={{brnach}}",
    "{{brnach}} in value= is not known and would be left empty; did you mean {{branch}}?",
  ],
  ["{{version}}", "{{version}} in value= is not known and would be left empty"],
  [
    "type=sha,prefix={{brancj}}-",
    "{{brancj}} in prefix= is not known and would be left empty; did you mean {{branch}}?",
  ],
  ["type=sha,suffix=-{{#if colour}}x{{/if}}", "{{colour}} in suffix= is not known and would be left empty"],
  [
    "type=sha,enable={{is_defualt_branch}}",
    "{{is_defualt_branch}} in enable= is not known and would be left empty; did you mean {{is_default_branch}}?",
  ],
  ["type=semver,patern={{version}}", "patern= is not an attribute of a rule; did you mean pattern=?"],
  ["type=sha,perfix=x", "perfix= is not an attribute of a rule; did you mean prefix=?"],
  ["tpye=sha", "tpye= is not an attribute of a rule; did you mean type=?"],
];

const KNOWN = [
  "type=semver,pattern={{version}}",
  "type=semver,pattern=v{{major}}.{{minor}}.{{patch}}",
  "type=semver,pattern={{raw}},value={{tag}},match=v(.*)",
  "type=semver,pattern={{version}}-{{prerelease.[0]}}",
  "type=pep440,pattern={{ version }}",
  "type=match,pattern=\\d{{8}}",
  "type=schedule,pattern={{date 'YYYYMMDD' tz='UTC'}}",
  "type=raw,value={{input 'tag'}}-{{base_ref}}",
  "type=raw,value={{#if is_not_default_branch}}x{{else}}{{sha}}{{/if}}{{this}}",
  "type=sha,enable={{is_default_branch}},prefix={{commit_date 'YYYY'}}-",
  "type=sha,colour=blue",
  "type=ref,event=tag,pattern=unused",
];

describe("tag rules of a configuration", () => {
  test.each(MISSPELT)("%s is refused", (rule, says) => {
    expect(problemLines(withTags("type=sha", rule))).toEqual([
      `images[0].tags[1]: ${JSON.stringify(rule)}: ${says} [config-tag-rule]`,
    ]);
  });

  test("the hint lists the known names", () => {
    const { problems } = problemsOf(withTags("type=semver,pattern={{verison}}"));
    expect(problems.map(({ hint }) => hint)).toEqual([
      "Known in this pattern=: {{version}}, {{raw}}, {{major}}, {{minor}}, {{patch}}",
    ]);
  });

  test.each(KNOWN)("%s is accepted", (rule) => {
    expect(read(withTags(rule)).images[0]?.tags).toEqual([rule]);
  });

  test("flavors are checked too", () => {
    expect(problemLines(withFlavor("latest=auto", "prefix={{brnch}}-,onlatest=true"))).toEqual([
      'images[0].flavor[1]: "prefix={{brnch}}-,onlatest=true": {{brnch}} in prefix= is not known and would be left empty; did you mean {{branch}}? [config-tag-rule]',
    ]);
    expect(read(withFlavor("suffix=-{{branch}}")).images[0]?.flavor).toEqual(["suffix=-{{branch}}"]);
  });

  test("lanes are checked too", () => {
    const lane = { name: "main", format: "vX.Y.Z", trigger: "v*", floating: "latest" };
    const lanes = [{ ...lane, tags: ["type=sha,prefix={{brnch}}"] }];
    expect(problemLines({ written: { ...MINIMAL, lanes, lane: "main" } })).toEqual([
      expect.stringContaining("lanes[0].tags[0]: "),
    ]);
  });
});
