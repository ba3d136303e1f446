import type { Problem } from "./problem";
import type { WantedTag } from "./release-intent";

/** The tags that are left under the policy `slipway:publishVersionTag`; the version itself stays what it is. */
export function publishedTags(tags: readonly WantedTag[], publish: boolean | undefined): WantedTag[] {
  return tags.filter((tag) => publish !== false || tag.class !== "version");
}

/** A version tag was asked for, and there is none to write (code `version-tag-missing`). */
export function versionTagProblems(
  image: string,
  tags: readonly WantedTag[],
  publish: boolean | undefined,
): Problem[] {
  if (publish !== true || tags.some((tag) => tag.class === "version")) return [];
  return [
    {
      code: "version-tag-missing",
      path: "publishVersionTag",
      message: `a version tag is to be published, but this release of ${image} has no version`,
      hint: "Name the version (RELEASE_TAG=v1.2.3), or set slipway:publishVersionTag to false",
    },
  ];
}
