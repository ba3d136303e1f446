import { z } from "zod";
import { readRegistryState } from "../../registry/read-state";
import { parseInputs } from "../resource";
import type { ProviderFunction } from ".";

const args = z.object({
  registries: z.array(z.object({ host: z.string(), optional: z.boolean() })),
  repositories: z.array(
    z.object({
      host: z.string(),
      path: z.string(),
      tags: z.array(z.string()),
      versionTags: z.array(z.string()),
    }),
  ),
});

/** The state of all registries as a plan needs it, read concurrently in one call. */
export const readRegistries: ProviderFunction = async (context, properties) => {
  const request = parseInputs("readRegistries", args, properties);
  const state = await readRegistryState(request, (host) => context.registries.connect(host));
  context.registries.remember(request.repositories, state);
  return state;
};
