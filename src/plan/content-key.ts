import type { AttestationPlace } from "./config";
import { digestOf } from "./digest";

/** One file of a build context. As in git, folders are not content. */
export interface ContextFile {
  /** Relative to the context, with `/`. */
  readonly path: string;
  /** Of a file's permissions, only the owner's executable bit counts. */
  readonly mode: "file" | "executable" | "symlink";
  /** SHA-256 of the bytes, or of a symbolic link's target: 64 hex digits. */
  readonly digest: string;
  readonly size: number;
}

/** Everything that content is made of. Equal inputs give the same image, as far as the Dockerfile allows. */
export interface ContentKeyInput {
  readonly dockerfile: string | Uint8Array;
  readonly files: readonly ContextFile[];
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly platforms: readonly string[];
  /** The Dockerfile's references, and the digests that they were resolved to. */
  readonly bases: readonly { readonly reference: string; readonly digest: string }[];
  /** Labels of the image, `key=value`. */
  readonly labels: readonly string[];
  readonly provenance: boolean;
  /** The generator's reference as it is written: a new digest of its tag is not new content. */
  readonly sbom: string | false;
  readonly attestations: AttestationPlace;
  readonly salt?: string;
  /** Names of build secrets; their values are not part of the content. */
  readonly secretIds: readonly string[];
  /** Named contexts: a folder's files, or an address. The digest of an image is in `bases`. */
  readonly contexts?: Readonly<Record<string, readonly ContextFile[] | string>>;
  readonly sshIds?: readonly string[];
  readonly network?: "default" | "none" | "host";
  readonly extraHosts?: Readonly<Record<string, string>>;
}

/** Has to change with the encoding, so that keys of two encodings are never equal. */
const ENCODING = "slipway-content-key/1";

/**
 * Computes the content key, 64 hex digits: the SHA-256 of a canonical JSON text in which every list and mapping without
 * an order of its own is sorted by code units. It does not depend on machine, locale, umask or order of reading.
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
    // Settings that were added later are left out at their defaults, so that older keys stay valid.
    ...(input.attestations === "index" ? [] : [["attestations", input.attestations]]),
    ["salt", input.salt ?? null],
    ["secrets", sorted(new Set(input.secretIds))],
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
 * Computes a base's content key, 64 hex digits, from the files that its tag's short hash covers. Build arguments and
 * platforms are not part of it, since the tag is the same for all of them.
 */
export function baseKey(dockerfileDigest: string, files: readonly Omit<ContextFile, "size">[]): string {
  const entries = sorted(files.map(({ path, mode, digest }) => [path, mode, digest]));
  return sha256(JSON.stringify(["slipway-base-key/1", dockerfileDigest, entries]));
}

/** The content key of a base that is pinned by its short hash, whose files this working tree does not contain. */
export function pinnedBaseKey(hash: string): string {
  return sha256(JSON.stringify(["slipway-base-key/1", "pinned", hash]));
}

/** Sorts by each entry's JSON, so that texts and rows have the same order. */
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
