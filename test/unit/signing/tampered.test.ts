import { describe, expect, test } from "vitest";
import {
  ATTESTATIONS_ANNOTATION,
  BUNDLE_MEDIA_TYPE,
  IN_TOTO_MEDIA_TYPE,
} from "../../../src/plan/annotations";
import type { Digest } from "../../../src/plan/digest";
import { detachedDigests } from "../../../src/plan/image-index";
import type { VerifyRules } from "../../../src/plan/trust";
import { type IndexJson, isIndex, OCI_INDEX } from "../../../src/registry/manifests";
import { imageSignatureBytes, releaseStatementBytes } from "../../../src/signing/in-toto";
import { BUILDER, MemoryRepository } from "../../support/memory-registry";
import {
  newKeyPair,
  PLATFORMS,
  REVISION,
  Scene,
  SOURCE,
  signerOf,
  statementOf,
} from "../../support/signed-image";

const keys = newKeyPair();
const others = newKeyPair();
const OTHER_REVISION = REVISION.replaceAll("0", "f");

interface Case {
  readonly what: string;
  /** A release of the image, tampered with. Default: whole. */
  readonly make?: (scene: Scene) => Promise<void>;
  readonly scene?: () => Scene;
  readonly rules?: Partial<VerifyRules>;
  /** Codes of all refusals. */
  readonly codes: readonly string[];
  /** What the reason names. */
  readonly says: RegExp;
}

/** The bundle as JSON, changed, and attached in place of the original. */
async function attachChanged(
  scene: Scene,
  payload: Buffer,
  change: (bundle: ReturnType<typeof parse>) => void,
): Promise<void> {
  const bundle = parse(await (await signerOf(keys)).sign(payload));
  change(bundle);
  scene.attach(Buffer.from(JSON.stringify(bundle)));
}

function parse(bytes: Uint8Array): {
  mediaType: string;
  verificationMaterial: { publicKey?: { hint: string }; certificate?: { rawBytes: string } };
  dsseEnvelope: { payload: string; payloadType: string; signatures: { sig: string; keyid: string }[] };
} {
  return JSON.parse(Buffer.from(bytes).toString("utf8"));
}

function stated(scene: Scene, changes: Parameters<typeof statementOf>[0] = {}): Buffer {
  return releaseStatementBytes("app", scene.image.digest, statementOf(changes));
}

function signature(scene: Scene): Buffer {
  return imageSignatureBytes(scene.image.digest);
}

/** What the envelope says, edited after it was signed. */
function edited(payload: string, from: string, to: string): string {
  const text = Buffer.from(payload, "base64").toString("utf8");
  if (!text.includes(from)) throw new Error(`${from} is not in the payload`);
  return Buffer.from(text.replace(from, to)).toString("base64");
}

