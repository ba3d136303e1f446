import { describe, expect, test } from "vitest";
import {
  ATTESTATIONS_ANNOTATION,
  BUNDLE_MEDIA_TYPE,
  IN_TOTO_MEDIA_TYPE,
} from "../../../src/plan/annotations";
import type { Digest } from "../../../src/plan/digest";
import { detachedDigests } from "../../../src/plan/image-index";
import type { ReleaseStatement } from "../../../src/plan/statement";
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
const MALLORY = "https://github.com/mallory/app";

/** What happens to a release before it is verified. By default it is whole, and signed with `keys`. */
interface Tampering {
  /** @default an image of two platforms, with provenance */
  readonly image?: Parameters<MemoryRepository["image"]>;
  /** Before it is signed. */
  readonly change?: (scene: Scene) => void;
  /** Fields of the release statement. */
  readonly statement?: Partial<ReleaseStatement>;
  /** Instead of signing image and release statement. */
  readonly sign?: (scene: Scene) => unknown;
  /** An edit of the image signature's bundle, which is then attached alone. */
  readonly edit?: (bundle: BundleJson, scene: Scene) => void | Promise<void>;
  readonly rules?: Partial<VerifyRules>;
}

interface BundleJson {
  mediaType: string;
  verificationMaterial: { publicKey?: { hint: string }; certificate?: { rawBytes: string } };
  dsseEnvelope: { payload: string; payloadType: string; signatures: { sig: string; keyid: string }[] };
}

/** @param says what the first reason says */
type Case = readonly [what: string, codes: string | readonly string[], says: RegExp, tampering: Tampering];

async function bundleOf(payload: Buffer, by = keys): Promise<BundleJson> {
  return JSON.parse(Buffer.from(await (await signerOf(by)).sign(payload)).toString("utf8"));
}

function attach(scene: Scene, bundle: BundleJson): void {
  scene.attach(Buffer.from(JSON.stringify(bundle)));
}

function stated(scene: Scene, changes: Partial<ReleaseStatement> = {}): Buffer {
  return releaseStatementBytes("app", scene.image.digest, statementOf(changes));
}

function signature(scene: Scene): Buffer {
  return imageSignatureBytes(scene.image.digest);
}

function inToto(digest: Digest, predicateType: string, predicate: object): Buffer {
  const subject = [{ name: "_", digest: { sha256: digest.slice("sha256:".length) } }];
  return Buffer.from(
    JSON.stringify({ _type: "https://in-toto.io/Statement/v1", subject, predicateType, predicate }),
  );
}

function editPayload({ dsseEnvelope }: BundleJson, from: string, to: string): void {
  const text = Buffer.from(dsseEnvelope.payload, "base64").toString("utf8");
  if (!text.includes(from)) throw new Error(`${from} is not in the payload`);
  dsseEnvelope.payload = Buffer.from(text.replace(from, to)).toString("base64");
}

function indexOf({ repository, image }: Scene): IndexJson {
  const index = repository.json(image.digest);
  if (!isIndex(index)) throw new Error("no index");
  return index;
}

/** Moves the provenance out of the index. @returns its digests, which the index names */
function detach(scene: Scene): Digest[] {
  scene.image = scene.repository.detach(scene.image);
  return detachedDigests(indexOf(scene).annotations);
}

/** Assigns the provenance of the first platform to the second one too. */
function misattach(scene: Scene): void {
  const index = indexOf(scene);
  const [first, provenance, second] = index.manifests;
  if (first === undefined || provenance === undefined || second === undefined)
    throw new Error("no platforms");
  const annotations = { ...provenance.annotations, "vnd.docker.reference.digest": second.digest };
  const manifests = [first, provenance, second, { ...provenance, annotations }];
  scene.image = scene.repository.manifest({ ...index, manifests }, OCI_INDEX);
}

function finishedAt(buildFinishedOn: unknown): Parameters<MemoryRepository["image"]> {
  return [PLATFORMS, { provenance: { metadata: { buildFinishedOn } } }];
}

const WITHOUT_PROVENANCE: Parameters<MemoryRepository["image"]> = [PLATFORMS, { provenance: false }];

