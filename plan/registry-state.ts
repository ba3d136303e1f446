import type { Digest } from "./digest";
import type { Problem } from "./problem";
import type { ReleaseStatement, SignedFacts } from "./statement";

/** What the registries hold, as far as a plan has to know it. Read once, before planning. */
export interface RegistryState {
  /** By host, in configuration's order. */
  readonly access: Readonly<Record<string, RegistryAccess>>;
  /** By `host/path`. Repositories of skipped or refused registries are absent. */
  readonly repositories: Readonly<Record<string, RepositoryState>>;
}

export type RegistryAccess =
  | { readonly status: "ready"; readonly credentials: string }
  /** Optional, and no credentials were found. */
  | { readonly status: "skipped"; readonly reason: string }
  | { readonly status: "refused"; readonly problem: Problem };

export interface RepositoryState {
  /** Every tag's name. */
  readonly tags: readonly string[];
  /** What the tags that were asked about point to. A tag that does not exist has no entry. */
  readonly found: Readonly<Record<string, FoundImage>>;
}

export interface FoundImage {
  readonly digest: Digest;
  readonly mediaType: string;
  /** Platforms of the index, attestation manifests left out. */
  readonly platforms: readonly string[];
  /** The index's annotations. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Release statements among the digest's referrers, which anyone who may push can write; asked for version tags only. */
  readonly statements: readonly ReleaseStatement[];
  /** What trusted signers say about the digest; absent where that was not asked. */
  readonly signed?: SignedFacts;
}
