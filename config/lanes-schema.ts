import { z } from "zod";
import * as grammar from "./grammar";
import { rule } from "./image-schema";

/** A lane's tags: everything before the version. */
const FORMAT = /^([A-Za-z0-9_][A-Za-z0-9._-]*)?X\.Y\.Z$/;
const FLOATING = /^(?:[A-Za-z0-9_][A-Za-z0-9._-]*)?latest[A-Za-z0-9._-]*$/;
const TRIGGER = /^[A-Za-z0-9_][A-Za-z0-9._+/@-]*\*$/;

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
