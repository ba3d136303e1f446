import { digestOf, isDigest } from "../plan/digest";
import { isRecord } from "../plan/record";
import { deleteScope, pullScope, pushScope } from "./challenge";
import type { Answer } from "./http";
import {
  type Descriptor,
  isIndex,
  isIndexType,
  isManifest,
  isManifestType,
  isMediaType,
  MANIFEST_LIMIT,
  MANIFEST_TYPES,
  MOST_ENTRIES,
  TOO_MANY_HINT,
} from "./manifest";
import type { Call, RepositoryApi } from "./transport";

export interface FetchedManifest {
  readonly descriptor: Descriptor;
  /** Exactly what the registry has: what is put elsewhere keeps its digest. */
  readonly bytes: Uint8Array;
  /** To be narrowed by `isIndex` or `isManifest`. */
  readonly json: unknown;
}

export interface PushedManifest {
  readonly descriptor: Descriptor;
  /** The registry has listed the manifest as a referrer (it answered `OCI-Subject`). */
  readonly subjectListed: boolean;
}

const ACCEPT = MANIFEST_TYPES.join(", ");

function reading(repository: string, reference: string, method: "GET" | "HEAD"): Call {
  return {
    method,
    target: `/v2/${repository}/manifests/${reference}`,
    repository,
    scopes: [pullScope(repository)],
    headers: { accept: ACCEPT },
    expect: [200, 404],
  };
}

export async function head({ transport, repository }: RepositoryApi, reference: string) {
  const found = await transport.call(reading(repository, reference, "HEAD"), (answer) => {
    if (answer.status === 404) return undefined;
    const digest = answer.header("docker-content-digest");
    const { length: size, mediaType } = answer;
    if (!isDigest(digest) || size === undefined || mediaType === undefined) return "incomplete" as const;
    if (isDigest(reference) && digest !== reference) throw transport.mismatch(answer, reference, digest);
    return { mediaType, digest, size };
  });
  if (found !== "incomplete") return found;
  return (await get({ transport, repository }, reference))?.descriptor;
}

export function get({ transport, repository }: RepositoryApi, reference: string) {
  return transport.call(reading(repository, reference, "GET"), async (answer) => {
    if (answer.status === 404) return undefined;
    const bytes = await answer.bytes(MANIFEST_LIMIT);
    const digest = digestOf(bytes);
    // The bytes must be what was asked for, and what the registry says that they are.
    const expected = [reference, answer.header("docker-content-digest")].find(isDigest);
    if (expected !== undefined && digest !== expected) throw transport.mismatch(answer, expected, digest);
    const json = answer.parse(bytes);
    // The manifest's own word counts more than the header's: its digest vouches for it.
    const own = isRecord(json) && isMediaType(json.mediaType) ? json.mediaType : "";
    const mediaType = own || (answer.mediaType ?? "application/octet-stream");
    checkShape(answer, json, mediaType);
    return { descriptor: { mediaType, digest, size: bytes.length }, bytes, json };
  });
}

function checkShape(answer: Answer, json: unknown, mediaType: string): void {
  if (isIndexType(mediaType) && !isIndex(json)) throw answer.bad("an index of another shape");
  if (isManifestType(mediaType) && !isManifest(json)) throw answer.bad("a manifest of another shape");
  if (isIndex(json) && json.manifests.length > MOST_ENTRIES)
    throw answer.bad(
      `an index of ${json.manifests.length} entries; at most ${MOST_ENTRIES} are read`,
      TOO_MANY_HINT,
    );
}

export function put(
  { transport, repository }: RepositoryApi,
  reference: string,
  bytes: Uint8Array,
  mediaType: string,
) {
  const digest = digestOf(bytes);
  const call: Call = {
    method: "PUT",
    target: `/v2/${repository}/manifests/${reference}`,
    repository,
    scopes: [pushScope(repository)],
    headers: { "content-type": mediaType },
    body: bytes,
    expect: [200, 201, 202],
  };
  return transport.call(call, (answer) => {
    const answered = answer.header("docker-content-digest");
    const wrong = [isDigest(reference) ? reference : digest, answered ?? digest].find(
      (other) => other !== digest,
    );
    if (wrong !== undefined) throw transport.mismatch(answer, digest, wrong);
    return {
      descriptor: { mediaType, digest, size: bytes.length },
      subjectListed: answer.header("oci-subject") !== undefined,
    };
  });
}

/** Deletes what a tag or digest names; false where there is nothing. */
export function remove({ transport, repository }: RepositoryApi, reference: string) {
  const call: Call = {
    method: "DELETE",
    target: `/v2/${repository}/manifests/${reference}`,
    repository,
    scopes: [deleteScope(repository)],
    expect: [200, 202, 204, 404],
  };
  return transport.call(call, ({ status }) => status !== 404);
}
