import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { digestOf } from "../../../src/plan/digest";
import { RegistryClient, type RegistryClientOptions } from "../../../src/registry/client";
import { type Descriptor, OCI_INDEX, OCI_MANIFEST } from "../../../src/registry/manifests";
import { crane } from "../../support/crane";

/** A client without patience, so that failures show at once. */
export function clientOf(host: string, options: Partial<RegistryClientOptions> = {}): RegistryClient {
  return new RegistryClient({ host, plainHttp: true, deadlineMs: 5_000, ...options });
}

export function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

const CONFIG = "application/vnd.oci.image.config.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";

async function blob(
  client: RegistryClient,
  repository: string,
  mediaType: string,
  bytes: Uint8Array,
): Promise<Descriptor> {
  const { digest, size } = await client.putBlob(repository, bytes);
  return { mediaType, digest, size };
}

/** A tar archive with one file, to the letter of POSIX. */
function tar(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write("0000644\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  header.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0", 136);
  header.write("        ", 148);
  header.write("0", 156);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512);
  return Buffer.concat([header, content, padding, Buffer.alloc(1024)]);
}

/** One platform's image. Each has a layer of its own of `size` random bytes. */
export async function pushImage(
  client: RegistryClient,
  repository: string,
  architecture: string,
  size = 2_000,
): Promise<Descriptor> {
  const archive = tar("file", randomBytes(size));
  const layer = await blob(client, repository, LAYER, gzipSync(archive, { level: 1 }));
  const rootfs = { type: "layers", diff_ids: [digestOf(archive)] };
  const config = await blob(
    client,
    repository,
    CONFIG,
    json({ os: "linux", architecture, config: {}, rootfs }),
  );
  const bytes = json({ schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: [layer] });
  const written = await client.putManifest(repository, digestOf(bytes), bytes, OCI_MANIFEST);
  return { ...written, platform: { os: "linux", architecture } };
}

/** BuildKit's attestation manifest for `subject`, as it stands in an index. */
async function pushAttestation(
  client: RegistryClient,
  repository: string,
  subject: Descriptor,
): Promise<Descriptor> {
  const layer = await blob(
    client,
    repository,
    "application/vnd.in-toto+json",
    json({ about: subject.digest }),
  );
  const config = await blob(client, repository, CONFIG, json({ architecture: "unknown", os: "unknown" }));
  const bytes = json({ schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: [layer] });
  return {
    ...(await client.putManifest(repository, digestOf(bytes), bytes, OCI_MANIFEST)),
    platform: { os: "unknown", architecture: "unknown" },
    annotations: {
      "vnd.docker.reference.type": "attestation-manifest",
      "vnd.docker.reference.digest": subject.digest,
    },
  };
}

/** An index for two platforms with an attestation each, as BuildKit pushes it; without a tag unless one is named. */
export async function pushIndex(
  client: RegistryClient,
  repository: string,
  options: {
    readonly tag?: string;
    readonly layerSize?: number;
    readonly annotations?: Record<string, string>;
  } = {},
): Promise<Descriptor> {
  const images = await Promise.all(
    ["amd64", "arm64"].map((architecture) => pushImage(client, repository, architecture, options.layerSize)),
  );
  const attestations = await Promise.all(images.map((image) => pushAttestation(client, repository, image)));
  const { annotations } = options;
  const bytes = json({
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: [...images, ...attestations],
    ...(annotations === undefined ? {} : { annotations }),
  });
  return client.putManifest(repository, options.tag ?? digestOf(bytes), bytes, OCI_INDEX);
}

/** Lets crane, an implementation that is none of ours, check both images of an index with all their bytes. */
export async function validate(reference: string): Promise<void> {
  const index = JSON.parse(await crane("manifest", reference));
  const children: Descriptor[] = index.manifests;
  const repository = reference.slice(0, reference.indexOf("@"));
  for (const { digest, platform } of children) {
    const child = `${repository}@${digest}`;
    if (platform?.os === "unknown") {
      const attestation = JSON.parse(await crane("manifest", child));
      for (const { digest } of attestation.layers) await crane("blob", `${repository}@${digest}`);
    } else await crane("validate", "--remote", child);
  }
}