const SIGNATURES: readonly Case[] = [
  ["unsigned", "verify-unsigned", /sha256:[0-9a-f]+ is not signed/, { sign: () => {} }],
  [
    "unsigned, with the plain statement of an older Slipway",
    "verify-unsigned",
    /no Sigstore bundle/,
    {
      sign: (scene) =>
        scene.repository.attach(scene.image, stated(scene), "application/vnd.slipway.release.v1+json"),
    },
  ],
  [
    "the digest is not in the repository",
    "verify-missing",
    /sha256:[0-9a-f]{64} is missing/,
    {
      sign: (scene) => {
        scene.image = new MemoryRepository().image(["linux/amd64"], { name: "elsewhere" });
      },
    },
  ],
  [
    "signed by another key",
    "verify-key",
    /is signed with the key .+=, not with .+=/,
    { sign: (scene) => scene.sign(signature(scene), others) },
  ],
  [
    "the signature of another key under the name of the right one",
    "verify-payload",
    /names the right key, but its signature does not match/,
    {
      edit: async (bundle, scene) => {
        bundle.dsseEnvelope = (await bundleOf(signature(scene), others)).dsseEnvelope;
      },
    },
  ],
  [
    "image signature by the key, statement by another",
    "verify-key",
    /^the statement sha256:\w+ is signed with the key/,
    {
      sign: async (scene) => {
        await scene.sign(signature(scene));
        await scene.sign(stated(scene), others);
      },
    },
  ],
  [
    "another image's signature",
    "verify-subject",
    /is about sha256:\w{12}, not sha256:\w{12}/,
    {
      sign: (scene) =>
        scene.sign(imageSignatureBytes(scene.repository.image(PLATFORMS, { name: "other" }).digest)),
    },
  ],
  [
    "another image's statement beside the image's own signature",
    "verify-subject",
    /^the statement sha256:\w+ is about/,
    {
      sign: async (scene) => {
        await scene.sign(signature(scene));
        const other = scene.repository.image(PLATFORMS, { name: "other" });
        await scene.sign(releaseStatementBytes("other", other.digest, statementOf()));
      },
    },
  ],
  [
    "the signature of one platform's manifest, not of the index",
    "verify-subject",
    /is about/,
    { sign: (scene) => scene.sign(imageSignatureBytes(indexOf(scene).manifests[0]?.digest ?? "sha256:")) },
  ],
  [
    "listed, but taken away",
    "verify-malformed",
    /is listed, but the repository has no such bundle/,
    {
      sign: async (scene) => {
        const bundle = await (await signerOf(keys)).sign(signature(scene));
        const entry = new MemoryRepository().attach(scene.image, bundle, BUNDLE_MEDIA_TYPE);
        scene.repository.list(scene.image.digest, entry);
      },
    },
  ],
  [
    "taken out of the listing",
    "verify-unsigned",
    /is not signed/,
    {
      sign: async (scene) => {
        await scene.release();
        scene.repository.unlist(scene.image.digest);
      },
    },
  ],
];

