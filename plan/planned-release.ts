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
}
