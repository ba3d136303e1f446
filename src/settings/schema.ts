import { z } from "zod";
import { GENERIC_VARIABLES } from "./environment-table";
import { githubSchema } from "./github-schema";
import * as grammar from "./grammar";
import { baseSchema, checkSchema, imageSchema, laneSchema, variantSchema } from "./image-schema";
import { policySchema } from "./policy";
import { promoteSchema, rollbackSchema, signSchema } from "./sign-schema";

/**
 * Everything that a stack's file can say under `slipway:`, with every default. Rules that look at more than one value
 * are in `rules.ts`. `meta.what` completes "is required; expected …" and "is not …".
 */

const registrySchema = z
  .strictObject({
    host: grammar.host.describe("Host, with its port. @example ghcr.io"),
    namespace: grammar.namespace
      .default("")
      .describe("Path between the host and an image's name. @default none @example octo"),
    username: grammar.line
      .optional()
      .describe(
        "The user to log in as. @default GHCR_USERNAME, DOCKERHUB_USERNAME, … or Docker's own configuration",
      ),
    password: grammar.secret
      .optional()
      .describe(
        "Password or token, as secret configuration: pulumi config set --secret --path 'slipway:registries[0].password'. @default GHCR_TOKEN, DOCKERHUB_TOKEN, … or Docker's own configuration",
      ),
    optional: grammar.flag(
      false,
      "Skip this registry, with a notice, if there are no credentials for it. @default false",
    ),
    plainHttp: z
      .boolean()
      .optional()
      .describe("Plain HTTP instead of TLS. @default true for localhost, 127.0.0.0/8 and [::1], else false"),
    floatingTags: z
      .boolean()
      .optional()
      .describe(
        "Whether tags such as latest, 1 and 1.2 are set there. Set false for a registry with immutable tags. @default true",
      ),
    hub: grammar.origin
      .optional()
      .describe(
        "Where descriptions of its repositories go and `slipway prune` deletes tags: a server with Docker Hub's API. @default https://hub.docker.com for docker.io, else none",
      ),
    packages: grammar.origin
      .optional()
      .describe(
        "The GitHub server whose packages its repositories are, by whose API `slipway prune` deletes. @default https://github.com for ghcr.io, else none",
      ),
  })
  .meta({ what: "a registry: { host: …, namespace: … }" });

const builderSchema = z
  .strictObject({
    name: grammar.line.optional().describe("A buildx builder. @default buildx's current one"),
    concurrency: z
      .int({ error: "is not a whole number" })
      .min(1, { error: "is less than 1" })
      .optional()
      .describe("How many builds run at once. @default the engine's parallelism"),
  })
  .meta({ what: "a builder: { name: … }" });

export const writtenConfigSchema = z.strictObject({
  repository: grammar.githubRepository.optional().describe("The GitHub repository. @example octo/app"),
  version: grammar.releaseName
    .optional()
    .describe(
      "The version to release. Usually it comes from RELEASE_TAG or the tag at HEAD. @example v1.2.3",
    ),
  envPrefix: z
    .string()
    .regex(/^[A-Z_][A-Z0-9_]*$/, {
      error: "is not a prefix of environment variables: capitals, digits and _",
    })
    .optional()
    .describe("Variables are also read with this prefix, which wins. @example APP_RELEASE_"),
  variables: z
    .array(z.enum(GENERIC_VARIABLES))
    .optional()
    .describe(
      "Variables with generic names that are read too: TAG and VERSION (the version), PLATFORMS, SERVICES. With envPrefix " +
        "they are read in any case. @default none @example [TAG, PLATFORMS]",
    ),
  requireTag: grammar.flag(
    false,
    "Release only where HEAD is the version's tag and the working tree is clean. @default false",
  ),
  registries: z
    .array(registrySchema)
    .min(1, { error: "has no entry; name at least one registry" })
    .meta({ what: "a list of registries: [{ host: ghcr.io, namespace: octo }]" })
    .describe("Where images go. The first is the primary. All hold the same digests."),
  images: z
    .array(imageSchema)
    .min(1, { error: "has no entry; name at least one image" })
    .meta({ what: "a list of images: [{ name: app }]" })
    .describe("What is built and released."),
  lanes: z
    .array(laneSchema)
    .default([])
    .describe(
      "Independent families of tags of the same images, each with its own Dockerfile, format, floating tag and trigger. Every stack has to list all lanes. @default none",
    ),
  lane: z
    .string()
    .optional()
    .describe("The lane that this stack releases; required where there are lanes. @example standalone"),
  publishVersionTag: z
    .boolean()
    .optional()
    .describe(
      "`false`: no version tag is written. `true`: a release without a version is refused. @default as the tag rules say",
    ),
  checks: z
    .array(checkSchema)
    .default([])
    .describe(
      "Commands that have to succeed before anything is built; never run in a preview, nor if nothing would be written. @default none",
    ),
  only: z
    .array(grammar.imageName)
    .default([])
    .describe(
      "Release only these images, and what they are built FROM; the others, their tags and entries stay as they are. Usually it comes from `slipway up --services` or CI_SERVICES. @default all @example [api]",
    ),
  push: grammar.flag(true, "false: a dry run that only plans; no registry and no builder. @default true"),
  base: baseSchema
    .optional()
    .describe(
      "A base that the images are built FROM, tagged base-<hash> and built only where no registry has it; base-latest follows. @default none",
    ),
  variants: z
    .array(variantSchema)
    .min(1, { error: "has no entry; leave it out for one image without variants" })
    .meta({ what: 'a list of variants: [{ suffix: "" }, { suffix: "-slim", buildArgs: … }]' })
    .optional()
    .describe(
      "The stack's one image several times, with other build arguments and a suffix on every tag. By default it is then tagged with the git tag and latest, one build at a time. @default none",
    ),
  builder: builderSchema.default({}).describe("What builds. @default buildx's current builder"),
  sign: signSchema.prefault({}).describe("How releases are signed. @default { mode: key }"),
  promote: promoteSchema
    .optional()
    .describe(
      "Nothing is built: the stack promotes, by digest, what another stack or a signed statement verified. @default none",
    ),
  policy: policySchema
    .optional()
    .describe("The team's rules, each off, warn or refuse. @default as each rule says"),
  rollback: rollbackSchema
    .optional()
    .describe("Versions that are bad, and the one that floating tags go back to. @default none"),
  override: z
    .array(grammar.imageAndTag)
    .default([])
    .describe("Refused tags to write anyway, as image:tag. @example [app:latest]"),
  adopt: z
    .array(grammar.imageAndDigest)
    .default([])
    .describe(
      "Digests that you checked yourself and vouch for, image@digest: releases made by other tools or before signing. They count as verified. @default none @example [app@sha256:756867c07ffa…]",
    ),
  github: githubSchema
    .optional()
    .describe(
      "GitHub's side: workflows of a release stack; with `setup: true` the stack sets the repository up, and releases nothing. @default none",
    ),
  root: grammar.root
    .default(".")
    .describe(
      "The folder that contexts, Dockerfiles and other files are relative to, for a project in a folder of its own: upwards from Pulumi.yaml, inside the git repository. Checks run there. @default . @example ..",
    ),
  artifacts: grammar.projectPath
    .default("artifacts")
    .describe(
      "Folder for the release manifest and the reports, relative to Pulumi.yaml's folder. @default artifacts",
    ),
});

/** What a person wrote, with defaults. */
export type CheckedConfig = z.output<typeof writtenConfigSchema>;
