import { describe, expect, test } from "vitest";
import { MERGED_ANNOTATION, SBOM_ANNOTATION } from "../../../src/plan/annotations";
import { buildRecipe } from "../../../src/plan/build-recipe";
import type { FoundImage } from "../../../src/plan/registry-state";
import { candidateName } from "../../../src/plan/release-intent";
import { buildName } from "../../../src/plan/resource-inputs";
import { generatorProblems, type SbomGenerator, sbomGenerator } from "../../../src/plan/sbom";
import {
  digest,
  FIRST,
  image,
  intent,
  manifest,
  OTHER_REVISION,
  planOf,
  registryState,
  SECOND,
} from "../../support/plan-state";
import { anImage, DIGEST, KEY } from "../../support/planned";

const DEFAULT = { generator: "docker.io/docker/buildkit-syft-scanner:stable-1", required: false };
const REACHED: SbomGenerator = { reference: DEFAULT.generator, digest: DIGEST };
const AWAY: SbomGenerator = { reference: DEFAULT.generator, unavailable: "no answer" };

function wanting(sbom: SbomGenerator) {
  return [intent({ image: anImage({ sbom: DEFAULT }), sbom })];
}

/** What a registry holds, built while the generator was away. */
function without(changes: Parameters<typeof image>[0] = {}): FoundImage {
  const found = image(changes);
  return { ...found, annotations: { ...found.annotations, [SBOM_ANNOTATION]: "unavailable" } };
}

function first(plan: ReturnType<typeof planOf>) {
  const [planned] = plan.images;
  if (planned === undefined) throw new Error("no image");
  return planned;
}

describe("the generator", () => {
  const problem = { code: "registry-unreachable", path: DEFAULT.generator, message: "no answer" };

  test("is used by its digest", () => {
    const known = sbomGenerator(DEFAULT, { digests: { [DEFAULT.generator]: DIGEST }, problems: [] });
    expect(known).toEqual(REACHED);
    const recipe = buildRecipe(first(planOf(registryState(), { intents: wanting(known) })), [], ".");
    expect(recipe.buildArgs.BUILDKIT_ATTEST_SBOM).toBe(
      `generator=docker.io/docker/buildkit-syft-scanner@${DIGEST}`,
    );
  });

  test("may be missing if it is the default one, but not if the settings name it", () => {
    const away = sbomGenerator(DEFAULT, { digests: {}, problems: [problem] });
    expect(away).toEqual(AWAY);
    expect(generatorProblems(DEFAULT, away, "slipway:images[0]")).toEqual([]);
    expect(generatorProblems({ ...DEFAULT, required: true }, away, "slipway:images[0]")).toEqual([
      expect.objectContaining({ code: "sbom-generator", path: "slipway:images[0].sbom" }),
    ]);
  });

  test("is used by its tag if its registry was not asked", () => {
    const unasked = sbomGenerator(DEFAULT, { digests: {}, problems: [] });
    expect(unasked).toEqual({ reference: DEFAULT.generator });
    const recipe = buildRecipe(first(planOf(registryState(), { intents: wanting(unasked) })), [], ".");
    expect(recipe.buildArgs.BUILDKIT_ATTEST_SBOM).toBe(`generator=${DEFAULT.generator}`);
  });
});

describe("a generator that cannot be reached", () => {
  test("leaves a build without an SBOM, which plan, index and resource say", () => {
    const plan = planOf(registryState(), { intents: wanting(AWAY) });
    const planned = first(plan);
    expect(planned).toMatchObject({ content: { from: "build" }, sbom: "unavailable" });
    expect(planned.intent.annotations[SBOM_ANNOTATION]).toBe("unavailable");
    expect(buildRecipe(planned, [], ".").buildArgs).not.toHaveProperty("BUILDKIT_ATTEST_SBOM");
    expect(buildName("app", KEY, planned)).toBe(`app-build-${KEY.slice(0, 12)}-no-sbom`);
    expect(plan.notices).toEqual([
      "no SBOM for app: docker.io/docker/buildkit-syft-scanner:stable-1 cannot be reached (no answer)\n" +
        "Name one that can be (sbom, or SLIPWAY_SBOM_GENERATOR), or set sbom: false",
    ]);
    expect(plan.refusals).toEqual([]);
  });

  test("is reported with the registry's reason only", () => {
    const request =
      "registry-1.docker.io (for docker.io) could not be reached for HEAD /v2/docker/x/manifests/1: ";
    const away = { ...AWAY, unavailable: `${request}getaddrinfo ENOTFOUND registry-1.docker.io` };
    const [notice] = planOf(registryState(), { intents: wanting(away) }).notices;
    expect(notice?.split("\n")[0]).toBe(
      "no SBOM for app: docker.io/docker/buildkit-syft-scanner:stable-1 cannot be reached " +
        "(getaddrinfo ENOTFOUND registry-1.docker.io)",
    );
  });

  test("is no note where it is needed: that is a refusal", () => {
    const needed = anImage({ sbom: { ...DEFAULT, required: true } });
    const intents = [intent({ image: needed, sbom: AWAY })];
    expect(planOf(registryState(), { intents }).notices).toEqual([]);
  });

  test("builds nothing again that has its SBOM", () => {
    const state = registryState().with(FIRST, "sha-0123456", image());
    const plan = planOf(state, {
      intents: wanting(AWAY),
      previous: manifest([], { build: { generation: 0 } }),
    });
    const planned = first(plan);
    expect(planned).toMatchObject({
      content: { from: "candidate" },
      sbom: "attached",
      build: { generation: 0 },
    });
    expect(planned.intent.annotations).not.toHaveProperty(SBOM_ANNOTATION);
    expect(buildName("app", KEY, planned)).toBe(`app-build-${KEY.slice(0, 12)}`);
    expect(plan.notices).toEqual([]);
  });

  test("finds what it left without an SBOM again, and stays with it", () => {
    const state = registryState().with(FIRST, "sha-0123456", without());
    const planned = first(planOf(state, { intents: wanting(AWAY) }));
    expect(planned).toMatchObject({ content: { from: "candidate" }, sbom: "unavailable" });
    expect(planned.intent.annotations[SBOM_ANNOTATION]).toBe("unavailable");
  });
});

