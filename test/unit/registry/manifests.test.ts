import { describe, expect, it } from "vitest";
import {
  type Descriptor,
  isIndex,
  isManifest,
  OCI_INDEX,
  OCI_MANIFEST,
  platforms,
} from "../../../src/registry/manifests";
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
  ])("isIndex with the entry %j is %j", (value, expected) => {
    expect(isIndex({ schemaVersion: 2, manifests: [value] })).toBe(expected);
  });

  it.each([
    [{ schemaVersion: 2, manifests: [] }, true, false],
    [{ schemaVersion: 2, config: entry(), layers: [entry()] }, false, true],
    [{ schemaVersion: 2, config: entry(), layers: [], subject: {} }, false, false],
    [{ schemaVersion: 1, fsLayers: [] }, false, false],
    ["text", false, false],
  ])("%j", (value, index, manifest) => {
    expect([isIndex(value), isManifest(value)]).toEqual([index, manifest]);
  });
});

describe("platforms", () => {
  it("are sorted, without attestations", () => {
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