const cases: readonly Case[] = [
  {
    what: "unsigned",
    make: async () => {},
    codes: ["verify-unsigned"],
    says: /sha256:[0-9a-f]+ is not signed/,
  },
  {
    what: "unsigned, with the plain statement of an older Slipway",
    make: async (scene) => {
      scene.repository.attach(scene.image, stated(scene), "application/vnd.slipway.release.v1+json");
    },
    codes: ["verify-unsigned"],
    says: /no Sigstore bundle/,
  },
  {
    what: "the digest is not in the repository",
    make: async (scene) => {
      const other = new MemoryRepository().image(["linux/amd64"], { name: "elsewhere" });
      scene.image = other;
    },
    codes: ["verify-missing"],
    says: /sha256:[0-9a-f]{64} is not there/,
  },
  {
    what: "signed by another key",
    make: async (scene) => {
      await scene.sign(signature(scene), others);
    },
    codes: ["verify-key"],
    says: /is signed with the key .+=, not with .+=/,
  },
  {
    what: "the signature of another key under the name of the right one",
    make: async (scene) => {
      const bundle = parse(await (await signerOf(others)).sign(signature(scene)));
      const own = parse(await (await signerOf(keys)).sign(signature(scene)));
      bundle.verificationMaterial = own.verificationMaterial;
      scene.attach(Buffer.from(JSON.stringify(bundle)));
    },
    codes: ["verify-payload"],
    says: /names the right key, but its signature does not fit/,
  },
  {
    what: "image signature by the key, statement by another",
    make: async (scene) => {
      await scene.sign(signature(scene));
      await scene.sign(stated(scene), others);
    },
    codes: ["verify-key"],
    says: /^the statement sha256:\w+ is signed with the key/,
  },
  {
    what: "another image's signature",
    make: async (scene) => {
      const other = scene.repository.image(PLATFORMS, { name: "other" });
      await scene.sign(imageSignatureBytes(other.digest));
    },
    codes: ["verify-subject"],
    says: /is about sha256:\w{12}, not sha256:\w{12}/,
  },
  {
    what: "another image's statement beside the image's own signature",
    make: async (scene) => {
      await scene.sign(signature(scene));
      const other = scene.repository.image(PLATFORMS, { name: "other" });
      await scene.sign(releaseStatementBytes("other", other.digest, statementOf()));
    },
    codes: ["verify-subject"],
    says: /^the statement sha256:\w+ is about/,
  },
  {
    what: "the signature of one platform's manifest, not of the index",
    make: async (scene) => {
      const index = await scene.repository.client.getManifest("", scene.image.digest);
      const [platform] = JSON.parse(Buffer.from(index?.bytes ?? "").toString("utf8")).manifests;
      await scene.sign(imageSignatureBytes(platform.digest));
    },
    codes: ["verify-subject"],
    says: /is about/,
  },
  {
    what: "an edited payload: another subject",
    make: (scene) =>
      attachChanged(scene, signature(scene), ({ dsseEnvelope }) => {
        const hex = scene.image.digest.slice("sha256:".length);
        dsseEnvelope.payload = edited(
          dsseEnvelope.payload,
          hex,
          hex.replace(/^./, (c) => (c === "0" ? "1" : "0")),
        );
      }),
    codes: ["verify-payload"],
    says: /signature does not fit what it says/,
  },
  {
    what: "an edited payload: another version",
    make: async (scene) => {
      await scene.sign(signature(scene));
      await attachChanged(scene, stated(scene), ({ dsseEnvelope }) => {
        dsseEnvelope.payload = edited(dsseEnvelope.payload, "1.2.3", "9.9.9");
      });
    },
    codes: ["verify-payload"],
    says: /^the statement/,
  },
  {
    what: "an edited payload type",
    make: (scene) =>
      attachChanged(scene, signature(scene), ({ dsseEnvelope }) => {
        dsseEnvelope.payloadType = "text/plain";
      }),
    codes: ["verify-malformed"],
    says: /holds no in-toto statement/,
  },
  {
    what: "an edited signature",
    make: (scene) =>
      attachChanged(scene, signature(scene), ({ dsseEnvelope }) => {
        const [first] = dsseEnvelope.signatures;
        if (first !== undefined) first.sig = `${first.sig.startsWith("A") ? "B" : "A"}${first.sig.slice(1)}`;
      }),
    codes: ["verify-payload"],
    says: /does not fit/,
  },
  {
    what: "no signature in the envelope",
    make: (scene) =>
      attachChanged(scene, signature(scene), ({ dsseEnvelope }) => {
        dsseEnvelope.signatures = [];
      }),
    codes: ["verify-malformed"],
    says: /no Sigstore bundle/,
  },
  {
    what: "the signature of one statement on another",
    make: async (scene) => {
      const from = parse(await (await signerOf(keys)).sign(stated(scene)));
      await attachChanged(scene, signature(scene), ({ dsseEnvelope }) => {
        dsseEnvelope.signatures = from.dsseEnvelope.signatures;
      });
    },
    codes: ["verify-payload"],
    says: /does not fit/,
  },
  {
    what: "a self-made certificate in place of the key",
    make: (scene) =>
      attachChanged(scene, signature(scene), (bundle) => {
        bundle.verificationMaterial = { ...bundle.verificationMaterial, certificate: { rawBytes: "AAAA" } };
        delete bundle.verificationMaterial.publicKey;
      }),
    codes: ["verify-key"],
    says: /is signed with a certificate, not with the key/,
  },
  {
    what: "a referrer that is no JSON",
    make: async (scene) => {
      scene.attach(Buffer.from("\xff\xfe{"));
    },
    codes: ["verify-malformed"],
    says: /is no Sigstore bundle/,
  },
  {
    what: "a bundle of an unknown version",
    make: (scene) =>
      attachChanged(scene, signature(scene), (bundle) => {
        bundle.mediaType = "application/vnd.dev.sigstore.bundle.v9+json";
        bundle.dsseEnvelope.signatures = [];
      }),
    codes: ["verify-malformed"],
    says: /is no Sigstore bundle/,
  },
  {
    what: "a payload whose type cannot be made a text",
    make: async (scene) => {
      await scene.sign(Buffer.from('{"_type":{"toString":1,"valueOf":1},"predicateType":"x","subject":[]}'));
    },
    codes: ["verify-malformed"],
    says: /holds no in-toto statement/,
  },
  {
    what: "a payload that is no statement",
    make: async (scene) => {
      await scene.sign(Buffer.from('{"hello":"world"}'));
    },
    codes: ["verify-malformed"],
    says: /holds no in-toto statement/,
  },
  {
    what: "a statement without a subject",
    make: async (scene) => {
      const empty = {
        _type: "https://in-toto.io/Statement/v1",
        subject: [],
        predicateType: "x",
        predicate: {},
      };
      await scene.sign(Buffer.from(JSON.stringify(empty)));
    },
    codes: ["verify-malformed"],
    says: /holds no in-toto statement/,
  },
  {
    what: "a subject that is named by another hash",
    make: async (scene) => {
      const text = signature(scene).toString("utf8").replace('"sha256"', '"sha1"');
      await scene.sign(Buffer.from(text));
    },
    codes: ["verify-malformed"],
    says: /holds no in-toto statement/,
  },
  {
    what: "listed, but taken away",
    make: async (scene) => {
      const gone = new MemoryRepository();
      const entry = gone.attach(
        scene.image,
        await (await signerOf(keys)).sign(signature(scene)),
        BUNDLE_MEDIA_TYPE,
      );
      scene.repository.list(scene.image.digest, entry);
    },
    codes: ["verify-malformed"],
    says: /is listed, but is not there/,
  },
  {
    what: "taken out of the listing",
    make: async (scene) => {
      await scene.release();
      scene.repository.unlist(scene.image.digest);
    },
    codes: ["verify-unsigned"],
    says: /is not signed/,
  },
  {
    what: "the release statement was never signed",
    make: async (scene) => {
      await scene.sign(signature(scene));
    },
    codes: ["verify-predicate"],
    says: /has no statement; signed are: https:\/\/sigstore\.dev\/cosign\/sign\/v1/,
  },
  {
    what: "only the release statement is signed",
    make: async (scene) => {
      await scene.sign(stated(scene));
    },
    codes: ["verify-predicate"],
    says: /has no signature; signed are: https:\/\/slipway\.dev\/release\/v1/,
  },
  {
    what: "a statement of another type, by its full name",
    rules: { predicates: ["https://example.com/reviewed/v1"] },
    codes: ["verify-predicate"],
    says: /has no https:\/\/example\.com\/reviewed\/v1/,
  },
  {
    what: "stripped provenance",
    scene: () => new Scene(keys, [PLATFORMS, { provenance: false }]),
    rules: { predicates: ["signature", "provenance"] },
    codes: ["verify-predicate"],
    says: /has no provenance/,
  },
  {
    what: "provenance of one platform on the other's manifest",
    scene: () => {
      const scene = new Scene(keys);
      scene.image = misattached(scene.repository);
      return scene;
    },
    rules: { predicates: ["provenance"] },
    codes: ["verify-predicate"],
    says: /has no provenance for linux\/arm64/,
  },
  {
    what: "no SBOM",
    rules: { predicates: ["sbom"] },
    codes: ["verify-predicate"],
    says: /has no sbom/,
  },
  {
    what: "stripped provenance beside the index",
    scene: () => {
      const scene = detachedScene();
      for (const statement of statementsBeside(scene)) scene.repository.forget(statement);
      return scene;
    },
    rules: { predicates: ["signature", "provenance"], builder: BUILDER },
    codes: ["verify-predicate", "verify-builder"],
    says: /has no provenance/,
  },
  {
    what: "provenance beside the index that the index does not name",
    scene: () => {
      const scene = new Scene(keys, [PLATFORMS, { provenance: false }]);
      const { manifests } = indexOf(scene.repository, scene.image.digest);
      for (const platform of manifests)
        scene.repository.attach(platform, provenanceOf(platform.digest), IN_TOTO_MEDIA_TYPE);
      return scene;
    },
    rules: { predicates: ["provenance"] },
    codes: ["verify-predicate"],
    says: /has no provenance/,
  },
  {
    what: "an index that names one platform's provenance for both",
    scene: () => {
      const scene = detachedScene();
      const index = indexOf(scene.repository, scene.image.digest);
      const [first = ""] = statementsBeside(scene);
      const annotations = { ...index.annotations, [ATTESTATIONS_ANNOTATION]: `${first},${first}` };
      scene.image = scene.repository.manifest({ ...index, annotations }, OCI_INDEX);
      return scene;
    },
    rules: { predicates: ["provenance"] },
    codes: ["verify-predicate"],
    says: /has no provenance for linux\/(amd64|arm64)/,
  },
  {
    what: "a missing platform",
    scene: () => new Scene(keys, [["linux/amd64"]]),
    codes: ["verify-platform"],
    says: /lacks linux\/arm64 \(it has linux\/amd64\)/,
  },
  {
    what: "attestation manifests do not count as platforms",
    scene: () => new Scene(keys, [["linux/amd64"]]),
    rules: { platforms: ["unknown/unknown"] },
    codes: ["verify-platform"],
    says: /lacks unknown\/unknown/,
  },
  {
    what: "replayed from another repository: the statement is about another image",
    make: (scene) => scene.release({ image: "other" }),
    rules: { image: "app" },
    codes: ["verify-image"],
    says: /says image other, not app/,
  },
  {
    what: "replayed from another source",
    make: (scene) => scene.release({ source: "https://github.com/mallory/app" }),
    rules: { source: SOURCE },
    codes: ["verify-source"],
    says: /says source https:\/\/github\.com\/mallory\/app, not/,
  },
  {
    what: "a source that only begins like the wanted one",
    make: (scene) => scene.release({ source: `${SOURCE}-evil` }),
    rules: { source: "/https:\\/\\/github\\.com\\/octo\\/app/" },
    codes: ["verify-source"],
    says: /app-evil/,
  },
  {
    what: "a statement that says no source",
    make: async (scene) => {
      const { source: _, ...statement } = statementOf();
      await scene.sign(signature(scene));
      await scene.sign(releaseStatementBytes("app", scene.image.digest, statement));
    },
    rules: { source: SOURCE },
    codes: ["verify-source"],
    says: /says no source/,
  },
  {
    what: "another commit",
    make: (scene) => scene.release({ revision: OTHER_REVISION }),
    rules: { revision: REVISION },
    codes: ["verify-revision"],
    says: /says revision f123/,
  },
  {
    what: "another version",
    make: (scene) => scene.release({ version: "1.2.2" }),
    rules: { version: "1.2.3" },
    codes: ["verify-version"],
    says: /says version 1\.2\.2, not 1\.2\.3/,
  },
  {
    what: "another lane",
    make: (scene) => scene.release({ lane: "edge" }),
    rules: { lane: "" },
    codes: ["verify-lane"],
    says: /says lane edge, not/,
  },
  {
    what: "a working tree with changes that are in no commit",
    make: (scene) => scene.release({ dirty: true }),
    rules: { revision: REVISION },
    codes: ["verify-dirty"],
    says: /changes that are in no commit/,
  },
  {
    what: "such a working tree, where the commit is not asked for",
    make: (scene) => scene.release({ dirty: true }),
    codes: ["verify-dirty"],
    says: /changes that are in no commit/,
  },
  {
    what: "image from one statement, revision from another",
    make: async (scene) => {
      await scene.release({ image: "app", revision: OTHER_REVISION });
      await scene.sign(stated(scene, { image: "other", revision: REVISION }));
    },
    rules: { image: "app", revision: REVISION },
    codes: ["verify-revision"],
    says: /says revision/,
  },
  {
    what: "another builder",
    rules: { builder: "https://github.com/octo/app/actions/runs/2" },
    codes: ["verify-builder", "verify-builder"],
    says: /was built for linux\/amd64 by https:\/\/github\.com\/octo\/app\/actions\/runs\/1, not by/,
  },
  {
    what: "a builder without a name",
    scene: () => new Scene(keys, [["linux/amd64"], { provenance: { builder: { id: "" } } }]),
    rules: { platforms: [], builder: BUILDER },
    codes: ["verify-builder"],
    says: /by a builder without a name/,
  },
  {
    what: "a builder is asked for, and there is no provenance",
    scene: () => new Scene(keys, [PLATFORMS, { provenance: false }]),
    rules: { builder: BUILDER },
    codes: ["verify-builder"],
    says: /its builder is unknown/,
  },
  {
    what: "too new",
    rules: { minAge: 2 * 86_400 },
    codes: ["verify-too-new"],
    says: /made at 2026-01-10T12:00:00\.000Z \(provenance\), less than 172800 s ago/,
  },
  {
    what: "too old",
    rules: { maxAge: 3_600 },
    codes: ["verify-too-old"],
    says: /more than 3600 s ago/,
  },
  {
    what: "provenance whose end of the build cannot be made a text",
    scene: () =>
      new Scene(keys, [PLATFORMS, { provenance: { metadata: { buildFinishedOn: { toString: 1 } } } }]),
    rules: { maxAge: 3_600 },
    codes: ["verify-age-unknown"],
    says: /no transparency log and no provenance says/,
  },
  {
    what: "provenance of a build that ends in the future, so that it stays young",
    scene: () =>
      new Scene(keys, [PLATFORMS, { provenance: { metadata: { buildFinishedOn: "2099-01-01T00:00:00Z" } } }]),
    rules: { maxAge: 3_600 },
    codes: ["verify-age-unknown"],
    says: /made at 2099-01-01T00:00:00\.000Z \(provenance\), which is in the future/,
  },
  {
    what: "nobody knows its age",
    scene: () => new Scene(keys, [PLATFORMS, { provenance: false }]),
    rules: { maxAge: 3_600 },
    codes: ["verify-age-unknown"],
    says: /no transparency log and no provenance says/,
  },
  {
    what: "provenance that is signed beside the image says how old it is, and not that in the index",
    scene: () => new Scene(keys, [PLATFORMS, { provenance: false }]),
    make: async (scene) => {
      await scene.release();
      await scene.sign(
        Buffer.from(
          JSON.stringify({
            _type: "https://in-toto.io/Statement/v1",
            subject: [{ digest: { sha256: scene.image.digest.slice(7) } }],
            predicateType: "https://slsa.dev/provenance/v1",
            predicate: { runDetails: { metadata: { finishedOn: "2026-01-10T12:00:00Z" } } },
          }),
        ),
      );
    },
    rules: { minAge: 3_600 },
    codes: ["verify-age-unknown"],
    says: /no transparency log and no provenance says/,
  },
  {
    what: "signed by a key where an identity is wanted",
    rules: {
      signer: {
        kind: "identity",
        subject: "a@example.com",
        issuer: "https://example.com",
        trustedRoot: "{}",
      },
    },
    codes: ["verify-identity", "verify-identity"],
    says: /signed with a key, so no issuer vouches/,
  },
  {
    what: "everything at once is told at once",
    make: (scene) => scene.release({ image: "other", source: "https://github.com/mallory/app" }),
    rules: {
      image: "app",
      source: SOURCE,
      builder: "https://nobody.example",
      platforms: ["linux/riscv64"],
      maxAge: 1,
      predicates: ["sbom"],
    },
    codes: [
      "verify-predicate",
      "verify-image",
      "verify-source",
      "verify-builder",
      "verify-builder",
      "verify-platform",
      "verify-too-old",
    ],
    says: /has no sbom/,
  },
];

