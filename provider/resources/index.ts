import type { Resource } from "../resource";
import { attestation } from "./attestation";
import { barrier } from "./barrier";
import { candidate } from "./candidate";
import { hubDescription } from "./hub-description";
import { imageCopy } from "./image-copy";
import { tag } from "./tag";

/** Every resource type, by its token. */
export const resources: ReadonlyMap<string, Resource> = new Map(
  [attestation, barrier, candidate, hubDescription, imageCopy, tag].map((type) => [type.token, type]),
);
