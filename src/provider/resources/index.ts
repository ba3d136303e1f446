import type { Resource } from "../resource";
import { content } from "./content";
import { hubDescription } from "./hub-description";
import { imageCopy } from "./image-copy";
import { tags } from "./tags";

/** Every resource type, by its token. */
export const resources: ReadonlyMap<string, Resource> = new Map(
  [content, hubDescription, imageCopy, tags].map((type) => [type.token, type]),
);