/** Both attestation manifests are about the first platform, whatever they are attached to. */
function misattached(repository: MemoryRepository) {
  const config = repository.blob("{}", "application/vnd.oci.image.config.v1+json");
  const image = (architecture: string) => ({
    ...repository.manifest(
      { schemaVersion: 2, config, layers: [], annotations: { architecture } },
      "application/vnd.oci.image.manifest.v1+json",
    ),
    platform: { os: "linux", architecture },
  });
  const amd64 = image("amd64");
  const arm64 = image("arm64");
  const statement = {
    _type: "https://in-toto.io/Statement/v0.1",
    predicateType: "https://slsa.dev/provenance/v0.2",
    subject: [{ name: "_", digest: { sha256: amd64.digest.slice("sha256:".length) } }],
    predicate: { builder: { id: BUILDER } },
  };
  const layer = repository.blob(JSON.stringify(statement), "application/vnd.in-toto+json");
  const attestation = repository.manifest(
    { schemaVersion: 2, config, layers: [layer] },
    "application/vnd.oci.image.manifest.v1+json",
  );
  const entry = (about: string) => ({
    ...attestation,
    platform: { os: "unknown", architecture: "unknown" },
    annotations: {
      "vnd.docker.reference.type": "attestation-manifest",
      "vnd.docker.reference.digest": about,
    },
  });
  return repository.manifest(
    {
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [amd64, entry(amd64.digest), arm64, entry(arm64.digest)],
    },
    OCI_INDEX,
  );
}

