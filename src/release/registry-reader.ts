import type { Config } from "../plan/config";
import { inspectImages, readIndexPlatforms, resolveImageDigests } from "../registry/read-image";
import { type RegistryReader, readRegistryState } from "../registry/read-state";
import { type Context, diagnosed, NO_LOG } from "./operation";
import { providerConfig } from "./provider-config";
import { Registries, verifyPush } from "./registries";
import { Signing, signedReader } from "./signing";

/**
 * Reads registries for a plan, in this process and with the configuration's own credentials.
 *
 * @param options.readOnly requires no credentials and no push rights. @default false
 */
export function registryReader(
  config: Config,
  env: NodeJS.ProcessEnv,
  options: { readonly readOnly?: boolean } = {},
): RegistryReader & {
  /** @throws ProblemError with every repository that refuses a push */
  readonly verifyPush: (repositories: readonly string[]) => Promise<void>;
} {
  const { signing: signingConfig, ...connections } = providerConfig(config);
  const registries = new Registries(connections, env);
  const signing = new Signing(signingConfig, env, config.envPrefix);
  const connect = (host: string) => registries.connect(host).client;
  const context: Context = { registries, signing, log: NO_LOG };
  return {
    inspectImages: (references, signer) => inspectImages(references, connect, signedReader(context, signer)),
    resolveImages: (references, { quick = false } = {}) =>
      resolveImageDigests(references, (host) => (quick ? registries.quickly(host) : connect(host))),
    indexPlatforms: (references) => readIndexPlatforms(references, connect),
    readRegistries: (request) =>
      readRegistryState(
        { ...request, readOnly: options.readOnly ?? false },
        (host) => registries.connect(host),
        signedReader(context, request.signer),
      ),
    verifyImage: async (request) => {
      const { verifyImage } = await import("../signing/verify-image.js");
      return verifyImage(request, connect, new Date(), await signing.trusts());
    },
    verifyPush: (repositories) =>
      diagnosed(context, { name: "verifyPush", preview: false }, () => verifyPush(registries, repositories)),
  };
}
