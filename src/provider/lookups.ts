import * as pulumi from "@pulumi/pulumi";
import type { Digest } from "../plan/digest";

// Apart from the resources, whose types would bring zod into the declarations of what programs import.

/** What an image reference points to. */
export type ImageFacts =
  | { readonly found: false }
  | {
      readonly found: true;
      readonly digest: Digest;
      readonly mediaType: string;
      readonly platforms: readonly string[];
      readonly annotations: Readonly<Record<string, string>>;
    };

/** @param reference `host/path:tag` or `host/path@digest` */
export function getImage(reference: string, opts?: pulumi.InvokeOptions): Promise<ImageFacts> {
  return pulumi.runtime.invoke("slipway-registry:index:getImage", { reference }, opts);
}

/** The names of a repository's tags. @param repository `host/path` */
export async function listTags(repository: string, opts?: pulumi.InvokeOptions): Promise<readonly string[]> {
  const { tags } = await pulumi.runtime.invoke("slipway-registry:index:listTags", { repository }, opts);
  return tags;
}
