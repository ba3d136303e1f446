import { z } from "zod";
import { buildkitVersion } from "../builder/buildkit-version";
import { readBuildxBuilder } from "../builder/buildx-builder";
import { parseInputs } from "../resource";
import type { ProviderFunction } from ".";

const args = z.object({ name: z.string().optional() });

const UNKNOWN = "unknown";

/** What builds: the builder's name, its driver, the version of BuildKit and the network. What nobody says is `unknown`. */
export const inspectBuilder: ProviderFunction = async (_, properties) => {
  const { name } = parseInputs("inspectBuilder", args, properties);
  const builder = await readBuildxBuilder(name);
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
};

/** One text for all nodes where they agree. */
function alone(values: readonly string[]): string {
  return [...new Set(values)].join(", ") || UNKNOWN;
}
