/** Slipway's components: `import { ghcr, Release } from "slipway"`. */
export { getImage, type ImageFacts, listTags } from "../provider/sdk/functions";
export { hasDockerEngine } from "../source/docker-engine";
export type { ImageArgs, PromotionArgs, RegistryArgs, ReleaseArgs } from "./args";
export type { PlannedRelease } from "./planned-release";
export { isSetupStack, setUpRepository } from "./program";
export { dockerHub, ghcr, registry } from "./registries";
export { Promotion, Release, type ReleasedImage, type ReleaseOutputs } from "./release";
export { StageRegistry, type StageRegistryArgs } from "./stage-registry";
