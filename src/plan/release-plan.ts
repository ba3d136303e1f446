import type { CheckConfig, Config } from "./config";
import type { Digest } from "./digest";
import type { ExistingContent } from "./existing-release";
import type { BuildRecord, ManifestImage } from "./manifest";
import type { PolicyFinding } from "./policy/policy-config";
import type { Problem } from "./problem";
import type { VerifiedBy } from "./registry-state";
import type { ImageIntent } from "./release-intent";
import type { SbomState } from "./sbom";
import type { ContentClaim, ReleaseStatement } from "./statement";
import type { Ancestry, DesiredTag, TagClass } from "./tag-policy";
import type { VerifyRules } from "./trust";

/** Everything that a release will build, copy and tag. Plain data, known before `up`. */
export interface ReleasePlan {
  readonly schema: 1;
  readonly stack: string;
  /** The GitHub repository, `owner/name`. */
  readonly source?: string;
  readonly revision: string;
  readonly lane?: string;
  /** Set for a dry run (`push: false`), which asks no registry: what exists there is not known. */
  readonly unasked?: boolean;
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
  readonly skipped: Readonly<Record<string, string>>;
  readonly refusals: readonly Refusal[];
  /** What a reader should know and nothing stops for. */
  readonly notices: readonly string[];
  /** What breaks the team's rules; those that refuse stand in `refusals` too. Default: nothing. */
  readonly policy?: readonly PolicyFinding[];
  readonly origins: Readonly<Record<string, string>>;
}

/** A problem that stops the release, with the setting that overrides it, if there is one. */
export interface Refusal extends Problem {
  readonly override?: string;
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
  /** Of a build whose candidate tag moves from release to release: the digests that it may leave. */
  readonly replaces?: readonly Digest[];
  /** Repositories that do not have the content yet, as far as their tags show. */
  readonly copyTo: readonly string[];
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
  readonly repository: string;
  readonly file: string;
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
  readonly repository: string;
  readonly name: string;
  readonly class: TagClass;
  readonly action: "create" | "move" | "unchanged" | "keep";
  readonly from?: { readonly digest: Digest; readonly version?: string };
  /** What it will point to; no digest while it is not built. */
  readonly to: { readonly digest?: Digest; readonly version?: string };
  /** Why it stays, or that another tool moved it. */
  readonly reason?: string;
  /** How to have it moved all the same. */
  readonly override?: string;
  /** What the provider checks again at the moment of writing. */
  readonly desired: DesiredTag;
  /** How the commit that the tag points to now relates to the one being released, when the plan was made. */
  readonly ancestry: Ancestry;
}

/** What a release will build, copy and tag, as `Release.plan` returns it: checked, and not refused. */
export interface PlannedRelease<Image extends string = string> {
  /** Plain data: images, tags in the order in which they are written, notices. */
  readonly plan: ReleasePlan;
  /** Arguments, stack settings and environment in one, with every default. */
  readonly config: Config;
  /** The folder of Pulumi.yaml. */
  readonly projectDir: string;
  /** For types only, never set: the names of the images in the program's code. */
  readonly image?: Image;
  /** The program's own files, which are written after the release. @default none */
  readonly files?: readonly ReleaseFile[];
}

/** A file that a program writes beside the release's manifest and reports. */
export interface ReleaseFile {
  /** Relative to Pulumi.yaml's folder. @example "artifacts/images.json" */
  readonly path: string;
  readonly content: string;
}

export interface PlanOptions {
  /**
   * Files of your own, made from the plan. They are written atomically, after every tag is set or by a dry run
   * (`push: false`), and never by a preview.
   *
   * @default none
   * @example ({ plan }) => [{ path: "images.json", content: JSON.stringify(plan.images.map(({ name }) => name)) }]
   */
  readonly files?: (planned: PlannedRelease) => readonly ReleaseFile[];
}

/** A refused release has no files. */
export function withFiles(planned: PlannedRelease, { files }: PlanOptions): PlannedRelease {
  if (files === undefined || planned.plan.refusals.length > 0) return planned;
  return { ...planned, files: files(planned) };
}

/** What a plan would build, copy or tag, a line each; empty where everything is in place. */
export function changesIn(plan: ReleasePlan): string[] {
  if (plan.unasked === true)
    return ["no registry was asked (push: false), so what would change is not known"];
  return [
    ...plan.images.flatMap(({ name, content, copyTo }) => [
      ...(content.from === "build" ? [`${name} would be built`] : []),
      ...copyTo.map((repository) => `${name} would be copied to ${repository}`),
    ]),
    ...plan.levels
      .flatMap(({ tags }) => tags)
      .filter(({ action }) => action === "create" || action === "move")
      .map(({ repository, name, action }) =>
        action === "create"
          ? `${repository}:${name} is not there`
          : `${repository}:${name} points to something else`,
      ),
  ];
}
