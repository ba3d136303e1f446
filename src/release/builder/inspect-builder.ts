import type { BuildFacts } from "../../plan/manifest";
import type { Environment } from "../../settings/environment";
import { buildkitVersion } from "./buildkit-version";
import { readBuildxBuilder } from "./buildx-builder";

export const UNKNOWN = "unknown";

/** What builds: the builder's name, driver, version of BuildKit and network; `unknown` where none is found. */
export async function inspectBuilder(
  name: string | undefined,
  env: Environment,
): Promise<Omit<BuildFacts, "images" | "proxy">> {
  const builder = await readBuildxBuilder(name, env);
  const versions = await Promise.all(
    (builder?.nodes ?? []).map(async ({ endpoint }) => (await buildkitVersion(endpoint)) ?? UNKNOWN),
  );
  const networks = (builder?.nodes ?? []).map(({ options }) => options.network ?? "the driver's default");
  return {
    builder: builder?.name ?? name ?? UNKNOWN,
    driver: builder?.driver ?? UNKNOWN,
    buildkit: alone(versions),
    network: alone(networks),
  };
}

/** One text for all nodes where they agree. */
function alone(values: readonly string[]): string {
  return [...new Set(values)].join(", ") || UNKNOWN;
}
