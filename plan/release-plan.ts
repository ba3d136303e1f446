import type { CheckConfig } from "./config";
import type { Digest } from "./digest";
import type { ExistingContent } from "./existing-release";
import type { BuildRecord, ManifestImage } from "./manifest";
import type { PolicyFinding } from "./policy/policy-config";
import type { Problem } from "./problem";
import type { ImageIntent } from "./release-intent";
import type { SbomState } from "./sbom";
import type { ContentClaim, ReleaseStatement } from "./statement";
import type { Ancestry, TagClass, TagWish } from "./tag-policy";
import type { VerifyRules } from "./trust";
import type { VerifiedBy } from "./verified";

/** Everything that a release will build, copy and tag. Plain data, known before `up`. */
export interface ReleasePlan {
  readonly schema: 1;
  readonly stack: string;
  /** The GitHub repository, `owner/name`. */
  readonly source?: string;
  /** The commit, 40 hex digits. */
  readonly revision: string;
  /** The lane that is released, where there are lanes. */
  readonly lane?: string;
  /** What has to succeed first, where anything is to be written. */
  readonly checks: readonly CheckConfig[];
  readonly images: readonly PlannedImage[];
  /** Every tag, in the order in which levels are written. */
  readonly levels: readonly TagLevel[];
  /** Floating tags that stay where they are though a rule names them, without a resource of their own. */
  readonly left: readonly PlannedTag[];
  /** What Docker Hub is to say of the repositories, after every tag. Default: nothing. */
  readonly descriptions?: readonly PlannedDescription[];
  /** What the last release left of images that this one does not touch. */
  readonly kept: readonly ManifestImage[];
  /** Registries that are left out: host -> reason. */
  readonly skipped: Readonly<Record<string, string>>;
  /** What stops the release, all at once. */
  readonly refusals: readonly Refusal[];
  /** What a reader should know and nothing stops for. */
  readonly notices: readonly string[];
  /** What breaks the team's rules; those that refuse stand in `refusals` too. Default: nothing. */
  readonly policy?: readonly PolicyFinding[];
  /** Overridden configuration: path -> where the value came from. */
  readonly origins: Readonly<Record<string, string>>;
}

/** A problem that stops the release, with the setting that overrides it, if there is one. */
export interface Refusal extends Problem {
  readonly overrule?: string;
}

export interface PlannedImage {
  readonly name: string;
  readonly intent: ImageIntent;
  /** `host/path`, the primary first; skipped registries left out. */
  readonly repositories: readonly string[];
  readonly content: PlannedContent;
  /** Set where the build is a resource of this stack. */
  readonly build?: BuildRecord;
  /** The tag by which the content is found again, one a repository. */
  readonly claims: readonly PlannedTag[];
  /** Repositories that do not have the content yet, as far as their tags show. */
  readonly copyTo: readonly string[];
  /** Set for a release with a version. */
  readonly statement?: ReleaseStatement;
  /** Signed together with the candidate tag; set where releases are signed and the content is built or found. */
  readonly claim?: ContentClaim;
  /** Whose bundles a promotion copies along; absent where its gate asks for no signer. */
  readonly acceptedSigner?: VerifyRules["signer"];
  /** Why content that exists is trusted; absent for a build. */
  readonly verifiedBy?: VerifiedBy;
  /** Absent where it is unknown: content of others. */
  readonly sbom?: SbomState;
}

export interface PlannedDescription {
  /** The image that it belongs to, the first of those that share it. */
  readonly image: string;
  /** `host/path`. */
  readonly repository: string;
  /** Where the text is, relative to the project. */
  readonly file: string;
  /** Absent: it stays as it is. */
  readonly short?: string;
  readonly full: string;
  /** Why the description stays as it is, whatever it is. */
  readonly kept?: string;
}

export type PlannedContent =
  /** A version tag of the same revision: the release that exists is the truth. */
  | { readonly from: "version-tag"; readonly tag: string; readonly digest: Digest }
  /** An index with the wanted content key. */
  | { readonly from: "candidate"; readonly tag: string; readonly digest: Digest }
  | { readonly from: "build" }
  /** Taken as it is: promoted from where it was verified, or an earlier version. */
  | ExistingContent;

export interface TagLevel {
  /** For people: `version tags`, `major.minor tags`, `latest`. */
  readonly name: string;
  readonly tags: readonly PlannedTag[];
}

export interface PlannedTag {
  readonly image: string;
  /** `host/path`. */
  readonly repository: string;
  readonly name: string;
  readonly class: TagClass;
  readonly action: "create" | "move" | "unchanged" | "keep";
  /** What the tag points to now. */
  readonly from?: { readonly digest: Digest; readonly version?: string };
  /** What it will point to; no digest while it is not built. */
  readonly to: { readonly digest?: Digest; readonly version?: string };
  /** Why it stays, or that another tool moved it. */
  readonly reason?: string;
  /** How to have it moved all the same. */
  readonly overrule?: string;
  /** What the provider checks again at the moment of writing. */
  readonly wish: TagWish;
  /** How the commit that the tag points to now relates to the one being released, when the plan was made. */
  readonly ancestry: Ancestry;
}
