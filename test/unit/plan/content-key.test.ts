import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ContentKeyInput, contentKey } from "../../../src/plan/content-key";

const INPUT: ContentKeyInput = {
  dockerfile: "FROM scratch\nCOPY . /\n",
  files: [
    { path: "a.txt", mode: "file", digest: "0".repeat(64), size: 1 },
    { path: "bin/run", mode: "executable", digest: "1".repeat(64), size: 2 },
  ],
  buildArgs: { A: "1", B: "2" },
  platforms: ["linux/amd64", "linux/arm64"],
  bases: [{ reference: "docker.io/library/node:22", digest: `sha256:${"2".repeat(64)}` }],
  labels: ["org.opencontainers.image.version=1.2.3"],
  provenance: true,
  sbom: false,
  attestations: "index",
  secretIds: ["token"],
};

const word = fc.string({ maxLength: 6, unit: "binary" });
const hex = fc.constantFrom("0".repeat(64), "1".repeat(64));
const anyInput: fc.Arbitrary<ContentKeyInput> = fc.record(
  {
    dockerfile: word,
    files: fc.uniqueArray(
      fc.record({
        path: word,
        mode: fc.constantFrom("file", "executable", "symlink"),
        digest: hex,
        size: fc.nat(3),
      }),
      { maxLength: 4, selector: (file) => file.path },
    ),
    buildArgs: fc.dictionary(word, word, { maxKeys: 4 }),
    target: word,
    platforms: fc.uniqueArray(word, { maxLength: 3 }),
    bases: fc.uniqueArray(fc.record({ reference: word, digest: hex }), {
      maxLength: 3,
      selector: (base) => base.reference,
    }),
    labels: fc.uniqueArray(word, { maxLength: 3 }),
    provenance: fc.boolean(),
    sbom: fc.oneof(fc.constant<false>(false), word),
    attestations: fc.constantFrom("index", "referrers"),
    salt: word,
    secretIds: fc.uniqueArray(word, { maxLength: 3 }),
    contexts: fc.dictionary(word, fc.oneof(word, fc.constant([])), { maxKeys: 3 }),
    sshIds: fc.uniqueArray(word, { maxLength: 3 }),
    network: fc.constantFrom("default", "none", "host"),
    extraHosts: fc.dictionary(word, word, { maxKeys: 3 }),
  },
  {
    requiredKeys: [
      "dockerfile",
      "files",
      "buildArgs",
      "platforms",
      "bases",
      "labels",
      "provenance",
      "sbom",
      "attestations",
      "secretIds",
    ],
  },
);

/** The same meaning, in one form. */
function meaning(input: ContentKeyInput): unknown {
  const sort = <T>(list: readonly T[]) => list.map((entry) => JSON.stringify(entry)).sort();
  return {
    ...input,
    files: sort(input.files.map(({ path, mode, digest, size }) => [path, mode, digest, size])),
    buildArgs: sort(Object.entries(input.buildArgs)),
    platforms: sort(input.platforms),
    bases: sort(input.bases.map(({ reference, digest }) => [reference, digest])),
    labels: sort(input.labels),
    secretIds: sort(input.secretIds),
    contexts: sort(Object.entries(input.contexts ?? {})),
    sshIds: sort(input.sshIds ?? []),
    network: input.network ?? "default",
    extraHosts: sort(Object.entries(input.extraHosts ?? {})),
  };
}

