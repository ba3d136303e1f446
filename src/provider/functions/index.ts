import type { Context } from "../../release/operation";
import type { Properties } from "../properties";
import { getImage } from "./get-image";
import { listTags } from "./list-tags";

export type ProviderFunction = (context: Context, args: Properties) => Promise<object>;

/** Every function, by its token. */
export const functions: Readonly<Record<string, ProviderFunction | undefined>> = {
  "slipway-registry:index:getImage": getImage,
  "slipway-registry:index:listTags": listTags,
};
