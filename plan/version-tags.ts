import type { Config } from "./config";
import type { Problem } from "./problem";
import type { ImageIntent, WantedTag } from "./release-intent";

/** The tags without version tags, if `slipway:publishVersionTag` is false; the version itself stays. */
export function publishedTags(tags: readonly WantedTag[], publish: boolean | undefined): WantedTag[] {
  return tags.filter((tag) => publish !== false || tag.class !== "version");
}

/** `version-tag-missing`: a version tag is required, and there is none to write. */
export function versionTagProblems(
  { publishVersionTag }: Pick<Config, "publishVersionTag">,
  intents: readonly Pick<ImageIntent, "name" | "image" | "tags" | "existing">[],
): Problem[] {
  if (publishVersionTag !== true) return [];
  // A base has no version of its own, and an existing image was released before.
  const built = intents.filter(
    ({ image, existing }) => image.addressed === undefined && existing === undefined,
  );
  const [first, ...others] = built.filter(({ tags }) => !tags.some((tag) => tag.class === "version"));
  if (first === undefined) return [];
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  return [
    {
      code: "version-tag-missing",
      path: "publishVersionTag",
      message: `a version tag is required, but this release of ${first.name}${more} has no version`,
      hint: "Name the version (RELEASE_TAG=v1.2.3, CI_IMAGE_TAG=2025.11.0, or a git tag at HEAD), or set slipway:publishVersionTag to false",
    },
  ];
}
