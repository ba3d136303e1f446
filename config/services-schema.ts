import { z } from "zod";
import * as grammar from "./grammar";
import { imageSchema } from "./image-schema";

/** What stands for a service's name in a service's own settings. */
export const NAME_PLACEHOLDER = "{{name}}";

const template = z.string().min(1, { error: "is empty" });

/** One image a service: what is written once holds for each of them, with `{{name}}` for its name. */
export const servicesSchema = imageSchema
  .omit({
    name: true,
    repository: true,
    context: true,
    dockerfile: true,
    target: true,
    secrets: true,
    description: true,
  })
  .extend({
    list: grammar.projectPath.describe(
      "The file that lists the services, one name a line, # for comments; relative to the project. @example infra/docker/services.list",
    ),
    filter: z
      .array(grammar.imageName)
      .default([])
      .describe(
        "Release only these services; the others stay as they are. Usually CI_SERVICES or `slipway up --services` says it. @default all",
      ),
    repository: template
      .default(NAME_PLACEHOLDER)
      .describe("A service's repository, after host and namespace. @default {{name}}"),
    context: template
      .default(".")
      .describe(
        "Folder of a service's build context, relative to the project. A service is built again when a file of its context changes. @default . @example services/{{name}}",
      ),
    dockerfile: template
      .default("Dockerfile")
      .describe("The Dockerfile of all services, relative to the project. @default Dockerfile"),
    target: template
      .optional()
      .describe("The Dockerfile's stage of a service. @default {{name}}, or the last one where arg is set"),
    arg: grammar.buildArgName
      .optional()
      .describe("A build argument that gets the service's name. @default none @example SERVICE"),
    tags: z
      .array(grammar.line)
      .default(["type=ref,event=tag"])
      .describe(
        "Tag rules in docker/metadata-action's syntax. The default is the release's own name (CI_IMAGE_TAG), written once. @default type=ref,event=tag",
      ),
    flavor: z
      .array(grammar.line)
      .default(["latest=false"])
      .describe("What holds for all rules. @default latest=false"),
    labels: z
      .enum(["release", "none"])
      .default("none")
      .describe(
        "`none`: an unchanged service keeps its digest and gets the new tag without a build. `release` bakes version, revision and date in, so that every release builds. @default none",
      ),
  })
  .meta({ what: "the services: { list: services.list, context: services/{{name}} }" });
