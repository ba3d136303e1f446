import { z } from "zod";
import * as grammar from "./grammar";
import { verifySchema } from "./sign-schema";

const images = z
  .array(grammar.imageName)
  .min(1, { error: "has no entry; leave it out for all images" })
  .optional();

export const promoteSchema = z
  .strictObject({
    from: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,100}$/, { error: "is not a stack's name" })
      .optional()
      .describe("The stack of this project whose last release is taken, by its manifest. @example stage"),
    statement: grammar.releaseName
      .optional()
      .describe(
        "Instead of `from`: a version, taken by its release statement in a registry. @example v1.2.3",
      ),
    registry: z
      .strictObject({
        host: grammar.host.describe("Host, with its port. @example ghcr.io"),
        namespace: grammar.namespace
          .default("")
          .describe("Path between the host and an image's name. @default none"),
      })
      .meta({ what: "a registry: { host: …, namespace: … }" })
      .optional()
      .describe("The registry to read the statement from. @default the first registry"),
    images: images.describe("Only these images; the others stay as they were promoted last. @default all"),
    verify: verifySchema
      .optional()
      .describe("What has to be verified before anything of a release is copied. @default nothing"),
  })
  .meta({ what: "a promotion: { from: stage } or { statement: v1.2.3 }" });

export const rollbackSchema = z
  .strictObject({
    to: grammar.releaseName
      .optional()
      .describe("The version that floating tags go back to. @default none, tags stay @example v1.2.2"),
    bad: z
      .array(grammar.releaseName)
      .default([])
      .describe(
        "Versions that never count as the newest, now and in later releases. @default none @example [v1.2.3]",
      ),
    images: images.describe("Only these images go back. @default every image that has such a version"),
  })
  .meta({ what: "a rollback: { to: v1.2.2, bad: [v1.2.3] }" });
