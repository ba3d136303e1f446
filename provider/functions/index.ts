import type { Properties } from "../properties";
import type { Context } from "../resource";
import { getImage } from "./get-image";
import { inspectImages } from "./inspect-images";
import { listTags } from "./list-tags";
import { provePush } from "./prove-push";
import { readRegistries } from "./read-registries";
import { resolveImages } from "./resolve-images";
import { verifyImage } from "./verify-image";

export type ProviderFunction = (context: Context, args: Properties) => Promise<object>;

/** Every function, by its token. */
export const functions: Readonly<Record<string, ProviderFunction | undefined>> = {
  "slipway-registry:index:getImage": getImage,
  "slipway-registry:index:inspectImages": inspectImages,
  "slipway-registry:index:listTags": listTags,
  "slipway-registry:index:provePush": provePush,
  "slipway-registry:index:readRegistries": readRegistries,
  "slipway-registry:index:resolveImages": resolveImages,
  "slipway-registry:index:verifyImage": verifyImage,
};
