import { expect, test } from "vitest";
import { imageRules, versionAndForm } from "../../../src/plan/image-tags";
import { type Rebuild, rebuildOf } from "../../../src/plan/rebuild";
import type { ImageIntent } from "../../../src/plan/release-intent";
import type { ContentClaim, ReleaseStatement } from "../../../src/plan/statement";
import {
  aConfig,
  digest,
  FIRST,
  image,
  intent,
  planOf,
  registryState,
  SECOND,
  statement,
} from "../../support/plan-state";
import { anEvent, anImage, KEY } from "../../support/planned";

const SEMVER = ["type=semver,pattern={{version}}", "type=semver,pattern={{major}}.{{minor}}"];
const BUILDS = SEMVER.map((rule) => `${rule},slipway-suffix=build`);
const TAG = ["type=ref,event=tag"];

function rebuild(tags: readonly string[], gitTag: string, names: readonly string[]): Rebuild {
  const event = anEvent({ ref: `refs/tags/${gitTag}` });
  const configured = anImage({ tags });
  const { version, form } = versionAndForm(imageRules(configured, event, new Date(0)).entries, event);
  return rebuildOf({ image: configured, event, now: new Date(0), names, version, form });
}

test.each<[string, readonly string[], string, readonly string[], Rebuild]>([
  ["a build", BUILDS, "v1.2.3", ["1.2.3", "1.2", "latest"], { next: "v1.2.3-r1" }],
  ["the next build", BUILDS, "v1.2.3", ["1.2.3", "1.2.3-r1"], { newest: "1.2.3-r1", next: "v1.2.3-r2" }],
  [
    "ten after nine",
    BUILDS,
    "v1.2.3",
    ["1.2.3-r9", "1.2.3-r10"],
    { newest: "1.2.3-r10", next: "v1.2.3-r11" },
  ],
  ["a rebuild of a rebuild", BUILDS, "v1.2.3-r1", ["1.2.3", "1.2.3-r1"], { next: "v1.2.3-r2" }],
  ["a number alone", BUILDS, "v1.2.3-1", ["1.2.3-1"], { next: "v1.2.3-2" }],
  ["a date stays", BUILDS, "5.2.2-211115", ["5.2.2-211115"], { next: "5.2.2-211115.1" }],
  ["and is counted on", BUILDS, "5.2.2-211115.1", ["5.2.2-211115.1"], { next: "5.2.2-211115.2" }],
  [
    "other versions do not count",
    BUILDS,
    "v1.2.3",
    ["1.2.3", "1.2.4", "1.2.4-r1", "1.3.0"],
    { next: "v1.2.3-r1" },
  ],
  ["nor do pre-releases", BUILDS, "v1.2.3", ["1.2.3", "1.2.3-rc1"], { next: "v1.2.3-r1" }],
  ["a letter", TAG, "v1.15.12", ["v1.15.12", "latest"], { next: "v1.15.12b" }],
  ["the next letter", TAG, "v1.15.12", ["v1.15.12b"], { newest: "v1.15.12b", next: "v1.15.12c" }],
  ["after z", TAG, "v1.15.12z", ["v1.15.12z"], { next: "v1.15.12za" }],
  ["a letter of CalVer", TAG, "2024.05.01", ["2024.05.01"], { next: "2024.05.01b" }],
  ["a letter, with a word before", TAG, "release-1.10", ["release-1.10"], { next: "release-1.10b" }],
  [
    "with a suffix of the tag",
    ["type=ref,event=tag,suffix=-alpine"],
    "v1.2.3",
    ["v1.2.3-alpine", "v1.2.3b-alpine"],
    { newest: "v1.2.3b-alpine", next: "v1.2.3c" },
  ],
  ["semver without builds has no name for it", SEMVER, "v1.2.3", ["1.2.3"], { withBuilds: "v1.2.3-r1" }],
  [
    "nor where one rule alone has builds, and 1.2 would stay",
    [`${SEMVER[0]},slipway-suffix=build`, `${SEMVER[1]}`],
    "v1.2.3",
    ["1.2.3"],
    { withBuilds: "v1.2.3-r1" },
  ],
  [
    "a pattern that cuts it off",
    ["type=match,pattern=v(\\d+\\.\\d+\\.\\d+),group=1"],
    "v1.2.3",
    ["1.2.3"],
    {},
  ],
  [
    "PEP 440, where it is a post release",
    ["type=pep440,pattern={{version}}"],
    "1.2.3",
    ["1.2.3", "latest"],
    {},
  ],
  ["no rules at all", [], "v1.2.3", ["v1.2.3"], { next: "v1.2.3b" }],
  [
    "the git tag in a text",
    ["type=raw,value={{tag}}-alpine"],
    "v1.2.3",
    ["v1.2.3-alpine"],
    { next: "v1.2.3b" },
  ],
  ["a folder in the git tag", TAG, "release/1.10", ["release-1.10"], { next: "release/1.10b" }],
  ["a build number", TAG, "147", ["147"], { next: "147b" }],
  ["a pre-release", BUILDS, "v1.3.0-rc.1", ["1.3.0-rc.1"], {}],
  ["a name without a number", TAG, "blue", ["blue"], {}],
])("what a rebuild is called: %s", (_, tags, gitTag, names, expected) => {
  expect(rebuild(tags, gitTag, names)).toEqual(expected);
});

