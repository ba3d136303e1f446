import { z } from "zod";
import { resolveImageDigests } from "../../registry/resolve-images";
import { parseInputs } from "../resource";
import type { ProviderFunction } from ".";

const args = z.object({
  /** Image references as a Dockerfile names them. */
  references: z.array(z.string()),
});

/** Base images -> the digests they point to now. Those that cannot be resolved are problems. */
export const resolveImages: ProviderFunction = async (context, properties) => {
  const { references } = parseInputs("resolveImages", args, properties);
  return resolveImageDigests(references, (host) => context.registries.connect(host).client);
};