describe("a generator that can be reached again", () => {
  test("adopts the version that was released without an SBOM, with a notice", () => {
    const state = registryState().with(FIRST, "1.2.3", without());
    const plan = planOf(state, { intents: wanting(REACHED) });
    expect(first(plan)).toMatchObject({ content: { from: "version-tag" }, sbom: "unavailable" });
    expect(plan.refusals).toEqual([]);
    expect(plan.notices).toEqual([
      "no SBOM for app: it was built while its generator could not be reached; what is released stays as it is",
    ]);
  });

  test("adopts it without taking the candidate tag from equal content that has its SBOM", () => {
    const candidateTag = candidateName(KEY);
    const intents = [
      intent({ image: anImage({ sbom: DEFAULT, labels: "none" }), sbom: REACHED, candidateTag }),
    ];
    const whole = image({ digest: digest("b"), revision: undefined, version: undefined });
    const plan = planOf(
      registryState()
        .with(FIRST, "1.2.3", without())
        .with(FIRST, candidateTag, whole)
        .with(SECOND, "1.2.3", without())
        .with(SECOND, candidateTag, without()),
      { intents },
    );
    expect(plan.refusals).toEqual([]);
    expect(first(plan)).toMatchObject({
      content: { from: "version-tag", digest: digest("a") },
      candidateTags: [{ repository: SECOND, action: "unchanged" }],
    });
    const other = image({ digest: digest("b"), revision: OTHER_REVISION, contentKey: "d".repeat(64) });
    const taken = registryState().with(FIRST, "1.2.3", without()).with(FIRST, candidateTag, other);
    expect(planOf(taken, { intents }).refusals).toMatchObject([{ code: "tag-other-revision" }]);
  });

  test("builds a candidate with its SBOM, as another resource", () => {
    const state = registryState().with(FIRST, "sha-0123456", without());
    const plan = planOf(state, { intents: wanting(REACHED) });
    const planned = first(plan);
    expect(planned).toMatchObject({ content: { from: "build" }, sbom: "attached" });
    expect(buildName("app", KEY, planned)).toBe(`app-build-${KEY.slice(0, 12)}`);
    expect(plan.refusals).toEqual([]);
  });

  test("builds nothing again that was merged from parts without it: no machine here builds them all", () => {
    const found = without();
    const merged = { ...found, annotations: { ...found.annotations, [MERGED_ANNOTATION]: "parts" } };
    const plan = planOf(registryState().with(FIRST, "sha-0123456", merged), { intents: wanting(REACHED) });
    expect(first(plan)).toMatchObject({
      content: { from: "candidate", digest: digest("a") },
      sbom: "unavailable",
    });
    const better = registryState()
      .with(FIRST, "sha-0123456", merged)
      .with(SECOND, "sha-0123456", image({ digest: digest("b") }));
    expect(first(planOf(better, { intents: wanting(REACHED) }))).toMatchObject({
      content: { from: "candidate", digest: digest("b") },
      sbom: "attached",
    });
  });

  test("keeps no record of a build without an SBOM for content that has one", () => {
    const state = registryState().with(FIRST, "sha-0123456", image());
    const previous = manifest([], { build: { generation: 0 }, sbom: "unavailable" });
    expect(first(planOf(state, { intents: wanting(REACHED), previous })).build).toBeUndefined();
  });

  test("prefers content with an SBOM, wherever it is", () => {
    const state = registryState()
      .with(FIRST, "sha-0123456", without())
      .with(SECOND, "sha-0123456", image({ digest: digest("b") }));
    for (const sbom of [REACHED, AWAY]) {
      const planned = first(planOf(state, { intents: wanting(sbom) }));
      expect(planned).toMatchObject({
        content: { from: "candidate", digest: digest("b") },
        sbom: "attached",
        copyTo: [FIRST],
      });
    }
  });
});

test("what is promoted has the SBOM that it has, whatever today's settings say", () => {
  const existing = { from: "promotion", digest: digest("a"), source: FIRST, of: "stage" } as const;
  const state = registryState().with(FIRST, "1.2.3", image());
  for (const sbom of [DEFAULT, false] as const) {
    const plan = planOf(state, { intents: [intent({ image: anImage({ sbom }), existing })] });
    expect(first(plan).sbom).toBeUndefined();
    expect(plan.notices).toEqual([]);
  }
});

test("several images without an SBOM for one reason are one line", () => {
  const two = ["api", "web"].map((name) => intent({ name, image: anImage({ name }) }));
  expect(planOf(registryState(), { intents: two }).notices).toEqual([
    "no SBOM for api, web: it is turned off (sbom: false)",
  ]);
});
