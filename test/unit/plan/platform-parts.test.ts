import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildRecipe } from "../../../src/plan/build-recipe";
import type { Digest } from "../../../src/plan/digest";
import {
  builtImages,
  matchParts,
  type Part,
  type PartsFile,
  parsePlatformParts,
  partOf,
} from "../../../src/plan/platform-parts";
import { anIntent, aPlannedImage, DIGEST, KEY, REVISION } from "../../support/planned";

const OTHER: Digest = `sha256:${"b".repeat(64)}`;
const PLATFORMS = ["linux/amd64", "linux/arm64"];

function aPart(changes: Partial<Part> = {}): Part {
  return { image: "app", contentKey: KEY, digest: DIGEST, repositories: ["ghcr.io/octo/app"], ...changes };
}

function aFile(platform: string, parts: readonly Part[] = [aPart()], file = `${platform}.json`): PartsFile {
  return { file, parts: { schema: 1, stack: "stage", revision: REVISION, platform, parts } };
}

const app = aPlannedImage({
  intent: anIntent({ annotations: { "org.x": "1", "dev.slipway.content-key": KEY } }),
});
const found = aPlannedImage({ name: "web", content: { from: "candidate", tag: "sha-1", digest: DIGEST } });

function codes(files: readonly PartsFile[], images = [app]): string[] {
  return matchParts(images, files, "stage").problems.map(({ path, code }) => `${path} [${code}]`);
}

describe("an image for one platform", () => {
  test("is built as the whole is, but for the platform, and says that it is a part", () => {
    const whole = buildRecipe(app, [], ".");
    const part = buildRecipe(partOf(app, "linux/arm64"), [], ".");
    expect(part).toEqual({
      ...whole,
      platforms: ["linux/arm64"],
      output: whole.output.replace("dev.slipway.content-key", "dev.slipway.part-of"),
    });
    expect(part.output).not.toContain("content-key");
  });

  test("is needed only if the whole image has to be built", () => {
    expect(builtImages([app, found])).toEqual([app]);
    expect(matchParts([found], [], "stage")).toEqual({ matched: [], problems: [] });
  });
});

describe("parts", () => {
  test("are one for each platform, in the platforms' order", () => {
    const arm = aPart({ digest: OTHER });
    const { matched, problems } = matchParts(
      [app, found],
      [aFile("linux/arm64", [arm]), aFile("linux/amd64")],
      "stage",
    );
    expect(problems).toEqual([]);
    expect(matched).toEqual([
      {
        image: app,
        parts: [
          { ...aPart(), platform: "linux/amd64" },
          { ...arm, platform: "linux/arm64" },
        ],
      },
    ]);
  });

  const rest = aFile("linux/amd64");
  const strange = aPart({ contentKey: "d".repeat(64) });

  test.each<[string, PartsFile[], string[]]>([
    ["none at all", [], ["app linux/amd64 [part-missing]", "app linux/arm64 [part-missing]"]],
    ["one platform", [rest], ["app linux/arm64 [part-missing]"]],
    ["a file without the image", [rest, aFile("linux/arm64", [])], ["app linux/arm64 [part-missing]"]],
    [
      "another image's",
      [rest, aFile("linux/arm64", [aPart({ image: "x" })])],
      ["app linux/arm64 [part-missing]"],
    ],
    ["other content", [rest, aFile("linux/arm64", [strange])], ["app linux/arm64 [part-other-content]"]],
    [
      "two of one platform",
      [rest, aFile("linux/arm64"), aFile("linux/arm64", [aPart({ digest: OTHER })], "again.json")],
      ["app linux/arm64 [part-twice]"],
    ],
    ["the same twice", [rest, aFile("linux/arm64"), aFile("linux/arm64", [aPart()], "copy.json")], []],
    [
      "an old one beside the right one",
      [rest, aFile("linux/arm64", [strange], "old.json"), aFile("linux/arm64")],
      [],
    ],
  ])("with %s", (_, files, expected) => {
    expect(codes(files)).toEqual(expected);
  });

  test("that are missing or different are reported with what to do", () => {
    const { problems } = matchParts([app], [rest, aFile("linux/arm64", [strange])], "stage");
    expect(problems[0]?.message).toBe(
      "linux/arm64.json is made of dddddddddddd (commit 0123456789ab), and this checkout's plan wants cccccccccccc",
    );
    expect(problems[0]?.hint).toContain("slipway build --stack stage --platform linux/arm64");
  });

  test("match if and only if every platform is there with the same content", () => {
    const file = fc.record({
      platform: fc.constantFrom(...PLATFORMS),
      right: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(file, { maxLength: 6 }), (written) => {
        const files = written.map(({ platform, right }, index) =>
          aFile(platform, [right ? aPart() : strange], `${index}.json`),
        );
        const whole = PLATFORMS.every((platform) =>
          written.some((known) => known.platform === platform && known.right),
        );
        expect(codes(files).length === 0).toBe(whole);
      }),
    );
  });
});

describe("a parts file", () => {
  const { parts: written } = aFile("linux/arm64", [aPart({ base: OTHER })]);

  test("is read as it was written", () => {
    expect(parsePlatformParts(JSON.parse(JSON.stringify(written)))).toEqual(written);
  });

  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["a list", []],
    ["another schema", { ...written, schema: 2 }],
    ["no platform", { ...written, platform: undefined }],
    ["no parts", { ...written, parts: undefined }],
    ["a part without digest", { ...written, parts: [{ ...aPart(), digest: "sha256:1" }] }],
    ["a part without content key", { ...written, parts: [{ ...aPart(), contentKey: 1 }] }],
    ["a part with a wrong base", { ...written, parts: [{ ...aPart(), base: "latest" }] }],
    ["a part that is no object", { ...written, parts: [aPart(), null] }],
    ["repositories that are no texts", { ...written, parts: [{ ...aPart(), repositories: [1] }] }],
    ["a release manifest", { schema: 1, stack: "stage", revision: REVISION, images: [] }],
  ])("is not %s", (_, value) => {
    expect(parsePlatformParts(value)).toBeUndefined();
  });
});