function detachedScene(): Scene {
  const scene = new Scene(keys);
  scene.image = scene.repository.detach(scene.image);
  return scene;
}

function indexOf(repository: MemoryRepository, digest: Digest): IndexJson {
  const index = repository.json(digest);
  if (!isIndex(index)) throw new Error("no index");
  return index;
}

function statementsBeside({ repository, image }: Scene): Digest[] {
  return detachedDigests(indexOf(repository, image.digest).annotations);
}

function provenanceOf(digest: Digest): Buffer {
  return Buffer.from(
    JSON.stringify({
      _type: "https://in-toto.io/Statement/v0.1",
      predicateType: "https://slsa.dev/provenance/v0.2",
      subject: [{ name: "_", digest: { sha256: digest.slice("sha256:".length) } }],
      predicate: { builder: { id: BUILDER } },
    }),
  );
}

describe("what is tampered with is refused, for the right reason", () => {
  test.each(cases)("$what", async ({ make, scene: makeScene, rules, codes, says }) => {
    const scene = makeScene?.() ?? new Scene(keys);
    await (make ?? (() => scene.release()))(scene);
    const { verified, problems } = await scene.verify(rules);
    expect(verified).toBe(false);
    expect(problems.map(({ code }) => code)).toEqual(codes);
    expect(problems[0]?.message).toMatch(says);
    expect(problems.every(({ path }) => path === "prod.example/octo/app")).toBe(true);
  });
});

