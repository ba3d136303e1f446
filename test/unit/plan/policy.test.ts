import { describe, expect, test } from "vitest";
import type { Config, PromoteConfig } from "../../../src/plan/config";
import type { ExistingContent } from "../../../src/plan/existing-release";
import { isPinned, type WorkflowText } from "../../../src/plan/policy/judge-policy";
import { DEFAULT_POLICY, type PolicyConfig, type PolicyRule } from "../../../src/plan/policy/policy-config";
import { planText, refusalText } from "../../../src/report/plan-text";
import { aConfig, digest, FIRST, image, intent, planOf, registryState } from "../../support/plan-state";
import { anImage } from "../../support/planned";

const OFF: PolicyConfig = {
  ...DEFAULT_POLICY,
  unsignedPromotion: { level: "off" },
  uncommittedVersion: { level: "off" },
  missingProvenance: { level: "off" },
  unpinnedAction: { level: "off", allow: [] },
};
const COMMIT = "0".repeat(40);
const NODE = "docker.io/library/node:22";
const PROMOTE: PromoteConfig = { source: { kind: "stack", stack: "stage" } };
const VERIFIED: PromoteConfig = {
  ...PROMOTE,
  verify: { signer: { kind: "key", publicKey: "PEM" }, predicates: ["signature"], platforms: [] },
};
const PROMOTED: ExistingContent = { from: "promotion", digest: digest("a"), source: FIRST, of: "stage" };
const ROLLED_BACK: ExistingContent = { from: "rollback", digest: digest("a"), source: FIRST, tag: "1.2.3" };

function workflow(...texts: string[]): WorkflowText {
  return {
    path: ".github/workflows/ci.yml",
    uses: texts.map((text, index) => ({ text, line: 10 + index })),
  };
}

interface Case {
  readonly what: string;
  readonly rule: Partial<PolicyConfig>;
  readonly config?: Partial<Config>;
  readonly intent?: Parameters<typeof intent>[0];
  readonly workflows?: readonly WorkflowText[];
  /** The working tree has changes. */
  readonly dirty?: boolean;
  /** What the reason says; absent where nothing is broken. */
  readonly says?: RegExp;
}

const GENERATOR = "docker.io/library/syft:1";

