import { z } from "zod";
import { parseInputs } from "../resource";
import { digestInput, repositoryInput, rulesSigner } from "../schemas";
import type { ProviderFunction } from ".";

const args = z.object({
  /** `host/path` each. */
  repositories: z.array(repositoryInput).min(1),
  digest: digestInput,
  rules: z.object({
    signer: rulesSigner,
    predicates: z.array(z.string()),
    builder: z.string().exactOptional(),
    source: z.string().exactOptional(),
    revision: z.string().exactOptional(),
    image: z.string().exactOptional(),
    version: z.string().exactOptional(),
    lane: z.string().exactOptional(),
    platforms: z.array(z.string()),
    licences: z
      .object({ licences: z.array(z.string()), unknown: z.enum(["allow", "refuse"]) })
      .exactOptional(),
    minAge: z.number().exactOptional(),
    maxAge: z.number().exactOptional(),
  }),
});

/** Whether a digest is proved in every one of its repositories; `verdicts` has one for each. */
export const verifyImage: ProviderFunction = async (context, properties) => {
  const { digest, ...request } = parseInputs("verifyImage", args, properties);
  if (digest === undefined) throw new Error("verifyImage: the digest is not known");
  const { verifyImage: verify } = await import("../../trust/verify-image.js");
  const connect = (host: string) => context.registries.connect(host).client;
  return {
    verdicts: await verify({ ...request, digest }, connect, new Date(), await context.signing.trusts()),
  };
};
