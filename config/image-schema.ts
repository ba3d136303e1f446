import { z } from "zod";
import { SHORT_LIMIT } from "../plan/description";
import { isReference } from "../plan/reference";
import { NPM_SOURCE_PATTERN } from "../plan/versions";
import * as grammar from "./grammar";
import { PLATFORMS } from "./grammar";

/** The SBOM generator of `sbom: true`, which is BuildKit's default. */
export const DEFAULT_SBOM_GENERATOR = "docker.io/docker/buildkit-syft-scanner:stable-1";

const pin = grammar.line
  .optional()
  .describe("A value that beats the one found; the plan shows how they differ. @default none");

const buildArg = z
  .union([
    z.string().describe("The value itself."),
    z.int().describe("The value itself. Write versions in quotes: 1.10 and 1.1 are the same number."),
    z.boolean().describe("The value itself: `true` or `false`."),
    z
      .strictObject({
        file: grammar.projectPath.describe("A file of KEY=value lines, relative to the project."),
        key: grammar.buildArgName.optional().describe("The key in that file. @default the argument's name"),
        pin,
      })
      .describe(
        "The value of a key in a file; the plan is refused where it is missing. @example { file: VERSIONS.env }",
      ),
    z
      .strictObject({
        latestOf: z
          .string()
          .regex(NPM_SOURCE_PATTERN, { error: "is not npm:<package> or npm:<package>@<tag>" })
          .describe("`npm:<package>`, or `npm:<package>@<tag>`."),
        pin,
      })
      .describe(
        "The newest version in a package registry, resolved when planning. @example { latestOf: npm:zod }",
      ),
  ])
  .meta({ what: "a text, a whole number, true, false, { file: … } or { latestOf: npm:… }" });

export const rule = grammar.line.meta({ what: "a line of docker/metadata-action's syntax" });

export const imageSchema = z
  .strictObject({
    name: grammar.imageName.describe(
      "What the image is called here, and its repository's name. @example app",
    ),
    repository: grammar.imageName
      .optional()
      .describe(
        "Repository's name in the registries, after host and namespace, where several images share one. @default the name",
      ),
    base: grammar.imageName
      .optional()
      .describe(
        "Name of another image of this stack that this one is built FROM: its Dockerfile begins with `ARG BASE_IMAGE` and a FROM that takes it. @default the stack's `base`, for a stack with one image",
      ),
    context: grammar.projectPath
      .default(".")
      .describe("Folder of the build context, relative to the project. @default ."),
    dockerfile: z
      .string()
      .min(1, { error: "is empty" })
      .default("Dockerfile")
      .describe(
        "The Dockerfile, relative to the context; it may lie anywhere in the project. @default Dockerfile",
      ),
    target: grammar.stageName.optional().describe("The Dockerfile's stage to build. @default the last one"),
    platforms: z
      .array(z.enum(PLATFORMS))
      .min(1, { error: "has no entry; name at least one platform" })
      .default(["linux/amd64", "linux/arm64"])
      .describe("What is built for. @default [linux/amd64, linux/arm64]"),
    buildArgs: z
      .record(grammar.buildArgName, buildArg)
      .default({})
      .describe("Build arguments. Provenance makes them public: no secrets. @default none"),
    tags: z
      .array(rule)
      .default([
        "type=semver,pattern={{version}}",
        "type=semver,pattern={{major}}.{{minor}}",
        "type=semver,pattern={{major}}",
        "type=sha",
      ])
      .describe(
        "Tag rules in docker/metadata-action's own syntax. An empty list means what it means there: schedule, branch, tag and pull request. @default {{version}}, {{major}}.{{minor}}, {{major}} and type=sha",
      ),
    flavor: z
      .array(rule)
      .default([])
      .describe("What holds for all rules, in docker/metadata-action's syntax. @default latest=auto"),
    labels: z
      .enum(["release", "none"])
      .default("release")
      .describe(
        "`release` bakes version, revision and the commit's date in. `none` makes content that later releases can carry over without a build. @default release",
      ),
    extraLabels: z
      .array(grammar.label)
      .default([])
      .describe(
        "Your own labels, which win over computed ones. @example [org.opencontainers.image.vendor=Octo]",
      ),
    provenance: grammar.flag(true, "Attach provenance in max mode. @default true"),
    sbom: z
      .union([z.boolean(), grammar.line])
      .meta({ what: "true, false or the image of an SBOM generator" })
      .refine((value) => typeof value !== "string" || isReference(value), {
        error: "is not the image of an SBOM generator",
      })
      .default(true)
      .describe(
        `Attach an SBOM: true for ${DEFAULT_SBOM_GENERATOR} where it can be reached, a generator's image that has to be reached, or false for none. @default true`,
      ),
    attestations: z
      .enum(["index", "referrers"])
      .default("index")
      .describe(
        "Where provenance and SBOM are: `index`, inside the image's index, as `unknown/unknown`; or `referrers`, beside it, for consumers that take every entry of an index for a platform. @default index",
      ),
    cacheFrom: z
      .array(grammar.line)
      .default([])
      .describe("Caches to read, in buildx's syntax. @example [type=registry,ref=ghcr.io/octo/app:cache]"),
    cacheTo: z
      .array(grammar.line)
      .default([])
      .describe(
        "Caches to write, in buildx's syntax; a cache that fails never fails a release. @default none",
      ),
    secrets: z
      .record(grammar.secretId, grammar.secret)
      .default({})
      .describe(
        "Build secrets for `RUN --mount=type=secret`: id to value. Set them with: pulumi config set --secret --path 'slipway:images[0].secrets.ID'",
      ),
    description: z
      .strictObject({
        file: grammar.projectPath.describe(
          "A Markdown file of at most 25000 bytes, relative to the project. @example DOCKER_HUB.md",
        ),
        short: grammar.line
          .refine((text) => [...text].length <= SHORT_LIMIT, {
            error: (issue) =>
              `has ${[...String(issue.input)].length} characters, and Docker Hub takes ${SHORT_LIMIT} at most`,
          })
          .optional()
          .describe("The one line in lists, at most 100 characters. @default it stays as it is"),
      })
      .meta({ what: 'a description: { file: DOCKER_HUB.md, short: "…" }' })
      .optional()
      .describe(
        "What Docker Hub says of the image's repository, written after every tag by a release that moves its floating tags. @default it stays as it is",
      ),
    salt: grammar.line
      .optional()
      .describe("Any text: another one builds the same content again. @default none"),
  })
  .meta({ what: "an image: { name: …, context: … }" });

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