const cases: Readonly<Record<PolicyRule, readonly Case[]>> = {
  unsignedPromotion: [
    {
      what: "a promotion without promote.verify",
      rule: { unsignedPromotion: { level: "refuse" } },
      config: { promote: PROMOTE },
      intent: { existing: PROMOTED },
      says: /^slipway:promote\.verify: is not set, so app would be promoted without evidence of who made it/,
    },
    {
      what: "one with it",
      rule: { unsignedPromotion: { level: "refuse" } },
      config: { promote: VERIFIED },
      intent: { existing: PROMOTED },
    },
    { what: "a release that is built", rule: { unsignedPromotion: { level: "refuse" } } },
    {
      what: "a rollback in a stack that promotes",
      rule: { unsignedPromotion: { level: "refuse" } },
      config: { promote: PROMOTE },
      intent: { existing: ROLLED_BACK, candidateTag: "1.2.3" },
    },
  ],
  unverifiedContent: [
    {
      what: "a promotion on the registry's word",
      rule: { unverifiedContent: { level: "refuse" } },
      config: { promote: PROMOTE },
      intent: { existing: { ...PROMOTED, verifiedBy: "registry" } },
      says: /^app: would be taken as sha256:a{12}, trusting the registry alone: anyone who may push there can forge it/,
    },
    {
      what: "one that a signer vouches for",
      rule: { unverifiedContent: { level: "refuse" } },
      config: { promote: VERIFIED },
      intent: { existing: { ...PROMOTED, verifiedBy: "signature" } },
    },
    {
      what: "a rollback on the registry's word",
      rule: { unverifiedContent: { level: "refuse" } },
      intent: { existing: { ...ROLLED_BACK, verifiedBy: "registry" }, candidateTag: "1.2.3" },
    },
    { what: "a release that is built", rule: { unverifiedContent: { level: "refuse" } } },
    {
      what: "a build with the cache of a registry",
      rule: { unverifiedContent: { level: "refuse" } },
      intent: { image: anImage({ cacheFrom: ["type=registry,ref=ghcr.io/octo/app:cache"] }) },
      says: /^slipway:image app\.cacheFrom: reads ghcr\.io\/octo\/app:cache: anyone who may push there decides/,
    },
    {
      what: "a build with a cache of its own",
      rule: { unverifiedContent: { level: "refuse" } },
      intent: { image: anImage({ cacheFrom: ["type=local,src=cache", "type=gha"] }) },
    },
  ],
  uncommittedVersion: [
    {
      what: "a version from a working tree with changes",
      rule: { uncommittedVersion: { level: "refuse" } },
      dirty: true,
      says: /^app:1\.2\.3: would be made from a working tree with changes that are in no commit/,
    },
    { what: "one from a clean tree", rule: { uncommittedVersion: { level: "refuse" } } },
    {
      what: "a promotion, which is not made from it",
      rule: { uncommittedVersion: { level: "refuse" } },
      config: { promote: VERIFIED },
      intent: { existing: PROMOTED },
      dirty: true,
    },
  ],
  floatingBase: [
    {
      what: "a base by its tag",
      rule: { floatingBase: { level: "refuse", allow: [] } },
      intent: { bases: { [NODE]: digest("b") } },
      says: /^app: Dockerfile: takes docker\.io\/library\/node:22, whose tag can move/,
    },
    {
      what: "a base by its digest",
      rule: { floatingBase: { level: "refuse", allow: [] } },
      intent: { bases: { [`${NODE}@${digest("b")}`]: digest("b") } },
    },
    {
      what: "a base that is let through",
      rule: { floatingBase: { level: "refuse", allow: ["/docker\\.io\\/library\\/.+/"] } },
      intent: { bases: { [NODE]: digest("b") } },
    },
    { what: "no base at all", rule: { floatingBase: { level: "refuse", allow: [] } } },
  ],
  missingProvenance: [
    {
      what: "an image without provenance",
      rule: { missingProvenance: { level: "refuse" } },
      intent: { image: anImage({ at: "images[0]", provenance: false }) },
      says: /^slipway:images\[0\]\.provenance: is false, so it is unknown how app was built/,
    },
    { what: "an image with it", rule: { missingProvenance: { level: "refuse" } } },
    {
      what: "a promotion that nothing judges",
      rule: { missingProvenance: { level: "refuse" } },
      config: { promote: PROMOTE },
      intent: { existing: PROMOTED },
      says: /^slipway:promote\.verify: is not set, so nothing verifies the provenance of app/,
    },
  ],
  missingSbom: [
    {
      what: "an image whose default generator cannot be reached",
      rule: { missingSbom: { level: "refuse" } },
      intent: {
        image: anImage({ at: "images[0]", sbom: { generator: GENERATOR, required: false } }),
        sbom: { reference: GENERATOR, unavailable: "no answer" },
      },
      says: /^slipway:images\[0\]\.sbom: the SBOM of app cannot be made: its generator cannot be reached/,
    },
    {
      what: "a promotion of an image that was built without it",
      rule: { missingSbom: { level: "refuse" } },
      config: { promote: PROMOTE },
      intent: { existing: { ...PROMOTED, sbom: "unavailable" } },
      says: /^app: has no SBOM: the generator could not be reached when it was built/,
    },
    {
      what: "a promotion of an image with one",
      rule: { missingSbom: { level: "refuse" } },
      config: { promote: PROMOTE },
      intent: { existing: PROMOTED },
    },
    {
      what: "an image that is to have none",
      rule: { missingSbom: { level: "refuse" } },
      intent: { image: anImage({ sbom: false }) },
    },
  ],
  unpinnedAction: [
    {
      what: "an action by its tag, and three more",
      rule: { unpinnedAction: { level: "refuse", allow: [] } },
      workflows: [workflow("actions/checkout@v6", "a/b@main", "a/c@v1", "a/d@v1")],
      says: /^\.github\/workflows\/ci\.yml: runs actions\/checkout@v6 \(line 10\), a\/b@main \(line 11\), a\/c@v1 \(line 12\) and 1 more/,
    },
    {
      what: "a workflow that cannot be read",
      rule: { unpinnedAction: { level: "refuse", allow: [] } },
      workflows: [{ path: ".github/workflows/x.yml", uses: [], unread: "is not UTF-8" }],
      says: /x\.yml: cannot be read, so its actions are unknown: is not UTF-8/,
    },
    {
      what: "an action of the repository's own that is not there, which is let through by its path",
      rule: { unpinnedAction: { level: "refuse", allow: ["/vendor\\/.+/"] } },
      workflows: [{ path: "vendor/action", uses: [], unread: "the repository has no action.yml there" }],
    },
    {
      what: "an action by its commit",
      rule: { unpinnedAction: { level: "refuse", allow: [] } },
      workflows: [workflow(`actions/checkout@${COMMIT}`)],
    },
    {
      what: "an owner that is let through",
      rule: { unpinnedAction: { level: "refuse", allow: ["/octo\\/.+/"] } },
      workflows: [workflow("octo/tools/.github/workflows/x.yml@v1")],
    },
    {
      what: "a promotion, which runs none of it",
      rule: { unpinnedAction: { level: "refuse", allow: [] } },
      config: { promote: VERIFIED },
      intent: { existing: PROMOTED },
      workflows: [workflow("actions/checkout@v6")],
    },
  ],
  prereleaseOnFloatingTag: [
    {
      what: "a pre-release whose floating tag is overridden",
      rule: { prereleaseOnFloatingTag: { level: "refuse" } },
      config: { override: ["app:latest"] },
      intent: { version: "2.0.0-rc.1" },
      says: /^app:latest: localhost:5000\/octo\/app: the floating tag would point to the pre-release 2\.0\.0-rc\.1/,
    },
    {
      what: "a pre-release that moves none",
      rule: { prereleaseOnFloatingTag: { level: "refuse" } },
      intent: { version: "2.0.0-rc.1" },
    },
    {
      what: "a version whose floating tag is overridden",
      rule: { prereleaseOnFloatingTag: { level: "refuse" } },
      config: { override: ["app:latest"] },
    },
  ],
  requiredPlatforms: [
    {
      what: "an image that lacks one",
      rule: { requiredPlatforms: { level: "refuse", platforms: ["linux/amd64", "linux/riscv64"] } },
      intent: { image: anImage({ at: "images[0]" }) },
      says: /^slipway:images\[0\]\.platforms: lacks linux\/riscv64 \(it has linux\/amd64, linux\/arm64\)/,
    },
    {
      what: "a promoted image that lacks one",
      rule: { requiredPlatforms: { level: "refuse", platforms: ["linux/riscv64"] } },
      config: { promote: VERIFIED },
      intent: { existing: PROMOTED },
      says: /^app: lacks linux\/riscv64/,
    },
    {
      what: "an image that has them all",
      rule: { requiredPlatforms: { level: "refuse", platforms: ["linux/arm64"] } },
    },
  ],
  deniedLicences: [
    {
      what: "an image without an SBOM",
      rule: { deniedLicences: { level: "refuse", licences: ["MIT"], unknown: "allow" } },
      intent: { image: anImage({ at: "images[0]", sbom: false }) },
      says: /^slipway:images\[0\]\.sbom: is false, so the licences in app are unknown/,
    },
    {
      what: "an image whose default generator cannot be reached",
      rule: { deniedLicences: { level: "refuse", licences: ["MIT"], unknown: "allow" } },
      intent: {
        image: anImage({ at: "images[0]", sbom: { generator: GENERATOR, required: false } }),
        sbom: { reference: GENERATOR, unavailable: "no answer" },
      },
      says: /^slipway:images\[0\]\.sbom: cannot be made: the generator cannot be reached, so the licences in app are unknown/,
    },
    {
      what: "one whose named generator cannot be reached, which is refused anyway",
      rule: { deniedLicences: { level: "refuse", licences: ["MIT"], unknown: "allow" } },
      intent: {
        image: anImage({ sbom: { generator: GENERATOR, required: true } }),
        sbom: { reference: GENERATOR, unavailable: "no answer" },
      },
    },
    {
      what: "an image with one, which the gate judges",
      rule: { deniedLicences: { level: "refuse", licences: ["MIT"], unknown: "allow" } },
      intent: { image: anImage({ sbom: { generator: GENERATOR, required: false } }) },
    },
    {
      what: "a promotion that nothing judges",
      rule: { deniedLicences: { level: "refuse", licences: ["MIT"], unknown: "allow" } },
      config: { promote: PROMOTE },
      intent: { existing: PROMOTED },
      says: /^slipway:promote\.verify: is not set, so nothing verifies the SBOM of app/,
    },
  ],
};

