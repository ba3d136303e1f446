import { z } from "zod";
import { inspectImages as inspect } from "../../registry/inspect-images";
import { parseInputs } from "../resource";
import type { ProviderFunction } from ".";

const args = z.object({
  /** `host/path:tag` or `host/path@digest` each. */
  references: z.array(z.string()),
});

/** What references are, with their release statements, for promotions and rollbacks. */
export const inspectImages: ProviderFunction = async (context, properties) => {
  const { references } = parseInputs("inspectImages", args, properties);
  return inspect(references, (host) => context.registries.connect(host).client);
};
