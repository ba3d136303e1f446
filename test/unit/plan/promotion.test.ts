import { describe, expect, test } from "vitest";
import type { Digest } from "../../../src/plan/digest";
import {
  checkPromotion,
  manifestRelease,
  type PromotionCheck,
  readStackManifest,
} from "../../../src/plan/promotion";
import type { FoundImage } from "../../../src/plan/registry-state";

const DIGEST: Digest = `sha256:${"a".repeat(64)}`;
const MANIFEST = {
  schema: 1,
  stack: "stage",
  revision: "b".repeat(40),
  skipped: {},
  images: [
    {
      name: "app",
      version: "1.2.3",
      digest: DIGEST,
      contentKey: "key",
      platforms: ["linux/amd64", "linux/arm64"],
      repositories: ["stage.example/app"],
      references: [],
      tags: [],
      attestations: [],
    },
  ],
};

describe("stage's manifest", () => {
  test("is read", () => {
    expect(readStackManifest("stage", MANIFEST)).toEqual({ manifest: MANIFEST, problems: [] });
  });

  test.each<[string, unknown, string, RegExp]>([
    ["is absent", undefined, "promotion-never-released", /pulumi up --stack stage/],
    ["is of an older schema", { ...MANIFEST, schema: 0 }, "promotion-old-manifest", /Release it again/],
    ["has no schema", { images: [] }, "promotion-old-manifest", /Release it again/],
    ["is of a newer schema", { ...MANIFEST, schema: 2 }, "promotion-newer-manifest", /same Slipway/],
    [
      "has no digest where one belongs",
      { ...MANIFEST, images: [{ ...MANIFEST.images[0], digest: "latest" }] },
      "promotion-old-manifest",
      /Release it again/,
    ],
  ])("is refused if it %s", (_, value, code, hint) => {
    const { manifest, problems } = readStackManifest("stage", value);
    expect(manifest).toBeUndefined();
    expect(problems).toMatchObject([{ code, path: "promote.from", hint: expect.stringMatching(hint) }]);
  });

  test("has the release's reference, or the likely one if it names none", () => {
    const { manifest } = readStackManifest("stage", MANIFEST);
    const [image] = manifest?.images ?? [];
    if (manifest === undefined || image === undefined) throw new Error("no manifest");
    expect(manifestRelease(manifest, image)).toMatchObject({
      ref: "refs/tags/v1.2.3",
      revision: "b".repeat(40),
    });
    expect(
      manifestRelease(manifest, { ...image, ref: "refs/tags/standalone-v1.2.3", revision: "c".repeat(40) }),
    ).toMatchObject({ ref: "refs/tags/standalone-v1.2.3", revision: "c".repeat(40) });
  });
});

describe("a promotion", () => {
  const there: FoundImage = {
    digest: DIGEST,
    mediaType: "application/vnd.oci.image.index.v1+json",
    platforms: ["linux/amd64", "linux/arm64"],
    annotations: {},
    statements: [],
  };
  const check: PromotionCheck = {
    release: {
      name: "app",
      digest: DIGEST,
      version: "1.2.3",
      revision: "b".repeat(40),
      ref: "refs/tags/v1.2.3",
      contentKey: "key",
      platforms: ["linux/amd64", "linux/arm64"],
      repositories: ["one.example/app", "two.example/app"],
    },
    of: "stage",
    remedy: "pulumi up --stack stage",
    platforms: ["linux/amd64"],
    asserted: undefined,
    requireTag: true,
    found: { "one.example/app": there, "two.example/app": there },
    problems: [],
  };

  test("comes from the first place that has the digest", () => {
    expect(checkPromotion(check)).toEqual({ source: "one.example/app", problems: [] });
    expect(checkPromotion({ ...check, found: { "two.example/app": there } }).source).toBe("two.example/app");
  });

  test.each(["v1.2.3", "1.2.3"])("is the requested version: %s", (asserted) => {
    expect(checkPromotion({ ...check, asserted }).problems).toEqual([]);
  });

  const { version: _, ...unversioned } = check.release;
  test.each<[string, Partial<PromotionCheck>, string]>([
    ["another version is asked for", { asserted: "v1.2.4" }, "promotion-other-version"],
    [
      "a tag is required and there is no version",
      { release: { ...unversioned, ref: "" } },
      "promotion-without-version",
    ],
    ["the digest is gone", { found: {} }, "promotion-digest-gone"],
    [
      "a platform of the manifest is gone",
      { found: { "one.example/app": { ...there, platforms: ["linux/amd64"] } } },
      "promotion-platform-missing",
    ],
    ["this stack wants another platform", { platforms: ["linux/s390x"] }, "promotion-platform-missing"],
    [
      "the registry does not answer",
      { found: {}, problems: [{ code: "registry-unreachable", path: "one.example/app", message: "no" }] },
      "registry-unreachable",
    ],
  ])("is refused if %s", (_name, more, code) => {
    expect(checkPromotion({ ...check, ...more }).problems.map((problem) => problem.code)).toEqual([code]);
  });
});