function plan(
  { rule, config = {}, intent: changes = {}, workflows = [], dirty = false }: Case,
  policy = OFF,
) {
  return planOf(registryState(), {
    source: { revision: COMMIT, dirty },
    config: aConfig({ ...config, policy: { ...policy, ...rule } }),
    intents: [intent(changes)],
    workflows,
  });
}

describe.each(Object.entries(cases))("%s", (rule, rows) => {
  test.each(rows)("$what", (row) => {
    const { policy = [], refusals } = plan(row);
    const told = refusals.filter(({ code }) => code.startsWith("policy-"));
    expect(told.map(({ path, message }) => `${path}: ${message}`)).toEqual(
      row.says === undefined ? [] : policy.map(({ path, message }) => `${path}: ${message}`),
    );
    if (row.says === undefined) return;
    expect(`${told[0]?.path}: ${told[0]?.message}`).toMatch(row.says);
    expect(new Set(policy.map((finding) => finding.rule))).toEqual(new Set([rule]));
    expect(told[0]?.hint).toContain(`slipway:policy.${rule} (off, warn, refuse)`);
  });

  const [breaking] = rows.filter(({ says }) => says !== undefined);
  test("warn shows it in the plan and stops nothing; off does not check it", () => {
    if (breaking === undefined) throw new Error("no case breaks the rule");
    const name = rule as PolicyRule;
    const at = (level: "warn" | "off") => ({ [name]: { ...breaking.rule[name], level } });
    const warned = plan({ ...breaking, rule: at("warn") });
    expect(warned.refusals.filter(({ code }) => code.startsWith("policy-"))).toEqual([]);
    expect(planText(warned)).toMatch(
      new RegExp(`^  policy ${rule}: .+ \\(slipway:policy\\.${rule}\\)$`, "m"),
    );
    expect(plan({ ...breaking, rule: at("off") })).not.toHaveProperty("policy");
  });
});

