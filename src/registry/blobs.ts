import { createHash } from "node:crypto";
import { type Digest, digestOf, isDigest } from "../plan/digest";
import { deleteScope, pullScope, pushScope } from "./auth";
import { RegistryError } from "./errors";
import type { Answer, StreamBody } from "./http";
import type { Call, RepositoryApi, Transport } from "./transport";

/** The default limit of a blob that is read into memory. */
export const BLOB_LIMIT = 32 * 1024 * 1024;

export interface BlobStream {
  readonly size: number | undefined;
  readonly chunks: AsyncIterable<Uint8Array>;
}

export interface UploadedBlob {
  readonly digest: Digest;
  readonly size: number;
  /** Nothing was sent. */
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

export function head({ transport, repository }: RepositoryApi, digest: Digest) {
  return transport.call(reading(repository, digest, "HEAD"), (answer) => {
    if (answer.status === 404) return undefined;
    const answered = answer.header("docker-content-digest");
    if (isDigest(answered) && answered !== digest) throw transport.mismatch(answer, digest, answered);
    return { size: answer.length ?? 0 };
  });
}

export function get({ transport, repository }: RepositoryApi, digest: Digest, limit: number) {
  return transport.call(reading(repository, digest, "GET"), async (answer) => {
    if (answer.status === 404) return undefined;
    const bytes = await answer.bytes(limit);
    const actual = digestOf(bytes);
    if (actual !== digest) throw transport.mismatch(answer, digest, actual);
    return bytes;
  });
}

export async function stream({ transport, repository }: RepositoryApi, digest: Digest) {
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

export async function put({ transport, repository }: RepositoryApi, bytes: Uint8Array) {
  const blob = { digest: digestOf(bytes), size: bytes.length };
  if ((await head({ transport, repository }, blob.digest)) !== undefined) return { ...blob, existed: true };
  await uploadBlob({ transport, repository }, blob.digest, bytes);
  return { ...blob, existed: false };
}

export function putStream(
  { transport, repository }: RepositoryApi,
  digest: Digest,
  size: number,
  open: StreamBody["open"],
): Promise<void> {
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new RegistryError({
      code: "registry-refused",
      registry: transport.host,
      repository,
      summary: `${digest} has no known size, and the registry needs it before the upload`,
    });
  }
  return uploadBlob({ transport, repository }, digest, { size, open });
}

/** Codes after which the content is uploaded instead of mounted. */
const MOUNT_REFUSALS = new Set([
  "registry-unauthorized",
  "registry-forbidden",
  "registry-not-found",
  "registry-unsupported",
  "registry-refused",
]);

function starting(repository: string, query = "", scopes: readonly string[] = []): Call {
  return {
    method: "POST",
    target: `/v2/${repository}/blobs/uploads/${query}`,
    repository,
    scopes: [pushScope(repository), ...scopes],
    headers: { "content-length": "0" },
    expect: [201, 202],
  };
}

function locationOf(transport: Transport, answer: Answer): URL {
  const location = answer.header("location");
  const { url } = answer.context;
  if (location === undefined || !URL.canParse(location, url))
    throw answer.bad("an upload without a valid location");
  const next = transport.resolve(location, url);
  if (next.protocol !== transport.origin.protocol && next.protocol !== "https:") {
    throw answer.bad("an upload location without TLS");
  }
  return next;
}

/**
 * POST, then PUT with the whole content, which every registry supports. A broken upload starts over, so the source
 * must be able to start over too.
 */
function uploadBlob({ transport, repository }: RepositoryApi, digest: Digest, body: Uint8Array | StreamBody) {
  return transport.retrying(async () => {
    const location = await transport.once(starting(repository), (answer) => locationOf(transport, answer));
    location.searchParams.set("digest", digest);
    const sending: Call = {
      method: "PUT",
      target: location,
      repository,
      scopes: [pushScope(repository)],
      headers: { "content-type": "application/octet-stream" },
      body,
      expect: [200, 201, 202, 204],
    };
    await transport.once(sending, (answer) => {
      const answered = answer.header("docker-content-digest");
      if (answered !== undefined && answered !== digest) throw transport.mismatch(answer, digest, answered);
    });
  });
}

/** False where the registry refused, or started an upload instead, which is then cancelled. */
export async function mount({ transport, repository }: RepositoryApi, digest: Digest, from: string) {
  const query = `?${new URLSearchParams({ mount: digest, from })}`;
  const call = starting(repository, query, [pullScope(from)]);
  const upload = await transport
    .call(call, (answer) => (answer.status === 201 ? ("mounted" as const) : locationOf(transport, answer)))
    .catch((error: unknown) => {
      // Without the right to read the other repository, the registry or its token service refuses.
      if (error instanceof RegistryError && MOUNT_REFUSALS.has(error.code)) return "refused" as const;
      throw error;
    });
  if (upload instanceof URL) await cancel({ transport, repository }, upload);
  return upload === "mounted";
}

export async function verifyPush({ transport, repository }: RepositoryApi) {
  const location = await transport.call(starting(repository), (answer) =>
    answer.status === 202 ? locationOf(transport, answer) : undefined,
  );
  if (location !== undefined) await cancel({ transport, repository }, location);
}

/** Failures are ignored: registries discard unfinished uploads by themselves. */
async function cancel({ transport, repository }: RepositoryApi, location: URL) {
  const call: Call = {
    method: "DELETE",
    target: location,
    repository,
    scopes: [deleteScope(repository)],
    expect: [200, 202, 204, 400, 401, 403, 404, 405, 415, 500, 501],
  };
  await transport.call(call, () => {}).catch(() => {});
}
