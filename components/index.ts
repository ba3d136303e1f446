/** Slipway's components, for programs of one's own. */
export { getImage, type ImageFacts, listTags } from "../provider/sdk/functions";
export { ImageRelease, type ImageReleaseArgs } from "./image-release";
export { type ReleaseOutputs, release } from "./release";
export { TagSet, type TagSetArgs } from "./tag-set";
