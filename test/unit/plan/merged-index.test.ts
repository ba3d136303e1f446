import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Digest } from "../../../src/plan/digest";
import {
  type ImageIndex,
  type IndexEntry,
  mergedAnnotations,
  mergedIndex,
  missingInBase,
  partIndexProblems,
} from "../../../src/plan/image-index";
import { isIndex, platforms } from "../../../src/registry/manifests";
import { KEY } from "../../support/planned";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

function digest(seed: string): Digest {
  return `sha256:${Buffer.from(seed).toString("hex").padEnd(64, "0").slice(0, 64)}`;
}

function entry(platform: string, seed = platform): IndexEntry {
  const [os = "", architecture = "", variant] = platform.split("/");
  return {
    mediaType: MANIFEST,
    digest: digest(seed),
    size: 480,
    platform: { architecture, os, ...(variant === undefined ? {} : { variant }) },
  };
}

/** As BuildKit writes it. */
function attestation(subject: Digest, seed: string): IndexEntry {
  return {
    mediaType: MANIFEST,
    digest: digest(seed),
    size: 566,
    annotations: {
      "vnd.docker.reference.digest": subject,
      "vnd.docker.reference.type": "attestation-manifest",
    },
    platform: { architecture: "unknown", os: "unknown" },
  };
}