const BUNDLES: readonly Case[] = [
  [
    "an edited payload: another subject",
    "verify-payload",
    /signature does not match its payload/,
    {
      edit: (bundle, { image }) => {
        const hex = image.digest.slice("sha256:".length);
        editPayload(bundle, hex, `${hex.startsWith("0") ? "1" : "0"}${hex.slice(1)}`);
      },
    },
  ],
  [
    "an edited payload: another version",
    "verify-payload",
    /^the statement/,
    {
      sign: async (scene) => {
        await scene.sign(signature(scene));
        const bundle = await bundleOf(stated(scene));
        editPayload(bundle, "1.2.3", "9.9.9");
        attach(scene, bundle);
      },
    },
  ],
  [
    "an edited payload type",
    "verify-malformed",
    /holds no in-toto statement/,
    {
      edit: ({ dsseEnvelope }) => {
        dsseEnvelope.payloadType = "text/plain";
      },
    },
  ],
  [
    "an edited signature",
    "verify-payload",
    /does not match/,
    {
      edit: ({ dsseEnvelope: { signatures } }) => {
        for (const one of signatures) one.sig = `${one.sig.startsWith("A") ? "B" : "A"}${one.sig.slice(1)}`;
      },
    },
  ],
  [
    "no signature in the envelope",
    "verify-malformed",
    /not a Sigstore bundle/,
    {
      edit: ({ dsseEnvelope }) => {
        dsseEnvelope.signatures = [];
      },
    },
  ],
  [
    "the signature of one statement on another",
    "verify-payload",
    /does not match/,
    {
      edit: async ({ dsseEnvelope }, scene) => {
        dsseEnvelope.signatures = (await bundleOf(stated(scene))).dsseEnvelope.signatures;
      },
    },
  ],
  [
    "a self-made certificate in place of the key",
    "verify-key",
    /is signed with a certificate, not with the key/,
    {
      edit: (bundle) => {
        const { publicKey: _, ...material } = bundle.verificationMaterial;
        bundle.verificationMaterial = { ...material, certificate: { rawBytes: "AAAA" } };
      },
    },
  ],
  [
    "a referrer that is not JSON",
    "verify-malformed",
    /is not a Sigstore bundle/,
    { sign: (scene) => scene.attach(Buffer.from("\xff\xfe{")) },
  ],
  [
    "a bundle of an unknown version",
    "verify-malformed",
    /is not a Sigstore bundle/,
    {
      edit: (bundle) => {
        bundle.mediaType = "application/vnd.dev.sigstore.bundle.v9+json";
        bundle.dsseEnvelope.signatures = [];
      },
    },
  ],
  ...[
    [
      "a payload whose type cannot become text",
      '{"_type":{"toString":1,"valueOf":1},"predicateType":"x","subject":[]}',
    ],
    ["a payload that is not a statement", '{"hello":"world"}'],
    [
      "a statement without a subject",
      '{"_type":"https://in-toto.io/Statement/v1","subject":[],"predicateType":"x","predicate":{}}',
    ],
  ].map(
    ([what = "", payload = ""]): Case => [
      what,
      "verify-malformed",
      /holds no in-toto statement/,
      { sign: (scene) => scene.sign(Buffer.from(payload)) },
    ],
  ),
  [
    "a subject that is named by another hash",
    "verify-malformed",
    /holds no in-toto statement/,
    { sign: (scene) => scene.sign(Buffer.from(`${signature(scene)}`.replace('"sha256"', '"sha1"'))) },
  ],
];

const PREDICATES: readonly Case[] = [
  [
    "the release statement was never signed",
    "verify-predicate",
    /has no statement; signed are: https:\/\/sigstore\.dev\/cosign\/sign\/v1/,
    { sign: (scene) => scene.sign(signature(scene)) },
  ],
  [
    "only the release statement is signed",
    "verify-predicate",
    /has no signature; signed are: https:\/\/slipway\.dev\/release\/v1/,
    { sign: (scene) => scene.sign(stated(scene)) },
  ],
  [
    "a statement of another type, by its full name",
    "verify-predicate",
    /has no https:\/\/example\.com\/reviewed\/v1/,
    { rules: { predicates: ["https://example.com/reviewed/v1"] } },
  ],
  ["no SBOM", "verify-predicate", /has no sbom/, { rules: { predicates: ["sbom"] } }],
  [
    "stripped provenance",
    "verify-predicate",
    /has no provenance/,
    { image: WITHOUT_PROVENANCE, rules: { predicates: ["signature", "provenance"] } },
  ],
  [
    "provenance of one platform on the other's manifest",
    "verify-predicate",
    /has no provenance for linux\/arm64/,
    { change: misattach, rules: { predicates: ["provenance"] } },
  ],
  [
    "stripped provenance beside the index",
    ["verify-predicate", "verify-builder"],
    /has no provenance/,
    {
      change: (scene) => {
        for (const statement of detach(scene)) scene.repository.forget(statement);
      },
      rules: { predicates: ["signature", "provenance"], builder: BUILDER },
    },
  ],
  [
    "provenance beside the index that the index does not name",
    "verify-predicate",
    /has no provenance/,
    {
      image: WITHOUT_PROVENANCE,
      change: (scene) => {
        for (const platform of indexOf(scene).manifests) {
          const provenance = inToto(platform.digest, "https://slsa.dev/provenance/v0.2", {
            builder: { id: BUILDER },
          });
          scene.repository.attach(platform, provenance, IN_TOTO_MEDIA_TYPE);
        }
      },
      rules: { predicates: ["provenance"] },
    },
  ],
  [
    "an index that names one platform's provenance for both",
    "verify-predicate",
    /has no provenance for linux\/(amd64|arm64)/,
    {
      change: (scene) => {
        const [first = ""] = detach(scene);
        const index = indexOf(scene);
        const annotations = { ...index.annotations, [ATTESTATIONS_ANNOTATION]: `${first},${first}` };
        scene.image = scene.repository.manifest({ ...index, annotations }, OCI_INDEX);
      },
      rules: { predicates: ["provenance"] },
    },
  ],
];

