import type { CheckConfig, Config } from "./config";
import type { Digest } from "./digest";
import type { ExistingContent } from "./existing-release";
import type { BuildRecord, ManifestImage } from "./manifest";
import type { PolicyFinding } from "./policy/policy-config";
import type { Problem } from "./problem";
import type { MovedBase } from "./rebuild";
import type { VerifiedBy } from "./registry-state";
import type { ImageIntent } from "./release-intent";
import type { SbomState } from "./sbom";
import type { ContentClaim, ReleaseStatement } from "./statement";
import type { Ancestry, DesiredTag, TagClass } from "./tag-policy";
import type { VerifyRules } from "./trust";

/** Everything that a release will build, copy and tag: plain data, known before `up`. */
export interface ReleasePlan {
  readonly schema: 1;
  readonly stack: string;
  /** The GitHub repository, `owner/name`. */
  readonly source?: string;
  readonly revision: string;
  readonly lane?: string;
  /** Set for a dry run (`push: false`): no registry was asked, so what exists is unknown. */
  readonly unasked?: boolean;
  readonly checks: readonly CheckConfig[];
  readonly images: readonly PlannedImage[];
  /** All tags that are written, in the order of writing. */
  readonly levels: readonly TagLevel[];
  /** Floating tags that a rule names, but that do not exist and are not made. */
  readonly left: readonly PlannedTag[];
  /** Descriptions on Docker Hub, which are written after every tag. @default none */
  readonly descriptions?: readonly PlannedDescription[];
  /** Bases that have moved since the released content was built on them. @default none */
  readonly movedBases?: readonly MovedBase[];
  /** The last release's images that this one does not touch. */
  readonly kept: readonly ManifestImage[];
  /** Host of a skipped registry -> the reason. */
  readonly skipped: Readonly<Record<string, string>>;
  readonly refusals: readonly Refusal[];
  /** Messages that do not stop the release. */
  readonly notices: readonly string[];
  /** What breaks the team's rules; findings that refuse are in `refusals` too. @default none */
  readonly policy?: readonly PolicyFinding[];
  readonly origins: Readonly<Record<string, string>>;
}

/** A problem that stops the release. */
export interface Refusal extends Problem {
  /** The entry of `slipway:override` that overrides it, if one does. */
  readonly override?: string;
}

export interface PlannedImage {
  readonly name: string;
  readonly intent: ImageIntent;
  /** `host/path`, the primary first, without skipped registries. */
  readonly repositories: readonly string[];
  readonly content: PlannedContent;
  /** Set if the build is a resource of this stack. */
  readonly build?: BuildRecord;
  /** The candidate tag in each repository. */
  readonly candidateTags: readonly PlannedTag[];
  /** For a build whose candidate tag moves from release to release: the digests that it may be moved away from. */
  readonly replaces?: readonly Digest[];
  /** Repositories whose tags do not show the content yet. */
  readonly copyTo: readonly string[];
  readonly statement?: ReleaseStatement;
  /** Signed before the candidate tag is written. Set if releases are signed and the content is built or found. */
  readonly claim?: ContentClaim;
  /** The signer whose bundles a promotion copies too; absent if its gate requires none. */
  readonly acceptedSigner?: VerifyRules["signer"];
  /** Why content that exists is trusted; absent for a build. */
  readonly verifiedBy?: VerifiedBy;
  /** Absent if unknown, as for content of other tools. */
  readonly sbom?: SbomState;
}

export interface PlannedDescription {
  /** The first of the images that share it. */
  readonly image: string;
  readonly repository: string;
  readonly file: string;
  readonly short?: string;
  readonly full: string;
  /** Set if the description is not written: the reason. */
  readonly kept?: string;
}

export type PlannedContent =
  /** A release that exists, by its version tag. */
  | { readonly from: "version-tag"; readonly tag: string; readonly digest: Digest }
  /** An index with the same content key. */
  | { readonly from: "candidate"; readonly tag: string; readonly digest: Digest }
  | { readonly from: "build" }
  | ExistingContent;

export interface TagLevel {
  /** For messages: `version tags`, `major.minor tags`, `latest`. */
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
  /** What it will point to; no digest before it is built. */
  readonly to: { readonly digest?: Digest; readonly version?: string };
  /** Why it stays, or that another tool moved it. */
  readonly reason?: string;
  /** The entry of `slipway:override` that moves it although it would stay. */
  readonly override?: string;
  /** What the provider judges again at the moment of writing. */
  readonly desired: DesiredTag;
  /** How the commit that the tag points to relates to the one being released. */
  readonly ancestry: Ancestry;
}

/** What `Release.plan` returns: a plan that is checked and not refused. */
export interface PlannedRelease<Image extends string = string> {
  /** Plain data: images, tags in the order in which they are written, notices. */
  readonly plan: ReleasePlan;
  /** Arguments, stack settings and environment, with all defaults. */
  readonly config: Config;
  /** The folder of Pulumi.yaml. */
  readonly projectDir: string;
  /** Only for types, never set: the names of the images in the program. */
  readonly image?: Image;
  /** Files of the program, which are written after the release. @default none */
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

/** Adds the program's files, unless the release is refused. */
export function withFiles(planned: PlannedRelease, { files }: PlanOptions): PlannedRelease {
  if (files === undefined || planned.plan.refusals.length > 0) return planned;
  return { ...planned, files: files(planned) };
}

/** What a plan would build, copy or tag, one line each; empty if everything is in place. */
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
