import { z } from "zod";
import { SHORT_LIMIT } from "../plan/description";
import { isReference } from "../plan/reference";
import { NPM_SOURCE_PATTERN, parseVersion } from "../plan/versions";
import * as grammar from "./grammar";
import { PLATFORMS } from "./grammar";

/** The SBOM generator of `sbom: true`, which is BuildKit's default. */
export const DEFAULT_SBOM_GENERATOR = "docker.io/docker/buildkit-syft-scanner:stable-1";

const pin = grammar.line
  .optional()
  .describe("A value to use instead of the one found; the plan shows the difference. @default none");

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
        "The value of a key in a file; the release is refused if the key is missing. @example { file: VERSIONS.env }",
      ),
    z
      .strictObject({
        latestOf: grammar
          .text(NPM_SOURCE_PATTERN, "is not npm:<package> or npm:<package>@<tag>")
          .describe("`npm:<package>`, or `npm:<package>@<tag>`."),
        pin: pin
          .refine((text) => text === undefined || parseVersion(text)?.scheme === "semver", {
            error: "is not a version such as 1.4.2; a tag or range can mean another version later",
          })
          .describe(
            "A version to use instead of the newest one; the plan shows the difference. @default the variable of the argument's name",
          ),
      })
      .describe(
        "The newest version in a package registry, resolved when planning. The variable of the argument's name pins it. @example { latestOf: npm:zod }",
      ),
  ])
  .meta({ what: "a text, a whole number, true, false, { file: … } or { latestOf: npm:… }" });

const rule = grammar.line.meta({ what: "a line of docker/metadata-action's syntax" });

