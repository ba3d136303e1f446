import type { AttestationPlace } from "./config";
import { digestOf } from "./digest";

/** One file of a build context. Folders are no content of their own, as in git. */
export interface ContextFile {
  /** Relative to the context, with `/`. */
  readonly path: string;
  /** The owner's executable bit is all that counts of a file's permissions. */
  readonly mode: "file" | "executable" | "symlink";
  /** SHA-256 of the bytes, or of a symbolic link's target: 64 hex digits. */
  readonly digest: string;
  readonly size: number;
}

/** Everything that content is made of. Two equal inputs give the same image, as far as their Dockerfile allows. */
export interface ContentKeyInput {
  /** The text or the bytes; both give the same key. */
  readonly dockerfile: string | Uint8Array;
  readonly files: readonly ContextFile[];
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly platforms: readonly string[];
  /** What the Dockerfile's references pointed to when they were resolved. */
  readonly bases: readonly { readonly reference: string; readonly digest: string }[];
  /** Labels and annotations that are baked in, `key=value`. */
  readonly labels: readonly string[];
  readonly provenance: boolean;
  /** The generator as it was asked for: another digest under its tag makes no other content. */
  readonly sbom: string | false;
  readonly attestations: AttestationPlace;
  readonly salt?: string;
  /** Names of build secrets; their values are no part of the content. */
  readonly secretIds: readonly string[];
  /** Named contexts: a folder's files, wherever it is, or an address. The digest of an image is among the bases. */
  readonly contexts?: Readonly<Record<string, readonly ContextFile[] | string>>;
  readonly sshIds?: readonly string[];
  readonly network?: "default" | "none" | "host";
  readonly extraHosts?: Readonly<Record<string, string>>;
}

/** Changes with the encoding, so that keys of two encodings never meet. */
const ENCODING = "slipway-content-key/1";

/**
 * What content is made of, as 64 hex digits: the SHA-256 of a canonical JSON text, in which every list and mapping
 * without an order of its own is sorted by code units. JSON keeps fields apart, so no bytes can move from one to
 * another. The same on every machine, locale, umask and order of reading.
 */
export function contentKey(input: ContentKeyInput): string {
  const canonical = [
    ENCODING,
    ["dockerfile", sha256(input.dockerfile)],
    ["files", filesEntry(input.files)],
    ["build-args", sorted(Object.entries(input.buildArgs))],
    ["target", input.target ?? null],
    ["platforms", sorted(new Set(input.platforms))],
    ["bases", sorted(input.bases.map((base) => [base.reference, base.digest]))],
    ["labels", sorted(new Set(input.labels))],
    ["provenance", input.provenance],
    ["sbom", input.sbom],
    // The usual place adds nothing.
    ...(input.attestations === "index" ? [] : [["attestations", input.attestations]]),
    ["salt", input.salt ?? null],
    ["secrets", sorted(new Set(input.secretIds))],
    // What is not set adds nothing, so that keys of before these settings hold.
    ...unlessEmpty("contexts", sorted(Object.entries(input.contexts ?? {}).map(contextEntry))),
    ...unlessEmpty("ssh", sorted(new Set(input.sshIds))),
    ...unlessEmpty(
      "network",
      [input.network ?? "default"].filter((network) => network !== "default"),
    ),
    ...unlessEmpty("extra-hosts", sorted(Object.entries(input.extraHosts ?? {}))),
  ];
  return sha256(JSON.stringify(canonical));
}

/**
 * What a base is made of, as 64 hex digits: the files that its tag's short hash covers, kept apart by JSON. Build
 * arguments and platforms are not in it, since the tag is the same for all of them.
 */
export function baseKey(dockerfileDigest: string, files: readonly Omit<ContextFile, "size">[]): string {
  const entries = sorted(files.map(({ path, mode, digest }) => [path, mode, digest]));
  return sha256(JSON.stringify(["slipway-base-key/1", dockerfileDigest, entries]));
}

/** The key of a base that is pinned by its short hash and that this working tree does not contain. */
export function pinnedBaseKey(hash: string): string {
  return sha256(JSON.stringify(["slipway-base-key/1", "pinned", hash]));
}

/** By each entry's own JSON: one order for texts and for rows. */
function sorted<T>(entries: Iterable<T>): T[] {
  return Array.from(entries, (entry) => ({ entry, key: JSON.stringify(entry) }))
    .sort((a, b) => (a.key === b.key ? 0 : a.key < b.key ? -1 : 1))
    .map(({ entry }) => entry);
}

function filesEntry(files: readonly ContextFile[]) {
  return sorted(files.map((file) => [file.path, file.mode, file.digest, file.size]));
}

function contextEntry([name, source]: [string, readonly ContextFile[] | string]) {
  return [name, typeof source === "string" ? source : filesEntry(source)];
}

function unlessEmpty<T>(name: string, entries: readonly T[]): [string, readonly T[]][] {
  return entries.length === 0 ? [] : [[name, entries]];
}

function sha256(data: string | Uint8Array): string {
  return digestOf(data).slice("sha256:".length);
}
