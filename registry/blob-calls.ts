import { createHash } from "node:crypto";
import { type Digest, isDigest } from "../plan/digest";
import type { Answer } from "./answer";
import { digestOf } from "./content-digest";
import { RegistryError } from "./errors";
import { pullScope } from "./scope";
import type { Call, Transport } from "./transport";
import { uploadBlob } from "./upload-calls";

export { mount, provePush } from "./upload-calls";

/** The largest blob that is held in memory unless the caller says otherwise: 32 MiB. */
export const BLOB_LIMIT = 32 * 1024 * 1024;

export interface BlobStream {
  /** In bytes, where the registry says so. */
  readonly size: number | undefined;
  readonly chunks: AsyncIterable<Uint8Array>;
}

export interface UploadedBlob {
  readonly digest: Digest;
  readonly size: number;
  /** The registry had it already. */
  readonly existed: boolean;
}

function reading(repository: string, digest: Digest, method: "GET" | "HEAD"): Call {
  return {
    method,
    target: `/v2/${repository}/blobs/${digest}`,
    repository,
    scopes: [pullScope(repository)],
    expect: [200, 404],
  };
}

export function head(
  transport: Transport,
  repository: string,
  digest: Digest,
): Promise<{ size: number } | undefined> {
  return transport.call(reading(repository, digest, "HEAD"), (answer) => {
    if (answer.status === 404) return undefined;
    const answered = answer.header("docker-content-digest");
    if (isDigest(answered) && answered !== digest) throw transport.mismatch(answer, digest, answered);
    return { size: answer.length ?? 0 };
  });
}

export function get(
  transport: Transport,
  repository: string,
  digest: Digest,
  limit: number,
): Promise<Uint8Array | undefined> {
  return transport.call(reading(repository, digest, "GET"), async (answer) => {
    if (answer.status === 404) return undefined;
    const bytes = await answer.bytes(limit);
    const actual = digestOf(bytes);
    if (actual !== digest) throw transport.mismatch(answer, digest, actual);
    return bytes;
  });
}

export async function stream(
  transport: Transport,
  repository: string,
  digest: Digest,
): Promise<BlobStream | undefined> {
  const answer = await transport.open(reading(repository, digest, "GET"));
  if (answer.status === 404) return undefined;
  return { size: answer.length, chunks: verified(transport, answer, digest) };
}

async function* verified(
  transport: Transport,
  answer: Answer,
  digest: Digest,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash("sha256");
  for await (const chunk of answer.stream()) {
    hash.update(chunk);
    yield chunk;
  }
  const actual = `sha256:${hash.digest("hex")}`;
  if (actual !== digest) throw transport.mismatch(answer, digest, actual);
}

export async function put(
  transport: Transport,
  repository: string,
  bytes: Uint8Array,
): Promise<UploadedBlob> {
  const blob = { digest: digestOf(bytes), size: bytes.length };
  if ((await head(transport, repository, blob.digest)) !== undefined) return { ...blob, existed: true };
  await uploadBlob(transport, repository, blob.digest, bytes);
  return { ...blob, existed: false };
}

export function putStream(
  transport: Transport,
  repository: string,
  blob: { readonly digest: Digest; readonly size: number },
  open: () => Promise<AsyncIterable<Uint8Array>>,
): Promise<void> {
  if (!Number.isSafeInteger(blob.size) || blob.size < 0) {
    throw new RegistryError({
      code: "registry-refused",
      registry: transport.host,
      repository,
      summary: `The size of ${blob.digest} is not known, and a registry needs it before the upload`,
    });
  }
  return uploadBlob(transport, repository, blob.digest, { size: blob.size, open });
}
