import type { SbomConfig } from "../plan/config";
import { type SbomGenerator, sbomGenerator } from "../plan/sbom";
import type { PlanReleaseInput } from "./plan-release";

/** Asks about generators. */
export type ReadGenerator = (config: SbomConfig | false) => Promise<SbomGenerator | undefined>;

/** Each generator is asked about once for a plan, however many images it scans, and only where one is built here. */
export function sbomGenerators({ registries }: Pick<PlanReleaseInput, "registries">): ReadGenerator {
  const asked = new Map<string, ReturnType<typeof registries.resolveImages>>();
  return async (config) => {
    if (config === false) return undefined;
    const { generator, required } = config;
    const key = `${generator} ${required}`;
    const resolved = asked.get(key) ?? registries.resolveImages([generator], { quick: !required });
    asked.set(key, resolved);
    return sbomGenerator(config, await resolved);
  };
}