describe("what is whole is verified", () => {
  const strict: Partial<VerifyRules> = {
    predicates: ["signature", "statement", "provenance"],
    image: "app",
    source: SOURCE,
    revision: REVISION,
    builder: "/https:\\/\\/github\\.com\\/octo\\/app\\/.+/",
    minAge: 3_600,
    maxAge: 7 * 86_400,
  };

  test("by every rule at once", async () => {
    const scene = new Scene(keys);
    await scene.release();
    const verdict = await scene.verify(strict);
    expect(verdict).toMatchObject({ verified: true, problems: [], platforms: PLATFORMS });
    expect(verdict.predicates).toEqual([
      "https://sigstore.dev/cosign/sign/v1",
      "https://slipway.dev/release/v1",
      "https://slsa.dev/provenance/v0.2",
    ]);
    expect(verdict.madeAt).toEqual({ time: "2026-01-10T12:00:00.000Z", from: "provenance" });
  });

  test("with its provenance beside the index too", async () => {
    const scene = detachedScene();
    await scene.release();
    expect(await scene.verify(strict)).toMatchObject({ verified: true, problems: [], platforms: PLATFORMS });
  });

  test("beside 300 bundles of others; without its own, a few lines say what they are", async () => {
    const scene = new Scene(keys);
    for (let at = 0; at < 300; at++) scene.attach(Buffer.from(`junk ${at}`));
    const { problems } = await scene.verify();
    expect(problems).toHaveLength(21);
    expect(problems.at(-1)?.message).toBe("280 more of them are refused too");
    await scene.release();
    expect((await scene.verify()).problems).toEqual([]);
  });

  test("whatever else somebody attached to it", async () => {
    const scene = new Scene(keys);
    scene.attach(Buffer.from("junk"));
    await scene.sign(imageSignatureBytes(scene.image.digest), others);
    await scene.sign(
      releaseStatementBytes("app", scene.image.digest, statementOf({ image: "other" })),
      others,
    );
    await scene.release();
    expect((await scene.verify(strict)).problems).toEqual([]);
  });

  test.each([
    ["the rule as it is cloned", { source: `${SOURCE}.git` }, SOURCE],
    ["an older statement as it was cloned", { source: SOURCE }, `${SOURCE}.git`],
    ["one by ssh", { source: SOURCE }, "git@github.com:octo/app.git"],
  ])("by its source, however it is written: %s", async (_what, rules, source) => {
    const scene = new Scene(keys);
    await scene.release({ source });
    expect((await scene.verify(rules)).problems).toEqual([]);
  });

  test("where lanes share a digest, each by its own statement", async () => {
    const scene = new Scene(keys);
    await scene.release({ image: "other" });
    await scene.release();
    expect((await scene.verify({ image: "app" })).problems).toEqual([]);
    expect((await scene.verify({ image: "other" })).problems).toEqual([]);
  });
});

describe("a tag and the version that is signed", () => {
  const fits = [
    "1.2.3",
    "v1.2.3",
    "1.2.3-alpine",
    "standalone-v1.2.3",
    "1.2",
    "v1",
    "1.2-alpine",
    "1-alpine",
  ];
  const names = ["latest", "latest-alpine", "main", "php-8.3-v1.2.3", `sha-${REVISION.slice(0, 7)}`];
  const others = [
    "9.9.9",
    "9.9.9-1.2.3",
    "v2",
    "1.3",
    "2-alpine",
    "1.2.30",
    "1.2.3.4",
    "web-2.0.0",
    "build-147",
  ];

  test.each([...fits, ...names])("%s is 1.2.3, or no version", async (tag) => {
    const scene = new Scene(keys);
    await scene.release();
    expect((await scene.verify({ tag })).problems).toEqual([]);
  });

  test.each([...others, "sha-fffffff"])("%s is not 1.2.3", async (tag) => {
    const scene = new Scene(keys);
    await scene.release();
    expect((await scene.verify({ tag })).problems.map(({ code }) => code)).toEqual(["verify-version"]);
  });
});