const ORIGINS: readonly Case[] = [
  [
    "replayed from another repository: the statement is about another image",
    "verify-image",
    /says image other, not app/,
    { statement: { image: "other" }, rules: { image: "app" } },
  ],
  [
    "replayed from another source",
    "verify-source",
    /says source https:\/\/github\.com\/mallory\/app, not/,
    { statement: { source: MALLORY }, rules: { source: SOURCE } },
  ],
  [
    "a source that only begins like the required one",
    "verify-source",
    /app-evil/,
    {
      statement: { source: `${SOURCE}-evil` },
      rules: { source: "/https:\\/\\/github\\.com\\/octo\\/app/" },
    },
  ],
  [
    "a statement that says no source",
    "verify-source",
    /says no source/,
    { statement: { source: undefined }, rules: { source: SOURCE } },
  ],
  [
    "another commit",
    "verify-revision",
    /says revision f123/,
    { statement: { revision: OTHER_REVISION }, rules: { revision: REVISION } },
  ],
  [
    "another version",
    "verify-version",
    /says version 1\.2\.2, not 1\.2\.3/,
    { statement: { version: "1.2.2" }, rules: { version: "1.2.3" } },
  ],
  [
    "another lane",
    "verify-lane",
    /says lane edge, not/,
    { statement: { lane: "edge" }, rules: { lane: "" } },
  ],
  [
    "a working tree with changes that are in no commit",
    "verify-dirty",
    /changes that are in no commit/,
    { statement: { dirty: true }, rules: { revision: REVISION } },
  ],
  [
    "such a working tree, where the rules name no commit",
    "verify-dirty",
    /changes that are in no commit/,
    { statement: { dirty: true } },
  ],
  [
    "image from one statement, revision from another",
    "verify-revision",
    /says revision/,
    {
      sign: async (scene) => {
        await scene.release({ revision: OTHER_REVISION });
        await scene.sign(stated(scene, { image: "other", revision: REVISION }));
      },
      rules: { image: "app", revision: REVISION },
    },
  ],
];

const BUILDS: readonly Case[] = [
  [
    "a missing platform",
    "verify-platform",
    /lacks linux\/arm64 \(it has linux\/amd64\)/,
    { image: [["linux/amd64"]] },
  ],
  [
    "attestation manifests do not count as platforms",
    "verify-platform",
    /lacks unknown\/unknown/,
    { image: [["linux/amd64"]], rules: { platforms: ["unknown/unknown"] } },
  ],
  [
    "another builder",
    ["verify-builder", "verify-builder"],
    /was built for linux\/amd64 by https:\/\/github\.com\/octo\/app\/actions\/runs\/1, not by/,
    { rules: { builder: "https://github.com/octo/app/actions/runs/2" } },
  ],
  [
    "a builder without a name",
    "verify-builder",
    /by a builder without a name/,
    {
      image: [["linux/amd64"], { provenance: { builder: { id: "" } } }],
      rules: { platforms: [], builder: BUILDER },
    },
  ],
  [
    "a builder is required, and there is no provenance",
    "verify-builder",
    /its builder is unknown/,
    { image: WITHOUT_PROVENANCE, rules: { builder: BUILDER } },
  ],
  [
    "too new",
    "verify-too-new",
    /made at 2026-01-10T12:00:00\.000Z \(provenance\), less than 172800 s ago/,
    { rules: { minAge: 2 * 86_400 } },
  ],
  ["too old", "verify-too-old", /more than 3600 s ago/, { rules: { maxAge: 3_600 } }],
  [
    "provenance whose end of the build cannot become text",
    "verify-age-unknown",
    /no transparency log and no provenance says/,
    { image: finishedAt({ toString: 1 }), rules: { maxAge: 3_600 } },
  ],
  [
    "provenance of a build that ends in the future, so that it stays young",
    "verify-age-unknown",
    /made at 2099-01-01T00:00:00\.000Z \(provenance\), which is in the future/,
    { image: finishedAt("2099-01-01T00:00:00Z"), rules: { maxAge: 3_600 } },
  ],
  [
    "no record of its age",
    "verify-age-unknown",
    /no transparency log and no provenance says/,
    { image: WITHOUT_PROVENANCE, rules: { maxAge: 3_600 } },
  ],
  [
    "an age that only provenance outside the index states",
    "verify-age-unknown",
    /no transparency log and no provenance says/,
    {
      image: WITHOUT_PROVENANCE,
      sign: async (scene) => {
        await scene.release();
        const predicate = { runDetails: { metadata: { finishedOn: "2026-01-10T12:00:00Z" } } };
        await scene.sign(inToto(scene.image.digest, "https://slsa.dev/provenance/v1", predicate));
      },
      rules: { minAge: 3_600 },
    },
  ],
  [
    "signed by a key where an identity is required",
    ["verify-identity", "verify-identity"],
    /signed with a key, so no issuer confirms/,
    {
      rules: {
        signer: {
          kind: "identity",
          subject: "a@example.com",
          issuer: "https://ci.example",
          trustedRoot: "{}",
        },
      },
    },
  ],
  [
    "several broken rules are reported together",
    [
      "verify-predicate",
      "verify-image",
      "verify-source",
      "verify-builder",
      "verify-builder",
      "verify-platform",
      "verify-too-old",
    ],
    /has no sbom/,
    {
      statement: { image: "other", source: MALLORY },
      rules: {
        image: "app",
        source: SOURCE,
        builder: "https://builder.example",
        platforms: ["linux/riscv64"],
        maxAge: 1,
        predicates: ["sbom"],
      },
    },
  ],
];

