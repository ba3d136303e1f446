import type { Digest } from "../plan/digest";
import type { Answer } from "./answer";
import { RegistryError } from "./errors";
import { deleteScope, pullScope, pushScope } from "./scope";
import type { Call, Transport } from "./transport";
import type { StreamBody } from "./wire";

const REFUSALS = new Set([
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

/** Where an upload that was started goes on. */
function locationOf(transport: Transport, answer: Answer): URL {
  const location = answer.header("location");
  const { url } = answer.context;
  if (location === undefined || !URL.canParse(location, url))
    throw answer.bad("an upload without a location");
  const next = transport.resolve(location, url);
  if (next.protocol !== transport.origin.protocol && next.protocol !== "https:") {
    throw answer.bad("an upload away from TLS");
  }
  return next;
}

/**
 * POST, then PUT with the whole content: what every registry understands, and one request fewer than chunks. What
 * breaks half-way starts over with a new upload, so the source must be able to start over too.
 */
export function uploadBlob(
  transport: Transport,
  repository: string,
  digest: Digest,
  body: Uint8Array | StreamBody,
): Promise<void> {
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

/** @returns false where the registry started an upload instead (which is cancelled) or does not allow it. */
export async function mount(
  transport: Transport,
  repository: string,
  digest: Digest,
  from: string,
): Promise<boolean> {
  const query = `?${new URLSearchParams({ mount: digest, from })}`;
  const call = starting(repository, query, [pullScope(from)]);
  const upload = await transport
    .call(call, (answer) => (answer.status === 201 ? ("mounted" as const) : locationOf(transport, answer)))
    .catch((error: unknown) => {
      // Without a right to read there, the registry or its token service refuses; the content can still be uploaded.
      if (error instanceof RegistryError && REFUSALS.has(error.code)) return "refused" as const;
      throw error;
    });
  if (upload instanceof URL) await cancel(transport, repository, upload);
  return upload === "mounted";
}

export async function provePush(transport: Transport, repository: string): Promise<void> {
  const location = await transport.call(starting(repository), (answer) =>
    answer.status === 202 ? locationOf(transport, answer) : undefined,
  );
  if (location !== undefined) await cancel(transport, repository, location);
}

/** Registries that cannot cancel forget an unfinished upload by themselves, so a refusal is no failure. */
async function cancel(transport: Transport, repository: string, location: URL): Promise<void> {
  const call: Call = {
    method: "DELETE",
    target: location,
    repository,
    scopes: [deleteScope(repository)],
    expect: [200, 202, 204, 400, 401, 403, 404, 405, 415, 500, 501],
  };
  await transport.call(call, () => {}).catch(() => {});
}