function part(platform: string, changes: Partial<ImageIndex> = {}): ImageIndex {
  const image = entry(platform);
  return {
    manifests: [image, attestation(image.digest, `att ${platform}`)],
    annotations: { "dev.slipway.part-of": KEY },
    ...changes,
  };
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("utf8");

describe("the index of all parts", () => {
  test("is what BuildKit writes on one machine, byte for byte", () => {
    const parts = ["linux/amd64", "linux/arm64"].map((platform) => ({ platform, index: part(platform) }));
    const { bytes } = mergedIndex(parts, { "org.x.vendor": "A & B <c>", "dev.slipway.content-key": KEY });
    expect(text(bytes)).toBe(
      [
        "{",
        '  "schemaVersion": 2,',
        '  "mediaType": "application/vnd.oci.image.index.v1+json",',
        '  "manifests": [',
        ...["linux/amd64", "linux/arm64"].flatMap((platform) => [
          "    {",
          `      "mediaType": "${MANIFEST}",`,
          `      "digest": "${digest(platform)}",`,
          '      "size": 480,',
          '      "platform": {',
          `        "architecture": "${platform.split("/")[1]}",`,
          '        "os": "linux"',
          "      }",
          "    },",
        ]),
        ...["linux/amd64", "linux/arm64"].flatMap((platform, index) => [
          "    {",
          `      "mediaType": "${MANIFEST}",`,
          `      "digest": "${digest(`att ${platform}`)}",`,
          '      "size": 566,',
          '      "annotations": {',
          `        "vnd.docker.reference.digest": "${digest(platform)}",`,
          '        "vnd.docker.reference.type": "attestation-manifest"',
          "      },",
          '      "platform": {',
          '        "architecture": "unknown",',
          '        "os": "unknown"',
          "      }",
          index === 0 ? "    }," : "    }",
        ]),
        "  ],",
        '  "annotations": {',
        `    "dev.slipway.content-key": "${KEY}",`,
        '    "org.x.vendor": "A \\u0026 B \\u003cc\\u003e"',
        "  }",
        "}",
      ].join("\n"),
    );
  });

  const platformList = fc.uniqueArray(
    fc.constantFrom("linux/amd64", "linux/arm64", "linux/arm/v7", "linux/s390x", "windows/amd64"),
    { minLength: 1 },
  );
  const annotations = fc.dictionary(fc.stringMatching(/^[a-z][a-z.-]{0,12}$/), fc.string());

  test("has every entry of every part once, each attestation after all that runs, and the annotations alone", () => {
    fc.assert(
      fc.property(platformList, annotations, fc.boolean(), (names, told, attested) => {
        const parts = names.map((platform) => ({
          platform,
          index: attested ? part(platform) : part(platform, { manifests: [entry(platform)] }),
        }));
        const { bytes, manifests } = mergedIndex(parts, told);
        const read: unknown = JSON.parse(text(bytes));
        if (!isIndex(read)) throw new Error("no index");
        expect(read.manifests).toEqual(manifests);
        expect(read.annotations).toEqual(told);
        expect(platforms(read)).toEqual([...names].sort());
        const runnable = read.manifests.slice(0, names.length).map((known) => known.digest);
        expect(runnable).toEqual(names.map((name) => digest(name)));
        expect(
          read.manifests
            .slice(names.length)
            .map((known) => known.annotations?.["vnd.docker.reference.digest"]),
        ).toEqual(attested ? runnable : []);
      }),
    );
  });

  test("does not depend on the order in which annotations were written", () => {
    fc.assert(
      fc.property(platformList, annotations, (names, told) => {
        const parts = names.map((platform) => ({ platform, index: part(platform) }));
        const turned = Object.fromEntries(Object.entries(told).reverse());
        expect(text(mergedIndex(parts, turned).bytes)).toBe(text(mergedIndex(parts, told).bytes));
      }),
    );
  });
});

describe("whether the index of all parts has its SBOM", () => {
  const whole = { platform: "linux/amd64", index: part("linux/amd64") };
  const lacking = {
    platform: "linux/arm64",
    index: part("linux/arm64", {
      annotations: { "dev.slipway.part-of": KEY, "dev.slipway.sbom": "unavailable" },
    }),
  };
  const own = { "dev.slipway.content-key": KEY };

  test.each([
    ["could be reached", own],
    ["could not be reached", { ...own, "dev.slipway.sbom": "unavailable" }],
  ])("comes from the parts, where the merging machine's generator %s", (_, planned) => {
    expect(mergedAnnotations([whole, whole], planned)).toEqual(own);
    for (const parts of [[whole, lacking], [lacking, whole], [lacking]]) {
      expect(mergedAnnotations(parts, planned)).toEqual({
        ...own,
        "dev.slipway.sbom": "unavailable",
        "dev.slipway.merged": "parts",
      });
    }
  });
});

describe("a part's index", () => {
  const desired = {
    at: "app linux/arm64",
    platform: "linux/arm64",
    contentKey: KEY,
    attested: true,
  };
  const other = entry("linux/amd64");

  test.each([
    ["of its platform", part("linux/arm64"), {}],
    ["whose variant is the default one", part("linux/arm64/v8"), {}],
    [
      "without attestations, if none are configured",
      part("linux/arm64", { manifests: [entry("linux/arm64")] }),
      { attested: false },
    ],
  ])("%s is one", (_, index, changes) => {
    expect(partIndexProblems({ ...desired, ...changes }, index)).toEqual([]);
  });

  test.each<[string, ImageIndex, string, RegExp]>([
    [
      "of other content",
      part("linux/arm64", { annotations: { "dev.slipway.part-of": "d".repeat(64) } }),
      "part-wrong-index",
      /a part of dddddddddddd, not of cccccccccccc/,
    ],
    [
      "of a whole image",
      part("linux/arm64", { annotations: { "dev.slipway.content-key": KEY } }),
      "part-wrong-index",
      /a part of nothing/,
    ],
    [
      "of another platform",
      part("linux/amd64"),
      "part-wrong-platform",
      /has linux\/amd64, not linux\/arm64 alone/,
    ],
    [
      "of two platforms",
      part("linux/arm64", { manifests: [entry("linux/arm64"), other] }),
      "part-wrong-platform",
      /has linux\/arm64, linux\/amd64, not/,
    ],
    ["of none", part("linux/arm64", { manifests: [] }), "part-wrong-platform", /has no platform/],
    [
      "whose attestation is another's",
      part("linux/arm64", { manifests: [entry("linux/arm64"), attestation(other.digest, "x")] }),
      "part-wrong-index",
      /about another manifest/,
    ],
    [
      "without provenance",
      part("linux/arm64", { manifests: [entry("linux/arm64")] }),
      "part-not-attested",
      /neither provenance nor SBOM/,
    ],
  ])("%s is refused", (_, index, code, message) => {
    const problems = partIndexProblems(desired, index);
    expect(problems).toEqual([expect.objectContaining({ code, path: "app linux/arm64" })]);
    expect(problems[0]?.message).toMatch(message);
  });
});

test.each<[readonly string[], readonly string[], readonly string[]]>([
  [["linux/amd64", "linux/arm64"], ["linux/amd64", "linux/arm64"], []],
  [["linux/amd64"], ["linux/amd64", "linux/arm64"], ["linux/arm64"]],
  [["linux/amd64"], ["linux/amd64/v2"], []],
  [["linux/arm64/v8"], ["linux/arm64"], []],
  [["linux/386"], ["linux/amd64"], []],
  [["linux/amd64"], ["linux/386"], ["linux/386"]],
  [["linux/arm/v6"], ["linux/arm/v7", "linux/arm64"], []],
  [["linux/arm/v7"], ["linux/arm/v6"], ["linux/arm/v6"]],
  [[], ["linux/amd64"], ["linux/amd64"]],
])("a base with %j for %j lacks %j", (found, required, missing) => {
  expect(missingInBase(found, required)).toEqual(missing);
});
