import { z } from "zod";
import { GENERIC_VARIABLES } from "./environment-table";
import { githubSchema } from "./github-schema";
import * as grammar from "./grammar";
import { baseSchema, checkSchema, imageSchema, laneSchema, variantSchema } from "./image-schema";
import type { Written } from "./paths";
import { policySchema, promoteSchema, rollbackSchema, signSchema } from "./trust-schema";

/**
 * Every setting below `slipway:`, with its default. Rules that look at more than one value are in `rules.ts`.
 * `meta.what` completes the messages "is required; expected …" and "is not …".
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
      "Skip this registry, with a notice, when there are no credentials for it. @default false",
    ),
    plainHttp: z
      .boolean()
      .optional()
      .describe("Plain HTTP instead of TLS. @default true for localhost, 127.0.0.0/8 and [::1], else false"),
    floatingTags: z
      .boolean()
      .optional()
      .describe(
        "Whether tags such as latest, 1 and 1.2 are written there. Set false for a registry with immutable tags. @default true",
      ),
    hub: grammar.origin
      .optional()
      .describe(
        "The server with Docker Hub's API that takes repository descriptions, and where `slipway prune` deletes tags. @default https://hub.docker.com for docker.io, else none",
      ),
    packages: grammar.origin
      .optional()
      .describe(
        "The GitHub server whose packages its repositories are; `slipway prune` deletes them through its API. @default https://github.com for ghcr.io, else none",
      ),
  })
  .meta({ what: "a registry: { host: …, namespace: … }" });

const builderSchema = z
  .strictObject({
    name: grammar.line.optional().describe("The buildx builder to use. @default buildx's current one"),
    concurrency: grammar
      .wholeNumber(1)
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
  envPrefix: grammar
    .text(/^[A-Z_][A-Z0-9_]*$/, "is not a prefix of environment variables: capitals, digits and _")
    .optional()
    .describe("Variables are also read with this prefix, which wins. @example APP_RELEASE_"),
  variables: z
    .array(z.enum(GENERIC_VARIABLES))
    .optional()
    .describe(
      "Generic variables to read without the prefix too: TAG and VERSION (the version), PLATFORMS, SERVICES. With envPrefix " +
        "they are always read. @default none @example [TAG, PLATFORMS]",
    ),
  requireTag: grammar.flag(
    false,
    "Release only where HEAD is the version's tag and the working tree is clean. @default false",
  ),
  registries: grammar
    .listOf(registrySchema, "name at least one registry")
    .meta({ what: "a list of registries: [{ host: ghcr.io, namespace: octo }]" })
    .describe(
      "Where images are pushed. The first registry is the primary; all of them get the same digests.",
    ),
  images: grammar
    .listOf(imageSchema, "name at least one image")
    .meta({ what: "a list of images: [{ name: app }]" })
    .describe("The images to build and release."),
  lanes: z
    .array(laneSchema)
    .default([])
    .describe(
      "Independent families of tags for the same images, each with its own Dockerfile, format, floating tag and trigger. Every stack has to list all lanes. @default none",
    ),
  lane: z
    .string()
    .optional()
    .describe("The lane that this stack releases; required with `lanes`. @example standalone"),
  publishVersionTag: z
    .boolean()
    .optional()
    .describe(
      "`false`: write no version tag. `true`: refuse a release without a version. @default as the tag rules say",
    ),
  checks: z
    .array(checkSchema)
    .default([])
    .describe(
      "Commands that must succeed before anything is built. They do not run in a preview, or when there is nothing to write. @default none",
    ),
  only: z
    .array(grammar.imageName)
    .default([])
    .describe(
      "Release only these images and those they are built FROM; the others and their tags stay as they are. Usually set by `slipway up --services` or CI_SERVICES. @default all @example [api]",
    ),
  push: grammar.flag(true, "false: a dry run that only plans, without registry or builder. @default true"),
  base: baseSchema
    .optional()
    .describe(
      "A base that the images are built FROM, tagged base-<hash> and built only if no registry has it. The tag base-latest follows the newest release. @default none",
    ),
  variants: grammar
    .listOf(variantSchema, "leave it out for one image without variants")
    .meta({ what: 'a list of variants: [{ suffix: "" }, { suffix: "-slim", buildArgs: … }]' })
    .optional()
    .describe(
      "Builds the stack's one image several times, with other build arguments and a suffix on every tag. Its default tags are then the git tag and latest, and builds run one at a time. @default none",
    ),
  builder: builderSchema
    .default({})
    .describe("Which builder to use, and how many builds run at once. @default buildx's current builder"),
  sign: signSchema.prefault({}).describe("How releases are signed. @default { mode: key }"),
  promote: promoteSchema
    .optional()
    .describe(
      "Build nothing, and promote by digest what another stack released or a signed statement names. @default none",
    ),
  policy: policySchema
    .optional()
    .describe("Your team's rules, each off, warn or refuse. @default as each rule says"),
  rollback: rollbackSchema
    .optional()
    .describe("Bad versions, and the version that floating tags go back to. @default none"),
  override: z
    .array(grammar.imageAndTag)
    .default([])
    .describe("Refused tags to write anyway, as image:tag. @example [app:latest]"),
  adopt: z
    .array(grammar.imageAndDigest)
    .default([])
    .describe(
      "Digests that you have checked yourself, as image@digest, for releases that other tools made or that were not signed. They count as verified. @default none @example [app@sha256:756867c07ffa…]",
    ),
  github: githubSchema
    .optional()
    .describe(
      "The stack's workflow files. With `setup: true`, the stack sets up the GitHub repository and releases nothing. @default none",
    ),
  root: grammar.root
    .default(".")
    .describe(
      "For a project in a subfolder: the folder that contexts, Dockerfiles and other files are relative to, at or above Pulumi.yaml and inside the git repository. Checks run there. @default . @example ..",
    ),
  artifacts: grammar.projectPath
    .default("artifacts")
    .describe(
      "Folder for the release manifest and the reports, relative to Pulumi.yaml's folder. @default artifacts",
    ),
});

/** Settings that passed the schema, with defaults. */
export type CheckedConfig = z.output<typeof writtenConfigSchema>;

/**
 * Settings as the engine passes them, parsed: it passes every value as a text, and lists, mappings, numbers and booleans
 * as JSON. A setting that is a text stays one. What cannot be parsed stays as it is, for the schema to report.
 */
export function decodeWritten(written: Written): Record<string, unknown> {
  const shape: Readonly<Record<string, z.ZodType>> = writtenConfigSchema.shape;
  return Object.fromEntries(
    Object.entries(written).map(([key, value]) => {
      const schema = Object.hasOwn(shape, key) ? shape[key] : undefined;
      return [key, schema === undefined ? value : decodeValue(schema, value)];
    }),
  );
}

function decodeValue(schema: z.ZodType, value: unknown): unknown {
  if (withoutDefault(schema) instanceof z.ZodString) {
    return typeof value === "number" || typeof value === "boolean" ? String(value) : value;
  }
  if (typeof value !== "string") return value;
  try {
    const decoded: unknown = JSON.parse(value);
    return decoded;
  } catch {
    return value;
  }
}

/** The schema inside `.default(…)` and `.optional()`. */
export function withoutDefault(schema: z.ZodType): z.ZodType {
  if (!(schema instanceof z.ZodDefault || schema instanceof z.ZodOptional)) return schema;
  const inner = schema.unwrap();
  return inner instanceof z.ZodType ? withoutDefault(inner) : schema;
}