test("a refusal says what to do and where the rule is turned off", () => {
  const [row] = cases.floatingBase;
  if (row === undefined) throw new Error("no case");
  expect(refusalText(plan(row))).toBe(
    [
      "The release is refused (1 reason); nothing was written:",
      "  app: Dockerfile: takes docker.io/library/node:22, whose tag can move [policy-floating-base]",
      `    Write the digest beside the tag: docker.io/library/node:22@${digest("b")}. The rule is slipway:policy.floatingBase (off, warn, refuse).`,
    ].join("\n"),
  );
});

test("an ordinary release breaks no rule by default", () => {
  const told = plan({ what: "", rule: {}, intent: { bases: { [NODE]: digest("b") } } }, DEFAULT_POLICY);
  expect(told).not.toHaveProperty("policy");
});

describe("with prereleaseOnFloatingTag: off", () => {
  const policy: PolicyConfig = { ...OFF, prereleaseOnFloatingTag: { level: "off" } };
  const latest = (version: string, existing: readonly string[]) =>
    planOf(
      registryState()
        .with(FIRST, "latest", image({ digest: digest("e"), version: "1.0.0", contentKey: "d".repeat(64) }))
        .withTags(FIRST, existing),
      {
        config: aConfig({ policy }),
        intents: [intent({ version })],
      },
    )
      .levels.flatMap(({ tags }) => tags)
      .find(({ name, repository }) => name === "latest" && repository === FIRST);

  test.each([
    ["2.0.0-rc.1", ["1.2.3"], "move"],
    ["2.0.0-rc.1", ["2.0.0-rc.2"], "keep"],
    ["2.0.0-rc.1", ["2.0.0"], "keep"],
    ["1.9.0", ["2.0.0-rc.1"], "keep"],
  ] as const)("%s beside %j: latest %s", (version, existing, action) => {
    expect(latest(version, existing)).toMatchObject({ action });
  });
});

test.each([
  [`actions/checkout@${COMMIT}`, true],
  [`octo/repo/folder@${COMMIT}`, true],
  [`octo/repo@${"a".repeat(64)}`, true],
  ["actions/checkout@v6", false],
  ["actions/checkout@abc1234", false],
  ["actions/checkout", false],
  ["./.github/actions/own", true],
  ["docker://alpine:3", false],
  [`docker://alpine@sha256:${"a".repeat(64)}`, true],
])("%s is pinned: %s", (text, expected) => {
  expect(isPinned(text)).toBe(expected);
});
