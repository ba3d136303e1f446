import type { Problem } from "./problem";
import type { VersionForm } from "./tag-policy";
import { compareVersions, parseVersion, type Version } from "./versions";

/** An independent family of tags of an image: versions in a form of their own, one floating tag, one trigger. */
export interface Lane {
  readonly name: string;
  /** How a version is written as an image's tag: `standalone-vX.Y.Z` is prefix `standalone-v`. */
  readonly form: VersionForm;
  /** What a git tag of this lane starts with; the version follows: `docker-v` of `docker-v*`. */
  readonly trigger: string;
  /** The tag that points to the lane's newest version, e.g. `standalone-latest`. */
  readonly floating: string;
  /** Tag rules in docker/metadata-action's syntax. */
  readonly tags: readonly string[];
  /** Flavor lines in docker/metadata-action's syntax. */
  readonly flavor: readonly string[];
}

/** The lanes of a project, and the one that is released. */
export interface LaneChoice {
  readonly lane: Lane;
  readonly lanes: readonly Lane[];
}

/**
 * The version of a name in a lane, without prefix: an image's tag (`standalone-v0.2.1`) or a git tag of
 * the lane's trigger (`docker-v0.2.1`). Undefined for any other name.
 */
export function laneVersion({ form, trigger }: Lane, name: string): Version | undefined {
  for (const prefix of [form.prefix, trigger]) {
    const rest = name.startsWith(prefix) ? name.slice(prefix.length) : "";
    // The form says whether there is a `v`: without this `vv1.0.0` would be a version too.
    const version = /^[0-9]/.test(rest) ? parseVersion(rest) : undefined;
    if (version?.scheme === "semver") return version;
  }
  return undefined;
}

/** `standalone-vX.Y.Z`. */
function laneFormat({ form }: Lane): string {
  return `${form.prefix}X.Y.Z`;
}

/** The git tag of a lane's version. */
export function laneGitTag({ trigger }: Lane, version: Version): string {
  return `${trigger}${version.text}`;
}

/** Those of some git tags that trigger a lane, the highest version first. */
export function laneTags(lane: Lane, tags: readonly string[]): string[] {
  return tags
    .flatMap((tag) => {
      const version = tag.startsWith(lane.trigger) ? laneVersion(lane, tag) : undefined;
      return version === undefined ? [] : [{ tag, version }];
    })
    .sort((a, b) => compareVersions(b.version, a.version))
    .map(({ tag }) => tag);
}

/**
 * Why a name that was asked for, or whose git tag started this, is no version of the lane that is released (code
 * `lane-version`); undefined where it is one.
 *
 * @param path where the name stands: `version`, `GITHUB_REF`
 */
export function laneVersionProblem(
  { lane, lanes }: LaneChoice,
  name: string,
  path: string,
): Problem | undefined {
  if (laneVersion(lane, name) !== undefined) return undefined;
  const other = lanes.find((known) => known !== lane && laneVersion(known, name) !== undefined);
  const belongs = other === undefined ? "" : `; it is one of the lane ${other.name}`;
  return {
    code: "lane-version",
    path,
    message:
      `${JSON.stringify(name)} is no version of the lane ${lane.name}, ` +
      `whose tags are ${laneFormat(lane)} and whose git tags are ${lane.trigger}X.Y.Z${belongs}`,
    hint:
      other === undefined
        ? `Name it in the lane's format, e.g. TAG=${lane.form.prefix}0.2.1`
        : `Release the lane ${other.name} with the stack that has \`slipway:lane: ${other.name}\`, or name a version of this one, e.g. TAG=${lane.form.prefix}0.2.1`,
  };
}
