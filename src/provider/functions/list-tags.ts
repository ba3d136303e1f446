import { z } from "zod";
import { parseReference, repositoryKey } from "../../plan/reference";
import { parseInputs } from "../resource";
import type { ProviderFunction } from ".";

const args = z.object({
  /** `host/path`. */
  repository: z.string(),
});

/** The names of a repository's tags; none for a repository that does not exist. */
export const listTags: ProviderFunction = async (context, properties) => {
  const { repository } = parseInputs("listTags", args, properties);
  const { client, path } = context.registries.at(repositoryKey(parseReference(repository)));
  return { tags: await client.listTags(path) };
};
