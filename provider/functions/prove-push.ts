import { z } from "zod";
import { ProblemError } from "../../plan/problem";
import { RegistryError } from "../../registry/errors";
import { parseInputs } from "../resource";
import type { ProviderFunction } from ".";

const args = z.object({
  /** `host/path` each. */
  repositories: z.array(z.string()),
});

/** Opens an upload in each repository and cancels it: the only proof of push rights, asked before any build. */
export const provePush: ProviderFunction = async (context, properties) => {
  const { repositories } = parseInputs("provePush", args, properties);
  const problems = await Promise.all(
    repositories.map(async (repository) => {
      const { client, path } = context.registries.at(repository);
      try {
        await client.provePush(path);
        return undefined;
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
        return error.toProblem();
      }
    }),
  );
  const found = problems.filter((problem) => problem !== undefined);
  if (found.length > 0) throw new ProblemError("No right to push, so nothing was built:", found);
  return { proved: repositories };
};
