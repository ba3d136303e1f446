import { CONTENT_KEY_ANNOTATION, PART_ANNOTATION } from "./annotations";
import { type Digest, isDigest } from "./digest";
import type { Problem } from "./problem";
import { isListOf, isRecord, isText } from "./record";
import type { PlannedImage } from "./release-plan";

/** The file in which a machine passes the results of one platform's builds to the machine that merges them. */
export interface PlatformParts {
  readonly schema: 1;
  readonly stack: string;
  readonly revision: string;
  readonly platform: string;
  /** Images that had to be built, bases first. */
  readonly parts: readonly Part[];
}

/** One image for one platform, which is pushed by digest, without a tag. */
export interface Part {
  readonly image: string;
  readonly contentKey: string;
  /** The digest of an index with this platform only. */
  readonly digest: Digest;
  /** `host/path` of the repositories that it was pushed to. */
  readonly repositories: readonly string[];
  readonly base?: Digest;
}

export interface PartsFile {
  readonly file: string;
  readonly parts: PlatformParts;
}

/** The image that one platform's build makes. An annotation marks its index as a part. */
export function partOf(image: PlannedImage, platform: string): PlannedImage {
  const { intent } = image;
  const { [CONTENT_KEY_ANNOTATION]: _, ...annotations } = intent.annotations;
  return {
    ...image,
    intent: {
      ...intent,
      image: { ...intent.image, platforms: [platform] },
      annotations: { ...annotations, [PART_ANNOTATION]: intent.contentKey },
    },
  };
}

/** The images that have to be built, bases first. */
export function builtImages(images: readonly PlannedImage[]): PlannedImage[] {
  return images.filter(({ content }) => content.from === "build");
}

export function parsePlatformParts(value: unknown): PlatformParts | undefined {
  return isPlatformParts(value) ? value : undefined;
}

function isPlatformParts(value: unknown): value is PlatformParts {
  return (
    isRecord(value) &&
    value.schema === 1 &&
    [value.stack, value.revision, value.platform].every(isText) &&
    isListOf(value.parts, isPart)
  );
}

function isPart(value: unknown): value is Part {
  return (
    isRecord(value) &&
    [value.image, value.contentKey].every(isText) &&
    isDigest(value.digest) &&
    isListOf(value.repositories, isText) &&
    (value.base === undefined || isDigest(value.base))
  );
}

export interface ImageParts {
  readonly image: PlannedImage;
  /** One for each platform of the image, in the same order. */
  readonly parts: readonly (Part & { readonly platform: string })[];
}

/**
 * Finds the parts of every image that has to be built: one for each platform, with the content key of this plan.
 * Everything that is missing or different is reported at once.
 */
export function matchParts(
  images: readonly PlannedImage[],
  files: readonly PartsFile[],
  stack: string,
): { readonly matched: readonly ImageParts[]; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const matched = builtImages(images).map((image) => ({
    image,
    parts: image.intent.image.platforms.flatMap((platform) => {
      const found = choose(image, platform, files, stack);
      if ("digest" in found) return [{ ...found, platform }];
      problems.push(found);
      return [];
    }),
  }));
  return { matched, problems };
}

function choose(
  { name, intent: { contentKey } }: PlannedImage,
  platform: string,
  files: readonly PartsFile[],
  stack: string,
): Part | Problem {
  const path = `${name} ${platform}`;
  const again = `npx --no slipway build --stack ${stack} --platform ${platform}`;
  const there = files
    .filter(({ parts }) => parts.platform === platform)
    .flatMap(({ file, parts }) =>
      parts.parts.filter(({ image }) => image === name).map((part) => ({ file, part, from: parts })),
    );
  const right = there.filter(({ part }) => part.contentKey === contentKey);
  const digests = [...new Set(right.map(({ part }) => part.digest))];
  if (right[0] !== undefined && digests.length === 1) return right[0].part;
  if (digests.length > 1) {
    return {
      code: "part-twice",
      path,
      message: `was built ${digests.length} times: ${right.map(({ file, part }) => `${part.digest} in ${file}`).join(", ")}`,
      hint: "Remove the files that do not count; one of them is enough.",
    };
  }
  const [other] = there;
  if (other === undefined) {
    const had = [...new Set(files.map(({ parts }) => parts.platform))].sort();
    return {
      code: "part-missing",
      path,
      message: `no part is there${had.length === 0 ? "" : ` (there are parts for ${had.join(", ")})`}`,
      hint: `Build it on a machine of that platform, and merge again: ${again}`,
    };
  }
  return {
    code: "part-other-content",
    path,
    message:
      `${other.file} is made of ${other.part.contentKey.slice(0, 12)} (commit ${other.from.revision.slice(0, 12)}), ` +
      `and this checkout's plan wants ${contentKey.slice(0, 12)}`,
    hint:
      "Commit, settings and environment have to be the same everywhere; a FROM tag or a newest version that " +
      `moved meanwhile counts too. Build every platform again from this checkout: ${again}`,
  };
}
