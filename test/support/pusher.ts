import { randomUUID } from "node:crypto";
import { BUNDLE_MEDIA_TYPE, IN_TOTO_MEDIA_TYPE, STATEMENT_ARTIFACT_TYPE } from "../../src/plan/annotations";
import { type Digest, digestOf, isDigest } from "../../src/plan/digest";
import type { ContentClaim, ReleaseStatement } from "../../src/plan/statement";
import { RegistryClient } from "../../src/registry/client";
import { type Descriptor, OCI_INDEX, OCI_MANIFEST } from "../../src/registry/manifests";
import { attachReferrer } from "../../src/registry/referrers";
import { attachSignature } from "../../src/signing/attach-signature";
import { bundleBytes, isBundleReferrer } from "../../src/signing/evidence";
import { claimBytes, imageSignatureBytes, releaseStatementBytes } from "../../src/signing/in-toto";
import { crane } from "./crane";
import { type KeyPair, newKeyPair, signerOf } from "./signed-image";

const CONFIG = "application/vnd.oci.image.config.v1+json";
const PROVENANCE = "https://slsa.dev/provenance/v1";

export interface Pushed {
  /** Of the index. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** @default linux/amd64 and linux/arm64 */
  readonly architectures?: readonly string[];
  /** The commit and builder of provenance for every platform. @default none */
  readonly provenance?: { readonly revision: string; readonly builder: string };
}

/** Someone who may push to one repository, and signs with a key of their own, not the project's, unless one is given. */
export class Pusher {
  readonly client: RegistryClient;
  /** Every index that was pushed. */
  readonly pushed = new Set<Digest>();

  /** @param path the repository, without the host: `octo/app` */
  constructor(
    readonly host: string,
    readonly path: string,
    readonly keys: KeyPair = newKeyPair(),
  ) {
    this.client = new RegistryClient({ host, plainHttp: true, deadlineMs: 10_000 });
  }

  get repository(): string {
    return `${this.host}/${this.path}`;
  }

  /** A whole index without a tag. Each is another one. */
  async push({ annotations = {}, labels = {}, architectures, provenance }: Pushed = {}): Promise<Digest> {
    const images = await Promise.all(
      (architectures ?? ["amd64", "arm64"]).map(async (architecture): Promise<Descriptor> => {
        const layer = await this.#blob(OCI_MANIFEST.replace("manifest", "layer"), randomUUID());
        const rootfs = { type: "layers", diff_ids: [layer.digest] };
        const config = { os: "linux", architecture, config: { Labels: labels }, rootfs };
        const manifest = await this.#manifest(await this.#blob(CONFIG, JSON.stringify(config)), [layer]);
        return { ...manifest, platform: { os: "linux", architecture } };
      }),
    );
    const attested = provenance === undefined ? [] : await this.#attest(images, provenance);
    const index = {
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [...images, ...attested],
      annotations,
    };
    const bytes = Buffer.from(JSON.stringify(index));
    const { digest } = await this.client.putManifest(this.path, digestOf(bytes), bytes, OCI_INDEX);
    this.pushed.add(digest);
    return digest;
  }

  /** Points tags to what is there. */
  async tag(digest: Digest, ...tags: readonly string[]): Promise<void> {
    const manifest = await this.client.getManifest(this.path, digest);
    if (manifest === undefined) throw new Error(`${this.repository} lacks ${digest}`);
    for (const tag of tags)
      await this.client.putManifest(this.path, tag, manifest.bytes, manifest.descriptor.mediaType);
  }

  async digest(reference: string): Promise<Digest> {
    const digest = await crane("digest", `${this.repository}:${reference}`);
    if (!isDigest(digest)) throw new Error(`${reference} has no digest`);
    return digest;
  }

  /** A release statement without a signature, as `sign: none` attaches it. */
  async state(digest: Digest, statement: object): Promise<void> {
    const bytes = releaseStatementBytes("app", digest, statement as ReleaseStatement);
    await this.attach(digest, bytes, IN_TOTO_MEDIA_TYPE, STATEMENT_ARTIFACT_TYPE);
  }

  /** Any bytes as a referrer: by the API, or by the fallback tag where there is none. */
  async attach(
    digest: Digest,
    bytes: Uint8Array,
    mediaType = BUNDLE_MEDIA_TYPE,
    artifactType = mediaType,
    annotations: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const subject = await this.client.headManifest(this.path, digest);
    if (subject === undefined) throw new Error(`${this.repository} lacks ${digest}`);
    const layers = [{ bytes, mediaType }];
    await attachReferrer({
      client: this.client,
      repository: this.path,
      subject,
      artifactType,
      layers,
      annotations,
    });
  }

  /** Signs the digest, a claim and a statement. */
  async sign(digest: Digest, claim: ContentClaim, statement?: ReleaseStatement): Promise<void> {
    const signer = await signerOf(this.keys);
    const payloads = [
      imageSignatureBytes(digest),
      claimBytes(digest, claim),
      ...(statement === undefined ? [] : [releaseStatementBytes("app", digest, statement)]),
    ];
    for (const payload of payloads) await attachSignature([this], digest, payload, signer);
  }

  /** The bundles that refer to a digest. */
  async bundles(digest: Digest): Promise<Uint8Array[]> {
    const referrers = (await this.client.referrers(this.path, digest)).filter(isBundleReferrer);
    const read = await Promise.all(
      referrers.map((entry) => bundleBytes({ client: this.client, repository: this.path }, entry.digest)),
    );
    return read.filter((bytes) => bytes !== undefined);
  }

  /** Attaches honest bundles, about another digest, to a forged one. */
  async steal(from: Pusher, honest: Digest, to: Digest): Promise<void> {
    for (const bytes of await from.bundles(honest)) await this.attach(to, bytes);
  }

  async #attest(images: readonly Descriptor[], { revision, builder }: NonNullable<Pushed["provenance"]>) {
    return Promise.all(
      images.map(async ({ digest }): Promise<Descriptor> => {
        const statement = {
          _type: "https://in-toto.io/Statement/v1",
          subject: [{ name: "app", digest: { sha256: digest.slice("sha256:".length) } }],
          predicateType: PROVENANCE,
          predicate: {
            buildDefinition: { externalParameters: { configSource: { digest: { sha1: revision } } } },
            runDetails: { builder: { id: builder }, metadata: { finishedOn: new Date().toISOString() } },
          },
        };
        const layer = {
          ...(await this.#blob(IN_TOTO_MEDIA_TYPE, JSON.stringify(statement))),
          annotations: { "in-toto.io/predicate-type": PROVENANCE },
        };
        const config = await this.#blob(CONFIG, JSON.stringify({ architecture: "unknown", os: "unknown" }));
        return {
          ...(await this.#manifest(config, [layer])),
          platform: { os: "unknown", architecture: "unknown" },
          annotations: {
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": digest,
          },
        };
      }),
    );
  }

  async #blob(mediaType: string, text: string): Promise<Descriptor> {
    const { digest, size } = await this.client.putBlob(this.path, Buffer.from(text));
    return { mediaType, digest, size };
  }

  #manifest(config: Descriptor, layers: readonly Descriptor[]): Promise<Descriptor> {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers }));
    return this.client.putManifest(this.path, digestOf(bytes), bytes, OCI_MANIFEST);
  }
}
