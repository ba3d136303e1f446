import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Secret } from "../../../src/plan/secret";
import { assembleSetupPlan, usedSecrets } from "../../../src/plan/setup/plan";
import { setupRefusalText, setupText } from "../../../src/report/plan-text";
import { anEnvironment, aRepository, aSetup } from "../../support/setup";

const file = { path: ".github/workflows/release.yml", content: "name: release\n" };

function planned(input: Parameters<typeof assembleSetupPlan>[0]) {
  const { items } = assembleSetupPlan(input);
  return Object.values(items).map(
    ({ key, action, deletable }) => `${action} ${key}${deletable ? "" : ", kept"}`,
  );
}

const everything = aSetup({
  secrets: { TOKEN: new Secret("x") },
  variables: { REGION: "eu" },
  environments: { prod: anEnvironment({ tags: ["v*"], secrets: { PASS: new Secret("y") } }) },
  tagRules: { name: "Release tags", patterns: ["v*"] },
  permissions: { shaPinning: true, allowed: "all", patterns: [], workflowToken: "read" },
  labels: [{ name: "release", color: "0e8a16" }],
  files: [file],
});

const full = aRepository({
  secrets: ["TOKEN"],
  variables: { REGION: "eu" },
  environments: {
    prod: { secrets: ["PASS"], variables: {}, policies: [{ id: 7, name: "v*", type: "tag" }] },
  },
  rulesets: [
    {
      id: 3,
      name: "Release tags",
      target: "tag",
      enforcement: "active",
      includes: ["refs/tags/v*"],
      excludes: [],
      rules: ["update", "deletion"],
    },
  ],
  labels: ["Release"],
  files: { [file.path]: "name: other\n" },
});

describe("what the stack owns", () => {
  test("is everything in an empty repository: it is made, and deleted with the stack", () => {
    expect(planned({ config: everything, live: aRepository() })).toEqual([
      "make secret TOKEN",
      "make variable REGION",
      "make environment prod",
      "make environment prod/tag v*",
      "make environment prod/secret PASS",
      "make tag rules",
      "adopt permissions of Actions, kept",
      "make label release",
      "make file .github/workflows/release.yml",
    ]);
  });

  test("is not what existed before: that is adopted, imported if writing cannot take it over, and never deleted", () => {
    const { items, ownership } = assembleSetupPlan({ config: everything, live: full });
    expect(Object.values(items).every(({ action, deletable }) => action === "adopt" && !deletable)).toBe(
      true,
    );
    expect(ownership.made).toEqual([]);
    expect(items["variable REGION"]?.importId).toBe("app:REGION");
    expect(items["environment prod/tag v*"]?.importId).toBe("app:prod:7");
    expect(items["tag rules"]?.importId).toBe("app:3");
    expect(items["file .github/workflows/release.yml"]).toMatchObject({
      note: "differs on GitHub, and is replaced",
    });
  });

  test("is known from the outputs of earlier runs, even of one that failed half-way", () => {
    const { ownership } = assembleSetupPlan({ config: everything, live: aRepository() });
    const half = aRepository({ secrets: ["TOKEN"], variables: { REGION: "eu" } });
    expect(planned({ config: everything, live: half, previous: ownership }).slice(0, 3)).toEqual([
      "managed secret TOKEN",
      "managed variable REGION",
      "make environment prod",
    ]);
  });

  test("does not include an environment with secrets of others, which is never deleted", () => {
    const live = aRepository({
      environments: { prod: { secrets: ["THEIRS"], variables: {}, policies: [] } },
    });
    const config = aSetup({ environments: { prod: anEnvironment() } });
    const { items } = assembleSetupPlan({
      config,
      live,
      previous: { made: ["environment prod"], adopted: [] },
    });
    expect(items["environment prod"]).toMatchObject({
      action: "managed",
      deletable: false,
      note: expect.stringContaining("THEIRS"),
    });
  });

  test("includes an edited file, which is reported with what fixes it", () => {
    const live = aRepository({ files: { [file.path]: "edited" } });
    const previous = { made: [`file ${file.path}`], adopted: [] };
    const { items } = assembleSetupPlan({ config: aSetup({ files: [file] }), live, previous });
    expect(items[`file ${file.path}`]?.note).toBe("differs on GitHub, `pulumi up --refresh` fixes it");
  });

  test("is never what it once adopted; made and adopted do not overlap, and together are the plan", () => {
    const names = fc.uniqueArray(fc.constantFrom("A", "B", "C", "D"));
    fc.assert(
      fc.property(names, names, names, names, (wanted, there, made, adopted) => {
        const config = aSetup({ secrets: Object.fromEntries(wanted.map((name) => [name, new Secret("s")])) });
        const key = (name: string) => `secret ${name}`;
        const previous = {
          made: made.filter((one) => !adopted.includes(one)).map(key),
          adopted: adopted.map(key),
        };
        const plan = assembleSetupPlan({ config, live: aRepository({ secrets: there }), previous });
        expect([...plan.ownership.made, ...plan.ownership.adopted].sort()).toEqual(wanted.map(key).sort());
        for (const one of wanted) {
          const isTheirs = adopted.includes(one) || (there.includes(one) && !made.includes(one));
          expect(plan.items[key(one)]?.deletable).toBe(!isTheirs);
          expect(plan.ownership.adopted.includes(key(one))).toBe(isTheirs);
        }
      }),
    );
  });
});