export const imageSchema = z
  .strictObject({
    name: grammar.imageName.describe(
      "The image's name in these settings, and its repository's name. @example app",
    ),
    repository: grammar.imageName
      .optional()
      .describe(
        "The repository's name in the registries, after host and namespace, if several images share one. @default the name",
      ),
    base: grammar.imageName
      .optional()
      .describe(
        "Another image of this stack that this one is built FROM: the Dockerfile begins with `ARG BASE_IMAGE` and a FROM that uses it. @default the stack's `base`, for a stack with one image",
      ),
    context: grammar.projectPath
      .default(".")
      .describe("The folder of the build context, relative to the project. @default ."),
    dockerfile: z
      .string()
      .min(1, { error: "is empty" })
      .default("Dockerfile")
      .describe(
        "The Dockerfile, relative to the context; it may be anywhere in the project. @default Dockerfile",
      ),
    target: grammar.stageName.optional().describe("The Dockerfile's stage to build. @default the last one"),
    platforms: grammar
      .listOf(z.enum(PLATFORMS), "name at least one platform")
      .default(["linux/amd64", "linux/arm64"])
      .describe("The platforms to build for. @default [linux/amd64, linux/arm64]"),
    buildArgs: z
      .record(grammar.buildArgName, buildArg)
      .default({})
      .describe(
        "Build arguments. They are public in the provenance, so never put secrets here. @default none",
      ),
    tags: z
      .array(rule)
      .default([
        "type=semver,pattern={{version}}",
        "type=semver,pattern={{major}}.{{minor}}",
        "type=semver,pattern={{major}}",
        "type=sha",
      ])
      .describe(
        "Tag rules in docker/metadata-action's syntax. An empty list means its default rules: schedule, branch, tag and pull request. @default {{version}}, {{major}}.{{minor}}, {{major}} and type=sha",
      ),
    flavor: z
      .array(rule)
      .default([])
      .describe("Options for all tag rules, in docker/metadata-action's syntax. @default latest=auto"),
    labels: z
      .enum(["release", "none"])
      .default("release")
      .describe(
        "`release` puts version, revision and the commit's date into the image. With `none`, later releases can reuse the content without a build. @default release",
      ),
    extraLabels: z
      .array(grammar.label)
      .default([])
      .describe(
        "Your own labels; they override computed ones. @example [org.opencontainers.image.vendor=Octo]",
      ),
    provenance: grammar.flag(true, "Attach provenance in max mode. @default true"),
    sbom: z
      .union([z.boolean(), grammar.line])
      .meta({ what: "true, false or the image of an SBOM generator" })
      .refine(
        (value) =>
          typeof value !== "string" || (isReference(value) && grammar.meantFlag(value) === undefined),
        { error: ({ input }) => `is not the image of an SBOM generator${grammar.flagSuggestion(input)}` },
      )
      .default(true)
      .describe(
        `Attach an SBOM. true: by ${DEFAULT_SBOM_GENERATOR}, if it can be reached; a generator's image: by that one, which must be reachable; false: no SBOM. @default true`,
      ),
    attestations: z
      .enum(["index", "referrers"])
      .default("index")
      .describe(
        "Where provenance and SBOM are stored: `index`, in the image's index as `unknown/unknown`, or `referrers`, beside it, for consumers that mistake every entry of an index for a platform. @default index",
      ),
    cacheFrom: z
      .array(grammar.line)
      .default([])
      .describe("Caches to read, in buildx's syntax. @example [type=registry,ref=ghcr.io/octo/app:cache]"),
    cacheTo: z
      .array(grammar.line)
      .default([])
      .describe(
        "Caches to write, in buildx's syntax. A cache that cannot be written does not fail the release. @default none",
      ),
    secrets: z
      .record(grammar.secretId, grammar.secret)
      .default({})
      .describe(
        "Build secrets for `RUN --mount=type=secret`, by id. Set one with: pulumi config set --secret --path 'slipway:images[0].secrets.ID'",
      ),
    contexts: z
      .record(grammar.contextName, grammar.contextSource)
      .optional()
      .describe(
        'Named build contexts for FROM, `COPY --from=` and `--mount=from=`: a folder of the project, relative to the image\'s context; docker-image:// and an image; or a Git address with its commit. @default none @example { shared: ../shared, tools: "docker-image://alpine:3.20" }',
      ),
    ssh: z
      .array(grammar.sshId)
      .optional()
      .describe(
        "Ids for `RUN --mount=type=ssh`. Each uses the ssh agent at SSH_AUTH_SOCK, which is not stored in the stack's state. @default none @example [default]",
      ),
    network: z
      .enum(["default", "none", "host"])
      .optional()
      .describe(
        "The network of RUN instructions: the builder's, none, or the network of the builder's host, which the builder must allow. @default default",
      ),
    extraHosts: z
      .record(grammar.hostName, grammar.hostAddress)
      .optional()
      .describe(
        "Further hosts for RUN instructions: name to IP address, or `host-gateway` for the builder's host. @default none",
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
          .describe("The line shown in lists, at most 100 characters. @default left as it is"),
      })
      .meta({ what: 'a description: { file: DOCKER_HUB.md, short: "…" }' })
      .optional()
      .describe(
        "The description of the image's repository on Docker Hub. A release that moves floating tags writes it, after all tags. @default left as it is",
      ),
    salt: grammar.line.optional().describe("Any text. Changing it rebuilds the same content. @default none"),
  })
  .meta({ what: "an image: { name: …, context: … }" });

const { context, target, buildArgs, extraLabels, provenance, sbom, attestations, cacheFrom, cacheTo } =
  imageSchema.shape;

