import { createHash } from "node:crypto";

/** Content digests, the identity of everything that is released. */

/** A SHA-256 digest as OCI writes it: `sha256:` and 64 lower-case hex digits. */
export type Digest = `sha256:${string}`;

const DIGEST = /^sha256:[0-9a-f]{64}$/;

export function isDigest(value: unknown): value is Digest {
  return typeof value === "string" && DIGEST.test(value);
}

export function digestOf(bytes: string | Uint8Array): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** For messages: `sha256:` and the first 12 hex digits. */
export function shortDigest(digest: Digest): string {
  return digest.slice(0, "sha256:".length + 12);
}
