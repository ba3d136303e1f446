import type { Digest } from "./digest";
import type { ManifestImage, ManifestTag, ReleaseManifest } from "./manifest";

/** Whether a tag that moves points to what was released. */
export interface DigestPair {
  readonly image: string;
  readonly repository: string;
  /** A tag that stays: a version's or, for an image without one, the content's own. */
  readonly fixed: string;
  readonly floating: string;
  readonly digest: Digest;
  /** What the floating tag points to, where that is something else. */
  readonly other?: Digest;
}

/** Every floating tag beside the tag that it should equal, in each repository: `v1.2.3` and `latest`. */
export function digestPairs({ images }: Pick<ReleaseManifest, "images">): DigestPair[] {
  return images.flatMap((image) => image.repositories.flatMap((repository) => pairsIn(image, repository)));
}

function pairsIn(image: ManifestImage, repository: string): DigestPair[] {
  const tags = image.tags.filter((tag) => tag.repository === repository);
  const fixed = ofClass(tags, "version")[0] ?? ofClass(tags, "revision")[0];
  if (fixed === undefined) return [];
  return ofClass(tags, "floating").map((tag) => ({
    image: image.name,
    repository,
    fixed: fixed.name,
    floating: tag.name,
    digest: fixed.digest,
    ...(tag.digest === fixed.digest ? {} : { other: tag.digest }),
  }));
}

function ofClass(tags: readonly ManifestTag[], wanted: ManifestTag["class"]): ManifestTag[] {
  return tags.filter((tag) => tag.class === wanted);
}
