import { describe, expect, test } from "vitest";
import type { ExistingRelease } from "../../../src/plan/existing-release";
import { DEFAULT_POLICY } from "../../../src/plan/policy/policy-config";
import {
  advisoryRules,
  gateRules,
  promotionRefusals,
  promotionRequest,
  promotionWarnings,
} from "../../../src/plan/promotion";
import { matches, type PromotionRules, parseDuration, type Verdict } from "../../../src/plan/trust";
import { DIGEST, REVISION } from "../../support/planned";

const RULES: PromotionRules = {
  signer: { kind: "key", publicKey: "PEM" },
  predicates: ["signature", "statement"],
  platforms: ["linux/riscv64"],
};
const RELEASE: ExistingRelease = {
  name: "app",
  digest: DIGEST,
  version: "1.2.3",
  revision: REVISION,
  ref: "refs/tags/v1.2.3",
  contentKey: "",
  platforms: ["linux/amd64"],
  repositories: ["stage.example/app"],
};
const VERDICT: Verdict = {
  repository: "stage.example/app",
  digest: DIGEST,
  verified: true,
  predicates: [],
  platforms: [],
  problems: [],
};

describe("what a promotion asks for", () => {
  test("is the stack's rules, and that the statement is about this image, commit and platforms", () => {
    expect(promotionRequest(RULES, {}, RELEASE, ["stage.example/app"])).toEqual({
      repositories: ["stage.example/app"],
      digest: DIGEST,
      rules: {
        ...RULES,
        platforms: ["linux/amd64", "linux/riscv64"],
        image: "app",
        version: "1.2.3",
        lane: "",
        revision: REVISION,
      },
    });
  });

  test("is no statement of a base, which has no version", () => {
    const base = { addressed: { include: [] } };
    const { rules } = promotionRequest(RULES, base, RELEASE, []);
    expect(rules).toEqual({
      ...RULES,
      predicates: ["signature"],
      platforms: ["linux/amd64", "linux/riscv64"],
    });
  });

  test("is no statement of a release without a version, but its commit in what is signed", () => {
    const { version: _, ...unversioned } = RELEASE;
    expect(promotionRequest(RULES, {}, unversioned, []).rules).toEqual({
      ...RULES,
      predicates: ["signature"],
      platforms: ["linux/amd64", "linux/riscv64"],
      revision: REVISION,
    });
  });
});

describe("what a team's policy adds", () => {
  const licences = { licences: ["GPL-3.0-only"], unknown: "allow" } as const;
  const denied = (level: "warn" | "refuse") => ({
    ...DEFAULT_POLICY,
    deniedLicences: { level, ...licences },
  });

  test("nothing, by default", () => {
    expect(gateRules(RULES, DEFAULT_POLICY)).toEqual(RULES);
    expect(advisoryRules(RULES, DEFAULT_POLICY)).toBeUndefined();
  });

  test("provenance where it must not be missing, once", () => {
    const policy = { ...DEFAULT_POLICY, missingProvenance: { level: "refuse" as const } };
    const once = gateRules(RULES, policy);
    expect(once.predicates).toEqual(["signature", "statement", "provenance"]);
    expect(gateRules(once, policy)).toEqual(once);
  });

  test("licences that are denied", () => {
    expect(gateRules(RULES, denied("refuse"))).toEqual({ ...RULES, licences });
    expect(advisoryRules(RULES, denied("refuse"))).toBeUndefined();
  });

  test("licences that are only warned of are asked about apart, and refuse nothing", () => {
    expect(gateRules(RULES, denied("warn"))).toEqual(RULES);
    expect(advisoryRules(RULES, denied("warn"))).toEqual({ ...RULES, licences });
    const problem = { code: "verify-licence", path: "stage.example/app", message: "has packages …" };
    expect(promotionWarnings([VERDICT, { ...VERDICT, verified: false, problems: [problem] }])).toEqual([
      { ...problem, rule: "deniedLicences", level: "warn", setting: "slipway:policy.deniedLicences" },
    ]);
  });
});

describe("what is refused", () => {
  test("nothing, where every repository is verified", () => {
    expect(promotionRefusals([VERDICT, VERDICT], "pulumi up")).toEqual([]);
  });

  test("everything, where there is no verdict", () => {
    expect(promotionRefusals([], "pulumi up").map(({ code }) => code)).toEqual(["verify-missing"]);
  });

  test("one repository of two, with what to do", () => {
    const problem = { code: "verify-unsigned", path: "other.example/app", message: "nobody signed" };
    const refused = { ...VERDICT, verified: false, problems: [problem] };
    expect(promotionRefusals([VERDICT, refused], "pulumi up --stack stage")).toEqual([
      { ...problem, hint: expect.stringContaining("pulumi up --stack stage") },
    ]);
  });
});

test.each([
  ["90s", 90],
  ["5m", 300],
  ["36h", 129_600],
  ["30d", 2_592_000],
  ["2w", 1_209_600],
  ["30", undefined],
  ["-1d", undefined],
  ["1.5h", undefined],
  ["", undefined],
])("%j lasts %s s", (text, seconds) => {
  expect(parseDuration(text)).toBe(seconds);
});

test.each([
  ["https://a.example", "https://a.example", true],
  ["https://a.example", "https://a.example/", false],
  ["/a.c/", "abc", true],
  ["/a.c/", "xabc", false],
  ["/a|b/", "ab", false],
  ["/", "/", true],
])("the rule %j takes %j: %s", (rule, text, expected) => {
  expect(matches(rule, text)).toBe(expected);
});