/** `slipway:base`: one more image, identified by a hash of its files. */
export const baseSchema = z
  .strictObject({
    name: grammar.imageName
      .optional()
      .describe("The base's name in these settings. @default the first image's name and -base"),
    repository: grammar.imageName
      .optional()
      .describe("The repository's name in the registries. @default the first image's"),
    dockerfile: z
      .string()
      .min(1, { error: "is empty" })
      .default("Dockerfile.base")
      .describe("The base's Dockerfile, relative to the context. @default Dockerfile.base"),
    include: grammar
      .listOf(grammar.glob, "name the files of the base besides its Dockerfile")
      .meta({ what: "a list of files and patterns: [rootfs/**, entrypoint*.sh]" })
      .describe(
        "Files that go into the base's hash after its Dockerfile, in this order, relative to the context. `**` is everything below a folder, without junk such as .DS_Store. @example [rootfs/**, entrypoint*.sh]",
      ),
    hash: grammar
      .text(/^[0-9a-f]{12}$/, "is not the hash of a base: 12 hex digits, such as 3f2a9c01b7de")
      .optional()
      .describe("Pins the base: uses base-<hash> instead of the computed hash. Usually set by BASE_HASH."),
    platforms: imageSchema.shape.platforms.describe(
      "The platforms to build the base for. @default the first image's",
    ),
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
    suffix: grammar
      .text(
        /^(?:[._-][A-Za-z0-9._-]{0,63})?$/,
        "is not a suffix of tags: empty, or one of . _ - and then letters, digits and . _ -",
      )
      .describe("The end of each of the variant's tags; empty for the plain variant. @example -slim"),
    buildArgs: buildArgs.describe("Further build arguments; they override the image's. @default none"),
    target,
  })
  .meta({ what: 'a variant: { suffix: "-slim", buildArgs: … }' });

/** The texts of a lane end in the version, or in `*` for it. */
const FORMAT = /^([A-Za-z0-9_][A-Za-z0-9._-]*)?X\.Y\.Z$/;
const FLOATING = /^(?:[A-Za-z0-9_][A-Za-z0-9._-]*)?latest[A-Za-z0-9._-]*$/;
const TRIGGER = /^@?[A-Za-z0-9_][A-Za-z0-9._+/@-]*\*$/;

export const laneSchema = z
  .strictObject({
    name: grammar
      .text(/^[a-z0-9][a-z0-9-]*$/, "is not a lane's name: lower-case letters, digits and -")
      .describe("The lane's name, as in `slipway:lane`. @example standalone"),
    format: grammar
      .text(FORMAT, "is not a version's format, such as vX.Y.Z or standalone-vX.Y.Z")
      .describe("The form of the lane's version tags. @example standalone-vX.Y.Z"),
    trigger: grammar
      .text(TRIGGER, "is not the beginning of a git tag and *, such as docker-v*")
      .describe("The git tags that release the lane; * stands for the version. @example docker-v*"),
    floating: grammar
      .text(FLOATING, "is not latest, with or without a prefix or suffix")
      .describe("The tag that points to the lane's newest version. @example standalone-latest"),
    tags: z
      .array(rule)
      .default([])
      .describe(
        "Further tag rules, like an image's `tags`. @default none besides the format and the floating tag",
      ),
    context: grammar.projectPath.optional().describe("Overrides the image's context. @default the image's"),
    dockerfile: grammar.projectPath
      .optional()
      .describe("Overrides the image's Dockerfile. @default the image's"),
    target: grammar.stageName.optional().describe("Overrides the image's target. @default the image's"),
  })
  .meta({ what: "a lane: { name: …, format: vX.Y.Z, trigger: docker-v*, floating: latest }" });

export type CheckedLane = z.output<typeof laneSchema>;

export const checkSchema = z
  .strictObject({
    name: grammar
      .text(/^[A-Za-z0-9][A-Za-z0-9._: -]*$/, "is not a check's name: letters, digits and . _ : -")
      .describe("The check's name. @example build"),
    run: grammar
      .listOf(grammar.line, "expected a program and its arguments")
      .meta({ what: "a program and its arguments as a list: [npm, run, build]" })
      .describe(
        "Program and arguments, run without a shell in the folder that `root` names. @example [npm, run, build]",
      ),
  })
  .meta({ what: "a check: { name: build, run: [npm, run, build] }" });
