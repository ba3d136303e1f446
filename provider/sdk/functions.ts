import * as pulumi from "@pulumi/pulumi";
import type { Digest } from "../../plan/digest";
import type { BuildFacts } from "../../plan/manifest";
import type { Problem } from "../../plan/problem";
import type { RegistryState } from "../../plan/registry-state";
import type { Verdict, VerifyRequest, VerifyRules } from "../../plan/trust";
import type { InspectedImages } from "../../registry/inspect-images";
import type { StateRequest } from "../../registry/read-state";
import { permit } from "../handover";
import type { RegistryProvider } from "./resources";

/** The state of all registries as a plan needs it, read concurrently in one call. */
export function readRegistries(request: StateRequest, provider: RegistryProvider): Promise<RegistryState> {
  return pulumi.runtime.invoke("slipway-registry:index:readRegistries", { ...request }, { provider });
}

/** Base images -> the digests they point to now. @param options.quick do not wait for who does not answer */
export function resolveImages(
  references: readonly string[],
  options: { readonly quick?: boolean },
  provider: RegistryProvider,
): Promise<{ digests: Record<string, Digest>; problems: Problem[] }> {
  const args = { references, quick: options.quick ?? false };
  return pulumi.runtime.invoke("slipway-registry:index:resolveImages", args, { provider });
}

/** What references are, with their release statements. Those that could not be asked about are problems. */
export function inspectImages(
  references: readonly string[],
  signer: VerifyRules["signer"] | undefined,
  provider: RegistryProvider,
): Promise<InspectedImages> {
  const args = { references, ...(signer === undefined ? {} : { signer }) };
  return pulumi.runtime.invoke("slipway-registry:index:inspectImages", args, { provider });
}

/** Opens an upload in each repository and cancels it. Rejects with every repository that may not be pushed to. */
export async function provePush(repositories: readonly string[], provider: RegistryProvider): Promise<void> {
  const token = "slipway-registry:index:provePush";
  permit(token);
  await pulumi.runtime.invoke(token, { repositories }, { provider });
}

/** Whether a digest is proved in every one of its repositories: a verdict for each. */
export async function verifyImage(
  request: VerifyRequest,
  opts?: pulumi.InvokeOptions,
): Promise<readonly Verdict[]> {
  const { verdicts } = await pulumi.runtime.invoke(
    "slipway-registry:index:verifyImage",
    { ...request },
    opts,
  );
  return verdicts;
}

/** What builds, by buildx's own files and BuildKit's answer. @param name default: buildx's current builder */
export function inspectBuilder(
  name: string | undefined,
  provider: RegistryProvider,
): Promise<Omit<BuildFacts, "images" | "proxy">> {
  return pulumi.runtime.invoke("slipway-registry:index:inspectBuilder", name === undefined ? {} : { name }, {
    provider,
  });
}

/** What an image reference is: digest, media type, platforms, annotations. */
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