describe("what is refused before anything is written", () => {
  test("a variable that has another value", () => {
    const live = aRepository({ variables: { REGION: "us" } });
    const { problems } = assembleSetupPlan({ config: aSetup({ variables: { REGION: "eu" } }), live });
    expect(problems).toEqual([
      {
        code: "github-variable-taken",
        path: "variable REGION",
        message: 'is there with the value "us", and "eu" is configured',
        hint: expect.any(String),
      },
    ]);
  });

  test("another ruleset of that name, unless it is this stack's", () => {
    const config = aSetup({ tagRules: { name: "Release tags", patterns: ["v*", "docker-v*"] } });
    expect(assembleSetupPlan({ config, live: full }).problems.map(({ code }) => code)).toEqual([
      "github-ruleset-taken",
    ]);
    const previous = { made: ["tag rules"], adopted: [] };
    expect(assembleSetupPlan({ config, live: full, previous }).problems).toEqual([]);
  });

  test("a secret that a workflow uses and nothing provides", () => {
    const config = aSetup({ files: [{ ...file, content: `env: \${{ secrets.DOCKERHUB_TOKEN }}` }] });
    expect(assembleSetupPlan({ config, live: aRepository() }).problems).toEqual([
      {
        code: "github-secret-missing",
        path: "github.secrets.DOCKERHUB_TOKEN",
        message: `is used by ${file.path}, and nothing provides it`,
        hint: expect.stringContaining("pulumi config set --secret"),
      },
    ]);
    for (const live of [{ secrets: ["DOCKERHUB_TOKEN"] }, { organizationSecrets: ["DOCKERHUB_TOKEN"] }]) {
      expect(assembleSetupPlan({ config, live: aRepository(live) }).problems).toEqual([]);
    }
  });
});

describe("by a pull request", () => {
  const config = aSetup({ files: [file], branch: "setup", pullRequest: true });

  test("files go to their branch until the default branch has them", () => {
    expect(planned({ config, live: aRepository({ hasBranch: false }) })).toEqual([
      "make branch setup",
      `make file ${file.path}`,
      "make pull request",
    ]);
  });

  test("after the merge, nothing of it is declared any more", () => {
    const live = aRepository({ hasBranch: false, mergedFiles: { [file.path]: file.content } });
    expect(planned({ config, live })).toEqual([]);
  });
});

describe("the plan as text", () => {
  test("shows what is made and what was there, and no secret's value", () => {
    const plan = assembleSetupPlan({
      config: aSetup({
        secrets: { TOKEN: new Secret("hush-hush") },
        environments: { prod: anEnvironment({ tags: ["v*"], secrets: { PASS: new Secret("quiet") } }) },
        files: [file],
      }),
      live: aRepository({ secrets: ["TOKEN"], files: { [file.path]: "other" } }),
    });
    expect(setupText(plan)).toBe(
      [
        "Setup plan for octo/app, files on main (+ made, = adopted: there before, never deleted)",
        "  = secret TOKEN",
        "  + environment prod",
        "  + tag v* of environment prod",
        "  + secret PASS of environment prod",
        "  = file .github/workflows/release.yml  differs on GitHub, and is replaced",
        "",
      ].join("\n"),
    );
  });

  test("says that nothing is configured", () => {
    expect(setupText(assembleSetupPlan({ config: aSetup(), live: aRepository() }))).toContain(
      "nothing is configured",
    );
  });

  test("says why a setup is refused, and what to do", () => {
    const plan = assembleSetupPlan({
      config: aSetup({ files: [{ ...file, content: "secrets.TOKEN" }] }),
      live: aRepository(),
    });
    expect(setupRefusalText(plan)).toBe(
      [
        "The setup is refused (1 reason); nothing was written:",
        `  github.secrets.TOKEN: is used by ${file.path}, and nothing provides it [github-secret-missing]`,
        "    Set it: pulumi config set --secret --path 'slipway:github.secrets.TOKEN'",
      ].join("\n"),
    );
  });
});

describe("used secrets", () => {
  test.each([
    [`\${{ secrets.TOKEN }}`, [["TOKEN", false]]],
    [`\${{ secrets['TOKEN'] }}`, [["TOKEN", false]]],
    [`\${{ secrets.token }}`, [["TOKEN", false]]],
    [
      `\${{ secrets.TOKEN || secrets.OTHER }}`,
      [
        ["OTHER", false],
        ["TOKEN", false],
      ],
    ],
    [`HAS: \${{ secrets.TOKEN != '' }}\nuse: \${{ secrets.TOKEN }}`, [["TOKEN", true]]],
    [`\${{ secrets.GITHUB_TOKEN }}`, []],
    ["mysecrets.TOKEN", []],
    ["secrets: inherit", []],
  ])("of %s", (content, expected) => {
    expect(usedSecrets([{ ...file, content }]).map(({ name, optional }) => [name, optional])).toEqual(
      expected,
    );
  });

  test("are those of workflows only", () => {
    expect(usedSecrets([{ path: "docs/a.yml", content: `\${{ secrets.TOKEN }}` }])).toEqual([]);
  });
});
