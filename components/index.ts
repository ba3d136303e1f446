/** Slipway's components, for programs of one's own. */
export { getImage, type ImageFacts, listTags } from "../provider/sdk/functions";
export { hasDockerEngine } from "../source/docker-engine";
export type { ReleaseOutputs } from "./carry-out";
export { ImageRelease, type ImageReleaseArgs } from "./image-release";
export { program } from "./program";
export { Promotion, type PromotionArgs } from "./promotion";
export { release } from "./release";
export { StageRegistry, type StageRegistryArgs } from "./stage-registry";
export { TagSet, type TagSetArgs } from "./tag-set";
