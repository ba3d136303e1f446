import { expect, test } from "vitest";
import type { ReleasePlan } from "../../../src/plan/release-plan";
import { Secret } from "../../../src/plan/secret";
import { missingKey, type SignConfig } from "../../../src/plan/trust";
import { aConfig, digest, intent, planOf, registryState } from "../../support/plan-state";

const KEY: SignConfig = { mode: "key", trusted: [] };
const WITH_PUBLIC: SignConfig = { ...KEY, publicKey: "PEM" };
const BUILDS = planOf(registryState());
/** Everything is where it should be. */
const UNCHANGED: ReleasePlan = {
  ...BUILDS,
  levels: [],
  images: BUILDS.images.map((one) => ({
    ...one,
    content: { from: "version-tag", tag: "1.2.3", digest: digest("a") },
    candidateTags: [],
    copyTo: [],
  })),
};
const PROMOTES = planOf(registryState(), {
  intents: [
    intent({
      existing: { from: "promotion", digest: digest("a"), source: "stage.example/app", of: "stage" },
    }),
  ],
});

interface Given {
  readonly atHand?: boolean;
  readonly signs?: boolean;
  readonly encrypted?: readonly string[];
  readonly plan?: ReleasePlan;
  readonly push?: boolean;
}

test.each<[string, SignConfig, Given, "refused" | "planned"]>([
  ["no key at all", KEY, {}, "refused"],
  ["no key at all, in a preview", KEY, { signs: false }, "refused"],
  ["the public key alone", WITH_PUBLIC, {}, "refused"],
  ["the public key alone, in a preview", WITH_PUBLIC, { signs: false }, "planned"],
  ["the environment's key", KEY, { atHand: true }, "planned"],
  ["the stack's key", { ...KEY, key: new Secret("PEM") }, {}, "planned"],
  ["an encrypted key, in a preview", KEY, { signs: false, encrypted: ["sign.key"] }, "planned"],
  ["an encrypted key, without an engine", KEY, { encrypted: ["sign.key"] }, "refused"],
  ["no key, and nothing to write", KEY, { plan: UNCHANGED }, "planned"],
  ["no key, and a promotion, which signs nothing", KEY, { plan: PROMOTES }, "planned"],
  ["no key, and nothing pushed", KEY, { push: false }, "planned"],
  ["nothing to be signed", { mode: "none" }, {}, "planned"],
])("%s", (_, sign, given, expected) => {
  const { atHand = false, signs = true, encrypted = [], plan = BUILDS, push = true } = given;
  const refusals = missingKey(aConfig({ sign, encrypted, push }), plan, { atHand, signs });
  expect(refusals.map(({ code }) => code)).toEqual(expected === "refused" ? ["sign-no-key"] : []);
});

test("the refusal says what to do, and what signing nothing means", () => {
  const [refusal] = missingKey(aConfig({ sign: KEY }), BUILDS, { atHand: false, signs: true });
  expect(refusal?.hint).toBe(
    "Make a key pair: npx --no slipway keys --stack stage. Or set slipway:sign to { mode: none }: nothing is signed then, " +
      "and anyone who can push to a registry decides what is adopted from it.",
  );
});
