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
        pin: pin
          .refine((text) => text === undefined || parseVersion(text)?.scheme === "semver", {
            error: "is not a version such as 1.4.2; a tag or a range would be another one tomorrow",
          })
          .describe(
            "A version that beats the newest one; the plan shows how they differ. @default the variable of the argument's name",
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
      .refine(
        (value) =>
          typeof value !== "string" || (isReference(value) && grammar.meantFlag(value) === undefined),
        { error: ({ input }) => `is not the image of an SBOM generator${grammar.flagSuggestion(input)}` },
      )
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
    contexts: z
      .record(grammar.contextName, grammar.contextSource)
      .optional()
      .describe(
        'Named build contexts for FROM, `COPY --from=` and `--mount=from=`: a folder relative to the image\'s context, inside the project; docker-image:// and an image; or a Git address with its commit. @default none @example { shared: ../shared, tools: "docker-image://alpine:3.20" }',
      ),
    ssh: z
      .array(grammar.sshId)
      .optional()
      .describe(
        "Ids for `RUN --mount=type=ssh`. Each takes the agent at SSH_AUTH_SOCK, which no state records. @default none @example [default]",
      ),
    network: z
      .enum(["default", "none", "host"])
      .optional()
      .describe(
        "The network of RUN lines: the builder's, none, or that of the builder's machine, which the builder has to allow. @default default",
      ),
    extraHosts: z
      .record(grammar.hostName, grammar.hostAddress)
      .optional()
      .describe(
        "Hosts that RUN lines know besides: name to IP address, or `host-gateway` for the builder's machine. @default none",
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

/** A lane's tags: everything before the version. */
const FORMAT = /^([A-Za-z0-9_][A-Za-z0-9._-]*)?X\.Y\.Z$/;
const FLOATING = /^(?:[A-Za-z0-9_][A-Za-z0-9._-]*)?latest[A-Za-z0-9._-]*$/;
const TRIGGER = /^@?[A-Za-z0-9_][A-Za-z0-9._+/@-]*\*$/;

export const laneSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]*$/, { error: "is not a lane's name: lower-case letters, digits and -" })
      .describe("The lane's name, as in `slipway:lane`. @example standalone"),
    format: z
      .string()
      .regex(FORMAT, { error: "is not a version's format, such as vX.Y.Z or standalone-vX.Y.Z" })
      .describe("How the lane's versions are written as image tags. @example standalone-vX.Y.Z"),
    trigger: z
      .string()
      .regex(TRIGGER, { error: "is not the beginning of a git tag and *, such as docker-v*" })
      .describe("The git tags that release the lane; * is the version. @example docker-v*"),
    floating: z
      .string()
      .regex(FLOATING, { error: "is not latest, with or without a prefix or suffix" })
      .describe("The tag that points to the lane's newest version. @example standalone-latest"),
    tags: z
      .array(rule)
      .default([])
      .describe("Further tag rules, as an image's `tags`. @default the format and the floating tag alone"),
    context: grammar.projectPath.optional().describe("In place of the image's. @default the image's"),
    dockerfile: grammar.projectPath.optional().describe("In place of the image's. @default the image's"),
    target: grammar.stageName.optional().describe("In place of the image's. @default the image's"),
  })
  .meta({ what: "a lane: { name: …, format: vX.Y.Z, trigger: docker-v*, floating: latest }" });

export type CheckedLane = z.output<typeof laneSchema>;

export const checkSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._: -]*$/, {
        error: "is not a check's name: letters, digits and . _ : -",
      })
      .describe("The check's name. @example build"),
    run: z
      .array(grammar.line)
      .min(1, { error: "has no entry; expected a program and its arguments" })
      .meta({ what: "a program and its arguments as a list: [npm, run, build]" })
      .describe(
        "Program and arguments, run in the project's folder without a shell. @example [npm, run, build]",
      ),
  })
  .meta({ what: "a check: { name: build, run: [npm, run, build] }" });
