import { describe, expect, test } from "vitest";
import { engineExcludes, isAllInRegistries, type StateResource } from "../../../src/plan/selection";
import { planOf, registryState } from "../../support/plan-state";

const STACK = "urn:pulumi:stage::slipway::pulumi:pulumi:Stack::slipway-stage";

/** The resources of two images, of which the plan has `app`; below a release, or at the root as older versions had them. */
function state(release: string | undefined): StateResource[] {
  const below = release === undefined ? "" : "slipway:index:Release$";
  const prefix = release === undefined ? "" : `${release}-`;
  const urn = (types: string, name: string) => `urn:pulumi:stage::slipway::${types}::${name}`;
  const root = release === undefined ? STACK : urn("slipway:index:Release", release);
  return [
    { urn: STACK, type: "pulumi:pulumi:Stack" },
    ...(release === undefined ? [] : [{ urn: root, type: "slipway:index:Release", parent: STACK }]),
    ...["app", "web"].flatMap((image) => {
      const component = urn(`${below}slipway:index:ImageRelease`, `${prefix}${image}`);
      const tags = urn(`${below}slipway:index:TagSet`, `${prefix}tags`);
      return [
        { urn: component, type: "slipway:index:ImageRelease", parent: root },
        {
          urn: urn(
            `${below}slipway:index:ImageRelease$slipway-registry:index:Candidate`,
            `${prefix}${image}-candidate`,
          ),
          type: "slipway-registry:index:Candidate",
          parent: component,
        },
        {
          urn: urn(
            `${below}slipway:index:TagSet$slipway-registry:index:Tag`,
            `${prefix}${image}-latest-localhost-5000`,
          ),
          type: "slipway-registry:index:Tag",
          parent: tags,
        },
      ];
    }),
  ];
}

describe("what the engine leaves alone when one image is released", () => {
  // Tags of the other image in state of an older version are forgotten, which asks no registry.
  test.each([
    ["below a release", "release"],
    ["in state of an older version", undefined],
  ])("%s: the other image's resources, and nothing else", (_, release) => {
    const resources = state(release);
    expect(engineExcludes(resources, [planOf(registryState())])).toEqual(
      resources
        .map(({ urn }) => urn)
        .filter((urn) => /ImageRelease.*::(?:release-)?web/.test(urn))
        .sort(),
    );
  });
});

test("a state with nothing but releases may be written once, at the end", () => {
  const releases = state("release");
  expect(isAllInRegistries(releases)).toBe(true);
  expect(isAllInRegistries([])).toBe(false);
  const other = { urn: "urn:pulumi:stage::shop::aws:s3/bucket:Bucket::logs", type: "aws:s3/bucket:Bucket" };
  expect(isAllInRegistries([...releases, other])).toBe(false);
});
