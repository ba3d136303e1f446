import { z } from "zod";
import { RegistryError } from "../../registry/errors";
import { writeDiagnostics } from "../diagnostics";
import { parseInputs } from "../resource";
import type { ProviderFunction } from ".";

const args = z.object({
  image: z.string(),
  /** What the builder said; it may hold anything. */
  message: z.string(),
  /** `host/path` each that it was to push to. */
  repositories: z.array(z.string()),
});

/**
 * A build pushes by itself, so its requests are nobody's to see. What a push is answered now tells whether the registry
 * declines it or the way from the builder does; both stand in a diagnostics file.
 */
export const explainFailedBuild: ProviderFunction = async (context, properties) => {
  const { image, message, repositories } = parseInputs("explainFailedBuild", args, properties);
  const answers = await Promise.all(
    repositories.map(async (repository): Promise<[string, string]> => {
      const { client, path } = context.registries.at(repository);
      try {
        await client.provePush(path);
        return [repository, "an upload can be opened"];
      } catch (error) {
        return [repository, error instanceof RegistryError ? error.summary : String(error)];
      }
    }),
  );
  const probe = Object.fromEntries(answers);
  const file = await writeDiagnostics(context, `build ${image}`, message, probe);
  return { probe, ...(file === undefined ? {} : { file }) };
};
