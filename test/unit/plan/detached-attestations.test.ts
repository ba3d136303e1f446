import { describe, expect, test } from "vitest";
import { type Digest, digestOf } from "../../../src/plan/digest";
import { detachAttestations, detachedDigests, type IndexEntry } from "../../../src/plan/image-index";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const IN_TOTO = "application/vnd.in-toto+json";

function of(letter: string): Digest {
  return `sha256:${letter.repeat(64)}`;
}

function platform(letter: string, architecture: string) {
  return { mediaType: MANIFEST, digest: of(letter), size: 475, platform: { architecture, os: "linux" } };
}

function attestation(letter: string, about: Digest) {
  return {
    mediaType: MANIFEST,
    digest: of(letter),
    size: 834,
    annotations: {
      "vnd.docker.reference.digest": about,
      "vnd.docker.reference.type": "attestation-manifest",
    },
    platform: { architecture: "unknown", os: "unknown" },
  };
}

function layer(letter: string, predicateType?: string): IndexEntry {
  const annotations: Record<string, string> =
    predicateType === undefined ? {} : { "in-toto.io/predicate-type": predicateType };
  return { mediaType: IN_TOTO, digest: of(letter), size: 371, annotations };
}

const SPDX = "https://spdx.dev/Document";
const SLSA = "https://slsa.dev/provenance/v1";
const INDEX = {
  mediaType: "application/vnd.oci.image.index.v1+json",
  manifests: [
    platform("a", "amd64"),
    platform("b", "arm64"),
    attestation("c", of("a")),
    attestation("d", of("b")),
  ],
  annotations: { "dev.slipway.content-key": "key" },
};
const LAYERS = new Map<Digest, readonly IndexEntry[]>([
  [of("c"), [layer("1", SPDX), layer("2", SLSA), { mediaType: "text/plain", digest: of("9"), size: 1 }]],
  [of("d"), [layer("3", SPDX), layer("4", SLSA)]],
]);

function detach() {
  const detached = detachAttestations(INDEX, LAYERS);
  if (detached === undefined) throw new Error("nothing was detached");
  return { ...detached, json: JSON.parse(Buffer.from(detached.bytes).toString()) };
}

describe("an index without its attestations", () => {
  test("has its platforms as they were, its annotations, and the digest of each statement", () => {
    const { json, statements } = detach();
    expect(json).toEqual({
      schemaVersion: 2,
      mediaType: INDEX.mediaType,
      manifests: [platform("a", "amd64"), platform("b", "arm64")],
      annotations: {
        "dev.slipway.attestations": expect.any(String),
        "dev.slipway.content-key": "key",
      },
    });
    expect(detachedDigests(json.annotations)).toEqual(statements.map(({ digest }) => digest).sort());
  });

  test("is the same bytes for the same input, in whatever order annotations are written", () => {
    const reordered = { ...INDEX, annotations: { z: "1", ...INDEX.annotations } };
    const back = { ...INDEX, annotations: { ...INDEX.annotations, z: "1" } };
    expect(detach().digest).toBe(detach().digest);
    expect(detachAttestations(reordered, LAYERS)?.digest).toBe(detachAttestations(back, LAYERS)?.digest);
  });

  test("is named by its digest", () => {
    const { bytes, digest, statements } = detach();
    expect(digestOf(bytes)).toBe(digest);
    for (const statement of statements) expect(digestOf(statement.bytes)).toBe(statement.digest);
  });

  test("is another one for another statement", () => {
    const other = new Map([...LAYERS, [of("d"), [layer("5", SPDX), layer("4", SLSA)]] as const]);
    expect(detachAttestations(INDEX, other)?.digest).not.toBe(detach().digest);
  });
});

describe("each statement", () => {
  test("is a referrer of its platform, of one layer as the build made it", () => {
    const { statements } = detach();
    expect(statements.map(({ subject, annotations }) => [subject.digest, annotations])).toEqual([
      [of("a"), { "in-toto.io/predicate-type": SPDX }],
      [of("a"), { "in-toto.io/predicate-type": SLSA }],
      [of("b"), { "in-toto.io/predicate-type": SPDX }],
      [of("b"), { "in-toto.io/predicate-type": SLSA }],
    ]);
    expect(JSON.parse(Buffer.from(statements[0]?.bytes ?? "").toString())).toEqual({
      schemaVersion: 2,
      mediaType: MANIFEST,
      artifactType: IN_TOTO,
      config: {
        mediaType: "application/vnd.oci.empty.v1+json",
        digest: "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        size: 2,
        data: "e30=",
      },
      layers: [layer("1", SPDX)],
      subject: { mediaType: MANIFEST, digest: of("a"), size: 475 },
      annotations: { "in-toto.io/predicate-type": SPDX },
    });
  });

  test("without BuildKit's annotation has none", () => {
    const plain = detachAttestations(INDEX, new Map([...LAYERS, [of("c"), [layer("1")]] as const]));
    expect(plain?.statements[0]?.annotations).toEqual({});
  });
});

test("an index without attestations stays what it is", () => {
  expect(detachAttestations({ manifests: [platform("a", "amd64")] }, new Map())).toBeUndefined();
  expect(detachedDigests(undefined)).toEqual([]);
});

test("an attestation about something else, or one that was not read, is no attestation of this index", () => {
  const foreign = { manifests: [platform("a", "amd64"), attestation("c", of("f"))] };
  expect(() => detachAttestations(foreign, LAYERS)).toThrow(/is about sha256:f+, which is not in its index/);
  expect(() => detachAttestations(INDEX, new Map())).toThrow(/was not read/);
});

test("an annotation of another tool names no digests", () => {
  expect(detachedDigests({ "dev.slipway.attestations": `latest,sha256:1,,${of("1")}` })).toEqual([of("1")]);
});
