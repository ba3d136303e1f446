import { z } from "zod";
import * as grammar from "./grammar";
import { imageSchema } from "./image-schema";

const { context, target, buildArgs, extraLabels, provenance, sbom, attestations, cacheFrom, cacheTo } =
  imageSchema.shape;

/** `slipway:base`: one more image, found again by what it is made of. */
export const baseSchema = z
  .strictObject({
    name: grammar.imageName
      .optional()
      .describe("The base's name here. @default the first image's name and -base"),
    repository: grammar.imageName
      .optional()
      .describe("Repository's name in the registries. @default the first image's"),
    dockerfile: z
      .string()
      .min(1, { error: "is empty" })
      .default("Dockerfile.base")
      .describe("The base's Dockerfile, relative to the context. @default Dockerfile.base"),
    include: z
      .array(grammar.glob)
      .min(1, { error: "has no entry; name what the base is made of besides its Dockerfile" })
      .meta({ what: "a list of files and patterns: [rootfs/**, entrypoint*.sh]" })
      .describe(
        "Files besides the Dockerfile that make up the base's hash, in this order, relative to the context; `**` is everything below a folder, without junk such as .DS_Store. @example [rootfs/**, entrypoint*.sh]",
      ),
    hash: z
      .string()
      .regex(/^[0-9a-f]{12}$/, { error: "is not the hash of a base: 12 hex digits, such as 3f2a9c01b7de" })
      .optional()
      .describe(
        "Pins the base: base-<hash> is taken instead of the computed one. Usually it comes from BASE_HASH.",
      ),
    platforms: imageSchema.shape.platforms.describe("What the base is built for. @default the first image's"),
    context,
    target,
    buildArgs,
    extraLabels,
    provenance,
    sbom,
    attestations,
    cacheFrom,
    cacheTo,
  })
  .meta({ what: "a base: { dockerfile: Dockerfile.base, include: [rootfs/**] }" });

/** One entry of `slipway:variants`: the stack's image again, with other build arguments and a suffix on every tag. */
export const variantSchema = z
  .strictObject({
    suffix: z
      .string()
      .regex(/^(?:[._-][A-Za-z0-9._-]{0,63})?$/, {
        error: "is not a suffix of tags: empty, or one of . _ - and then letters, digits and . _ -",
      })
      .describe("What each of the variant's tags ends in; empty for the plain one. @example -slim"),
    buildArgs: buildArgs.describe("Added to the image's build arguments, over which they win. @default none"),
    target,
  })
  .meta({ what: 'a variant: { suffix: "-slim", buildArgs: … }' });
