import type { Config } from "./config";
import type { ReleasePlan } from "./release-plan";

/** What a release will build, copy and tag: read once, checked, and not refused. Made by `Release.plan`. */
export interface PlannedRelease<Image extends string = string> {
  /** Plain data: images, tags in the order in which they are written, notices. */
  readonly plan: ReleasePlan;
  /** Arguments, stack settings and environment, with every default. */
  readonly config: Config;
  /** The folder of Pulumi.yaml. */
  readonly projectDir: string;
  /** For types alone, never set: the names of the images that the program gives in code. */
  readonly image?: Image;
  /** Files of the program's own, which are written after the release. @default none */
  readonly files?: readonly ReleaseFile[];
}

/** A file that a program adds to the release's manifest and reports. */
export interface ReleaseFile {
  /** Relative to Pulumi.yaml's folder. @example "artifacts/images.json" */
  readonly path: string;
  readonly content: string;
}

export interface PlanOptions {
  /**
   * Files of your own, made from the plan. They are written whole, after every tag is set or by a dry run
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
