/** Slipway's components, for programs of one's own. */
export { ImageRelease, type ImageReleaseArgs } from "./image-release";
export { type ReleaseOutputs, release } from "./release";
export { TagSet, type TagSetArgs } from "./tag-set";