describe("contentKey", () => {
  it("is stable unless the encoding's version changes", () => {
    expect(contentKey(INPUT)).toMatchInlineSnapshot(
      `"9a70150a9eb2f1a1cdf21d5044ef8f135edc0c171ba1c013e3bf94527ef0f24e"`,
    );
  });

  it("does not depend on the order in which things were read", () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const turned: ContentKeyInput = {
          ...input,
          files: [...input.files].reverse(),
          buildArgs: Object.fromEntries(Object.entries(input.buildArgs).reverse()),
          platforms: [...input.platforms].reverse(),
          bases: [...input.bases].reverse(),
          labels: [...input.labels].reverse(),
          secretIds: [...input.secretIds].reverse(),
        };
        expect(contentKey(turned)).toBe(contentKey(input));
      }),
    );
  });

  it("is the same for two inputs only if they mean the same", () => {
    fc.assert(
      fc.property(anyInput, anyInput, (a, b) => {
        const same = JSON.stringify(meaning(a)) === JSON.stringify(meaning(b));
        expect(contentKey(a) === contentKey(b)).toBe(same);
      }),
      { numRuns: 1000 },
    );
  });

  const file = INPUT.files[0] ?? { path: "", mode: "file", digest: "", size: 0 };
  const CHANGES: Readonly<Record<string, Partial<ContentKeyInput>>> = {
    dockerfile: { dockerfile: "FROM scratch\nCOPY . /\n\n" },
    "a file's path": { files: [{ ...file, path: "b.txt" }, ...INPUT.files.slice(1)] },
    "a file's mode": { files: [{ ...file, mode: "executable" }, ...INPUT.files.slice(1)] },
    "a file's bytes": { files: [{ ...file, digest: "3".repeat(64) }, ...INPUT.files.slice(1)] },
    "a file's size": { files: [{ ...file, size: 9 }, ...INPUT.files.slice(1)] },
    "a file less": { files: INPUT.files.slice(1) },
    "an argument's value": { buildArgs: { A: "1", B: "3" } },
    "an argument more": { buildArgs: { ...INPUT.buildArgs, C: "" } },
    "bytes moved from name to value": { buildArgs: { A1: "", B: "2" } },
    target: { target: "app" },
    "an empty target": { target: "" },
    "a platform less": { platforms: ["linux/amd64"] },
    "platforms run together": { platforms: ["linux/amd64linux/arm64"] },
    "a base's digest": {
      bases: [{ reference: "docker.io/library/node:22", digest: `sha256:${"4".repeat(64)}` }],
    },
    "a base's reference": {
      bases: [{ reference: "docker.io/library/node:23", digest: `sha256:${"2".repeat(64)}` }],
    },
    "a label": { labels: ["org.opencontainers.image.version=1.2.4"] },
    "no label": { labels: [] },
    provenance: { provenance: false },
    sbom: { sbom: "scanner" },
    "where attestations are": { attestations: "referrers" },
    "an sbom called false": { sbom: "false" },
    salt: { salt: "1" },
    "a secret's name": { secretIds: ["tokens"] },
    "a named folder": { contexts: { shared: INPUT.files } },
    "an empty named folder": { contexts: { shared: [] } },
    "a named folder's name": { contexts: { other: INPUT.files } },
    "a file less in a named folder": { contexts: { shared: INPUT.files.slice(1) } },
    "a file of a named folder's bytes": { contexts: { shared: [{ ...file, digest: "3".repeat(64) }] } },
    "a file's mode in a named folder": { contexts: { shared: [{ ...file, mode: "executable" }] } },
    "a named image": { contexts: { shared: "docker.io/library/alpine:3.20" } },
    "an ssh id": { sshIds: ["default"] },
    "no network": { network: "none" },
    "the machine's network": { network: "host" },
    "an extra host": { extraHosts: { db: "10.0.0.1" } },
    "an extra host's address": { extraHosts: { db: "10.0.0.2" } },
    "a label moved to the secrets": {
      labels: [],
      secretIds: ["token", "org.opencontainers.image.version=1.2.3"],
    },
  };

  it("changes with every single change", () => {
    const keys = [INPUT, ...Object.values(CHANGES).map((change) => ({ ...INPUT, ...change }))].map(
      contentKey,
    );
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("does not change with newer settings at their defaults", () => {
    const usual = { contexts: {}, sshIds: [], network: "default", extraHosts: {} } as const;
    expect(contentKey({ ...INPUT, ...usual })).toBe(contentKey(INPUT));
  });

  it("is the same for the text and the bytes of a Dockerfile", () => {
    const dockerfile = "# é 漢\nFROM scratch\n";
    expect(contentKey({ ...INPUT, dockerfile: Buffer.from(dockerfile) })).toBe(
      contentKey({ ...INPUT, dockerfile }),
    );
  });
});
