import { z } from "zod";
import { resolveImageDigests } from "../../registry/resolve-images";
import { parseInputs } from "../resource";
import type { ProviderFunction } from ".";

const args = z.object({
  /** Image references as a Dockerfile names them. */
  references: z.array(z.string()),
  /** A release can do without them. @default false */
  quick: z.boolean().default(false),
});

/** Base images -> the digests they point to now. Those that cannot be resolved are problems. */
export const resolveImages: ProviderFunction = async (context, properties) => {
  const { references, quick } = parseInputs("resolveImages", args, properties);
  const { registries } = context;
  return resolveImageDigests(references, (host) =>
    quick ? registries.quickly(host) : registries.connect(host).client,
  );
};