describe.each([
  ["signature", SIGNATURES],
  ["bundle", BUNDLES],
  ["kind of statement", PREDICATES],
  ["origin", ORIGINS],
  ["build or age", BUILDS],
])("a wrong %s is refused with its reason", (_, cases) => {
  test.each(cases)("%s", async (_what, codes, says, { image, change, statement, sign, edit, rules }) => {
    const scene = new Scene(keys, image);
    change?.(scene);
    if (edit !== undefined) {
      const bundle = await bundleOf(signature(scene));
      await edit(bundle, scene);
      attach(scene, bundle);
    } else await (sign === undefined ? scene.release(statement) : sign(scene));
    const { verified, problems } = await scene.verify(rules);
    expect(verified).toBe(false);
    expect(problems.map(({ code }) => code)).toEqual([codes].flat());
    expect(problems[0]?.message).toMatch(says);
    expect(problems.every(({ path }) => path === "prod.example/octo/app")).toBe(true);
  });
});

describe("a whole release is verified", () => {
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

  test("with its provenance beside the index", async () => {
    const scene = new Scene(keys);
    detach(scene);
    await scene.release();
    expect(await scene.verify(strict)).toMatchObject({ verified: true, problems: [], platforms: PLATFORMS });
  });

  test("beside 300 other bundles, of which a report names 20", async () => {
    const scene = new Scene(keys);
    for (let at = 0; at < 300; at++) scene.attach(Buffer.from(`junk ${at}`));
    const { problems } = await scene.verify();
    expect(problems).toHaveLength(21);
    expect(problems.at(-1)?.message).toBe("280 more of them are refused too");
    await scene.release();
    expect((await scene.verify()).problems).toEqual([]);
  });

  test("whatever else is attached to it", async () => {
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
  ])("by its source in any spelling: %s", async (_what, rules, source) => {
    const scene = new Scene(keys);
    await scene.release({ source });
    expect((await scene.verify(rules)).problems).toEqual([]);
  });

  test("for each lane that shares its digest, by the lane's statement", async () => {
    const scene = new Scene(keys);
    await scene.release({ image: "other" });
    await scene.release();
    expect((await scene.verify({ image: "app" })).problems).toEqual([]);
    expect((await scene.verify({ image: "other" })).problems).toEqual([]);
  });
});

describe("the tag of a signed version", () => {
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
  const wrong = [
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

  test.each([...wrong, "sha-fffffff"])("%s is not 1.2.3", async (tag) => {
    const scene = new Scene(keys);
    await scene.release();
    expect((await scene.verify({ tag })).problems.map(({ code }) => code)).toEqual(["verify-version"]);
  });
});
