import { createHash } from "node:crypto";
import type { Digest } from "../../src/plan/digest";
import { detachAttestations } from "../../src/plan/image-index";
import {
  type Descriptor,
  isIndex,
  isManifest,
  OCI_EMPTY,
  OCI_INDEX,
  OCI_MANIFEST,
} from "../../src/registry/manifests";
import { referrerEntry } from "../../src/registry/referrers";
import type { ReadingClient } from "../../src/signing/build-statements";

function sha256(bytes: Uint8Array): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** One repository in memory, as a registry with the referrers API would serve it. It checks nothing by itself. */
export class MemoryRepository {
  readonly #manifests = new Map<string, Buffer>();
  readonly #blobs = new Map<string, Buffer>();
  readonly #listed = new Map<string, Descriptor[]>();

  blob(content: string | Uint8Array, mediaType: string): Descriptor {
    const bytes = Buffer.from(content);
    const digest = sha256(bytes);
    this.#blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  manifest(json: object, mediaType: string): Descriptor {
    const bytes = Buffer.from(JSON.stringify(json));
    const digest = sha256(bytes);
    this.#manifests.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  /** Lists a referrer under a subject, whatever its manifest says. */
  list(subject: Digest, referrer: Descriptor): void {
    this.#listed.set(subject, [...(this.#listed.get(subject) ?? []), referrer]);
  }

  unlist(subject: Digest): void {
    this.#listed.delete(subject);
  }

  /** A referrer with one layer. */
  attach(subject: Descriptor, layer: Uint8Array, mediaType: string): Descriptor {
    const json = {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType: mediaType,
      config: this.blob("{}", OCI_EMPTY),
      layers: [this.blob(layer, mediaType)],
      subject,
    };
    const entry = referrerEntry(this.manifest(json, OCI_MANIFEST), json);
    this.list(subject.digest, entry);
    return entry;
  }

  /**
   * An image index with one image for each platform, each with BuildKit's provenance unless `provenance` is false, and
   * with an SBOM (a predicate) where `sbom` has one for it.
   */
  image(
    platforms: readonly string[],
    options: {
      readonly name?: string;
      readonly provenance?: object | false;
      readonly sbom?: Readonly<Record<string, object>>;
      readonly annotations?: Readonly<Record<string, string>>;
    } = {},
  ): Descriptor {
    const { name = "app", provenance = PROVENANCE, sbom = {}, annotations } = options;
    const manifests = platforms.flatMap((platform) => {
      const [os = "", architecture = "", variant] = platform.split("/");
      const config = this.blob(
        JSON.stringify({ os, architecture, name }),
        "application/vnd.oci.image.config.v1+json",
      );
      const image = this.manifest(
        { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: [] },
        OCI_MANIFEST,
      );
      const entry = {
        ...image,
        platform: { os, architecture, ...(variant === undefined ? {} : { variant }) },
      };
      const packages = sbom[platform];
      const statements = [
        ...(provenance === false ? [] : [["https://slsa.dev/provenance/v0.2", provenance] as const]),
        ...(packages === undefined ? [] : [["https://spdx.dev/Document", packages] as const]),
      ];
      return statements.length === 0 ? [entry] : [entry, this.#attested(image, statements)];
    });
    return this.manifest(
      {
        schemaVersion: 2,
        mediaType: OCI_INDEX,
        manifests,
        ...(annotations === undefined ? {} : { annotations }),
      },
      OCI_INDEX,
    );
  }

  /** The same image with its attestations beside it, as `attestations: referrers` leaves it. */
  detach(image: Descriptor): Descriptor {
    const layersOf = new Map<Digest, readonly Descriptor[]>();
    const index = this.json(image.digest);
    if (!isIndex(index)) throw new Error("no index");
    for (const { digest } of index.manifests) {
      const manifest = this.json(digest);
      if (isManifest(manifest)) layersOf.set(digest, manifest.layers);
    }
    const detached = detachAttestations(index, layersOf);
    if (detached === undefined) throw new Error("no attestations");
    for (const { digest, bytes, mediaType, artifactType, subject } of detached.statements) {
      this.#manifests.set(digest, Buffer.from(bytes));
      this.list(subject.digest, { mediaType, digest, size: bytes.length, artifactType });
    }
    this.#manifests.set(detached.digest, Buffer.from(detached.bytes));
    return { mediaType: OCI_INDEX, digest: detached.digest, size: detached.bytes.length };
  }

  /** A manifest or an index as it is; null where there is none. */
  json(digest: Digest): unknown {
    return JSON.parse(this.#manifests.get(digest)?.toString("utf8") ?? "null");
  }

  /** What is under a digest is there no more. */
  forget(digest: Digest): void {
    this.#manifests.delete(digest);
  }

  #attested(image: Descriptor, statements: readonly (readonly [type: string, predicate: object])[]): object {
    const layers = statements.map(([predicateType, predicate]) =>
      this.blob(
        JSON.stringify({
          _type: "https://in-toto.io/Statement/v0.1",
          predicateType,
          subject: [{ name: "_", digest: { sha256: image.digest.slice("sha256:".length) } }],
          predicate,
        }),
        "application/vnd.in-toto+json",
      ),
    );
    const config = this.blob("{}", OCI_EMPTY);
    const attestation = this.manifest(
      { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers },
      OCI_MANIFEST,
    );
    return {
      ...attestation,
      platform: { os: "unknown", architecture: "unknown" },
      annotations: {
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": image.digest,
      },
    };
  }

  get client(): ReadingClient {
    return {
      getManifest: async (_, reference) => {
        const bytes = this.#manifests.get(reference);
        if (bytes === undefined) return undefined;
        const json: unknown = JSON.parse(bytes.toString("utf8"));
        const mediaType = isManifest(json) ? OCI_MANIFEST : OCI_INDEX;
        return { descriptor: { mediaType, digest: sha256(bytes), size: bytes.length }, bytes, json };
      },
      referrers: async (_, digest) => this.#listed.get(digest) ?? [],
      getBlob: async (_, digest) => this.#blobs.get(digest),
    };
  }
}

export const BUILDER = "https://github.com/octo/app/actions/runs/1";
export const BUILT_AT = "2026-01-10T12:00:00Z";
const PROVENANCE = { builder: { id: BUILDER }, metadata: { buildFinishedOn: BUILT_AT } };
