import { z } from "zod";
import { parseReference, repositoryKey } from "../../plan/reference";
import { readImage } from "../../registry/read-image";
import { parseInputs } from "../resource";
import type { ProviderFunction } from ".";

const args = z.object({
  /** `host/path:tag` or `host/path@digest`; no tag means `latest`. */
  reference: z.string(),
});

/** Reference -> digest, media type, platforms, annotations. `found` is false where there is no such image. */
export const getImage: ProviderFunction = async (context, properties) => {
  const parsed = parseReference(parseInputs("getImage", args, properties).reference);
  const { client, path } = context.registries.at(repositoryKey(parsed));
  const image = await readImage(client, path, parsed.digest ?? parsed.tag ?? "latest", { statements: false });
  if (image === undefined) return { found: false };
  const { statements: _, ...facts } = image;
  return { found: true, ...facts };
};
