import type { Config } from "./config";
import type { ReleasePlan } from "./release-plan";

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