const NODE = "docker.io/library/node:22";
const OLD = digest("b");
const NEW = digest("c");

const KEY_OF_OLD = "e".repeat(64);

/** 1.2.3 was built on OLD, 1.2.3-r1 on NEW, and NODE is NEW by now. */
function planned(changes: Partial<ImageIntent>, stated: Partial<ReleaseStatement>) {
  const old = statement({ contentKey: KEY_OF_OLD, bases: { [NODE]: OLD }, ...stated });
  const rebuilt = statement({ version: "1.2.3-r1", bases: { [NODE]: NEW } });
  const state = registryState()
    .with(FIRST, "1.2.3", image({ contentKey: KEY_OF_OLD, statements: [old] }))
    .with(FIRST, "1.2.3-r1", image({ digest: digest("d"), statements: [rebuilt] }));
  return planOf(state, { intents: [intent({ bases: { [NODE]: NEW }, ...changes })] });
}

test.each<[string, Partial<ImageIntent>, Partial<ReleaseStatement>, string | undefined]>([
  ["the next name", { rebuild: { next: "v1.2.3-r1" } }, {}, "Release v1.2.3-r1 to rebuild it"],
  [
    "a setting",
    { rebuild: { withBuilds: "v1.2.3-r1" } },
    {},
    "Release another version to rebuild it. With slipway-suffix=build on the semver rules, a version can be rebuilt itself, as v1.2.3-r1",
  ],
  ["neither", {}, {}, "Release another version to rebuild it"],
  ["a base that did not move", { bases: { [NODE]: OLD } }, {}, undefined],
  ["a base that is not taken any more", { bases: {} }, {}, undefined],
  ["a base that is new", {}, { bases: {} }, undefined],
  ["a statement of another version", {}, { version: "1.2.2" }, undefined],
  ["a statement of another image", {}, { image: "other" }, undefined],
  ["a rebuild that has it", { rebuild: { newest: "1.2.3-r1", next: "v1.2.3-r2" } }, {}, undefined],
])("a base that moved is in the plan: %s", (_, changed, stated, hint) => {
  const plan = planned(changed, stated);
  const rebuild = changed.rebuild?.next;
  const moved = { image: "app", built: "1.2.3", base: NODE, from: OLD, to: NEW, hint };
  expect(plan.movedBases).toEqual(hint && [rebuild === undefined ? moved : { ...moved, rebuild }]);
  expect(plan.refusals).toEqual([]);
  if (hint !== undefined) expect(plan.notices).toEqual([]);
});

test("a rebuild on a base that moved again is compared with its own statement", () => {
  const rebuild = { newest: "1.2.3-r1", next: "v1.2.3-r2" };
  const plan = planned({ bases: { [NODE]: digest("9") }, rebuild }, {});
  expect(plan.movedBases).toMatchObject([
    { built: "1.2.3-r1", from: NEW, to: digest("9"), rebuild: "v1.2.3-r2" },
  ]);
});

test.each<[string, Partial<ContentClaim> | undefined, number]>([
  ["signed, with what it was built on", { bases: { [NODE]: OLD } }, 1],
  ["signed before claims had bases", {}, 0],
  ["not signed", undefined, 0],
])("a base that is found by its files: %s", (_, claimed, count) => {
  const tag = "base-3f2a9c01b7de";
  const claim = {
    schema: 1,
    image: "app",
    lane: "",
    revision: "f".repeat(40),
    contentKey: KEY,
    tag,
  } as const;
  const claims = claimed === undefined ? [] : [{ ...claim, repositories: [FIRST, SECOND], ...claimed }];
  const found = { ...image(), signed: { claims, statements: [] } };
  const addressed = anImage({ addressed: { include: [] } });
  const plan = planOf(registryState().with(FIRST, tag, found), {
    config: aConfig({ sign: { mode: "key", trusted: [] } }),
    intents: [
      intent({ image: addressed, version: undefined, candidateTag: tag, tags: [], bases: { [NODE]: NEW } }),
    ],
  });
  const { movedBases = [] } = plan;
  expect(movedBases).toHaveLength(count);
  for (const { built, hint } of movedBases) {
    expect(built).toBe(tag);
    expect(hint).toBe(
      `Its tag is made from its files: write FROM ${NODE}@${NEW} in its Dockerfile, and release another version`,
    );
  }
  // The claim is kept as it was signed; one that is made for what is found says no more than the first.
  if (claimed !== undefined) expect(plan.images[0]?.claim?.bases).toEqual(claimed.bases);
});

test("the claim of a base that is built says what it is built on", () => {
  const addressed = anImage({ addressed: { include: [] } });
  const plan = planOf(registryState(), {
    config: aConfig({ sign: { mode: "key", trusted: [] } }),
    intents: [intent({ image: addressed, version: undefined, tags: [], bases: { [NODE]: NEW } })],
  });
  expect(plan.images[0]?.claim?.bases).toEqual({ [NODE]: NEW });
});
