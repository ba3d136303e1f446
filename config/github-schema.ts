import { z } from "zod";
import { workflowsSchema } from "./workflows-schema";

export const githubSchema = z
  .strictObject({
    workflows: workflowsSchema
      .optional()
      .describe("The workflow files that `slipway workflows` writes for this stack. @default none"),
  })
  .meta({ what: "settings for GitHub: { workflows: … }" });
