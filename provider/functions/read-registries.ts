import { z } from "zod";
import { type Digest, isDigest } from "../../plan/digest";
import { readRegistryState } from "../../registry/read-state";
import { parseInputs } from "../resource";
import { rulesSigner } from "../schemas";
import { signedReader } from "../signing";
import type { ProviderFunction } from ".";

const args = z.object({
  signer: rulesSigner.exactOptional(),
  registries: z.array(z.object({ host: z.string(), optional: z.boolean() })),
  repositories: z.array(
    z.object({
      host: z.string(),
      path: z.string(),
      tags: z.array(z.string()),
      versionTags: z.array(z.string()),
      recorded: z.array(z.custom<Digest>(isDigest, "is not a sha256 digest")).exactOptional(),
    }),
  ),
});

/** The state of all registries as a plan needs it, read concurrently in one call. */
export const readRegistries: ProviderFunction = async (context, properties) => {
  const request = parseInputs("readRegistries", args, properties);
  const connect = (host: string) => context.registries.connect(host);
  const state = await readRegistryState(request, connect, signedReader(context, request.signer));
  context.registries.remember(request.repositories, state);
  return state;
};
