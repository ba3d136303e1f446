import { repositoryKey } from "../plan/reference";
import type { PlanReleaseInput } from "../source/plan-release";

/** For a dry run (CI_PUSH=false): registries that are not read count as empty, so everything would be built. */
export const unaskedRegistries: PlanReleaseInput["registries"] = {
  resolveImages: async () => ({ digests: {}, problems: [] }),
  inspectImages: async () => ({ found: {}, problems: [] }),
  verifyImage: async () => [],
  readRegistries: async ({ registries, repositories }) => ({
    access: Object.fromEntries(
      registries.map(({ host }) => [host, { status: "ready", credentials: "not asked" }]),
    ),
    repositories: Object.fromEntries(
      repositories.map((repository) => [repositoryKey(repository), { tags: [], found: {} }]),
    ),
  }),
};
