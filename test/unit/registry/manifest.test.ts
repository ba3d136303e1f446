import { describe, expect, it } from "vitest";
import { nextLink } from "../../../src/registry/lists";
import {
  type Descriptor,
  isDescriptor,
  isIndex,
  isManifest,
  OCI_INDEX,
  OCI_MANIFEST,
  platforms,
} from "../../../src/registry/manifest";
import { referrerEntry } from "../../../src/registry/referrers";

const digest = `sha256:${"a".repeat(64)}` as const;
const entry = (extra: Partial<Descriptor> = {}): Descriptor => ({
  mediaType: OCI_MANIFEST,
  digest,
  size: 1,
  ...extra,
});

describe("type guards", () => {
  it.each([
    [entry(), true],
    [{ ...entry(), size: -1 }, false],
    [{ ...entry(), size: 1.5 }, false],
    [{ ...entry(), size: "1" }, false],
    [{ ...entry(), digest: "sha512:abc" }, false],
    [null, false],
    [[], false],
  ])("isDescriptor(%j) is %j", (value, expected) => {
    expect(isDescriptor(value)).toBe(expected);
  });

  it.each([
    [{ schemaVersion: 2, manifests: [entry()] }, true, false],
    [{ schemaVersion: 2, manifests: [] }, true, false],
    [{ schemaVersion: 2, manifests: [{}] }, false, false],
    [{ schemaVersion: 2, config: entry(), layers: [entry()] }, false, true],
    [{ schemaVersion: 2, config: entry(), layers: [], subject: {} }, false, false],
    [{ schemaVersion: 1, fsLayers: [] }, false, false],
    ["text", false, false],
  ])("%j", (value, index, manifest) => {
    expect([isIndex(value), isManifest(value)]).toEqual([index, manifest]);
  });
});

describe("platforms", () => {
  it("leaves attestations out, and sorts", () => {
    const manifests = [
      entry({ platform: { os: "linux", architecture: "arm", variant: "v7" } }),
      entry({ platform: { os: "linux", architecture: "amd64" } }),
      entry({ platform: { os: "unknown", architecture: "unknown" } }),
      entry({
        platform: { os: "linux", architecture: "s390x" },
        annotations: { "vnd.docker.reference.type": "attestation-manifest" },
      }),
      entry(),
    ];
    expect(platforms({ schemaVersion: 2, mediaType: OCI_INDEX, manifests })).toEqual([
      "linux/amd64",
      "linux/arm/v7",
    ]);
  });
});

describe("referrerEntry", () => {
  const config = entry({ mediaType: "application/vnd.cosign.config" });
  it.each([
    ["its own type", { artifactType: "x/y", config }, "x/y"],
    ["its configuration's type", { config }, "application/vnd.cosign.config"],
  ])("has %s", (_what, extra, expected) => {
    const manifest = { schemaVersion: 2, layers: [], annotations: { a: "b" }, ...extra };
    expect(referrerEntry(entry({ platform: { os: "linux", architecture: "amd64" } }), manifest)).toEqual(
      entry({ artifactType: expected, annotations: { a: "b" } }),
    );
  });
});

describe("nextLink", () => {
  it.each([
    [undefined, undefined],
    ['</v2/a/tags/list?last=b&n=2>; rel="next"', "/v2/a/tags/list?last=b&n=2"],
    ["</next>;rel=next", "/next"],
    ['<https://r/x,y>; title="a, b"; rel="prev next"', "https://r/x,y"],
    ['</prev>; rel="prev", </next>; rel="next"', "/next"],
    ['</x>; rel="nextish"', undefined],
    ["nonsense", undefined],
  ])("%j is %j", (header, expected) => {
    expect(nextLink(header)).toBe(expected);
  });
});
