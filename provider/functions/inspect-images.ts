import { z } from "zod";
import { inspectImages as inspect } from "../../registry/inspect-images";
import { parseInputs } from "../resource";
import { rulesSigner } from "../schemas";
import { signedReader } from "../signing";
import type { ProviderFunction } from ".";

const args = z.object({
  /** `host/path:tag` or `host/path@digest` each. */
  references: z.array(z.string()),
  /** Whose claims and statements are trusted. Default: the stack's own. */
  signer: rulesSigner.exactOptional(),
});

/** What references are, with their release statements, for promotions and rollbacks. */
export const inspectImages: ProviderFunction = async (context, properties) => {
  const { references, signer } = parseInputs("inspectImages", args, properties);
  const readSigned = signedReader(context, signer);
  return inspect(references, (host) => context.registries.connect(host).client, readSigned);
};
