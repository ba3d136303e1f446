import { ProblemError } from "../plan/problem";
import { RegistryError } from "../registry/errors";
import type { Registries } from "./registries";

/**
 * Opens an upload in each repository and cancels it, the only way to check the right to push. Runs before any build.
 *
 * @param repositories `host/path` each
 * @throws ProblemError with every repository that may not be pushed to
 */
export async function verifyPush(registries: Registries, repositories: readonly string[]): Promise<void> {
  const problems = await Promise.all(
    repositories.map(async (repository) => {
      const { client, path } = registries.at(repository);
      try {
        await client.verifyPush(path);
        return undefined;
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
        return error.toProblem();
      }
    }),
  );
  const found = problems.filter((problem) => problem !== undefined);
  if (found.length > 0) throw new ProblemError("No right to push, so nothing was built:", found);
}
