import type { Config } from "../plan/config";
import { inspectImages, readIndexPlatforms, resolveImageDigests } from "../registry/read-image";
import { type RegistryReader, readRegistryState } from "../registry/read-state";
import { type Context, diagnosed, NO_LOG } from "./operation";
import { providerConfig } from "./provider-config";
import { Registries, verifyPush } from "./registries";
import { Signing, signedReader } from "./signing";

/** What a plan asks of the registries, in this process and with the configuration's own credentials. */
export interface AskedRegistries extends RegistryReader {
  /** @throws ProblemError with every repository that may not be pushed to */
  readonly verifyPush: (repositories: readonly string[]) => Promise<void>;
}

/** @param options.readOnly no credentials and no push rights are asked for. Default: false */
export function askRegistries(
  config: Config,
  env: NodeJS.ProcessEnv,
  options: { readonly readOnly?: boolean } = {},
): AskedRegistries {
  const { signing: signs, ...connections } = providerConfig(config);
  const registries = new Registries(connections, env);
  const signing = new Signing(signs, env, config.envPrefix);
  const connect = (host: string) => registries.connect(host).client;
  const context: Context = {
    registries,
    signing,
    log: NO_LOG,
  };
  return {
    inspectImages: (references, signer) =>
      inspectImages(references, connect, signedReader({ registries, signing }, signer)),
    resolveImages: (references, { quick = false } = {}) =>
      resolveImageDigests(references, (host) => (quick ? registries.quickly(host) : connect(host))),
    indexPlatforms: (references) => readIndexPlatforms(references, connect),
    readRegistries: (request) =>
      readRegistryState(
        { ...request, readOnly: options.readOnly ?? false },
        (host) => registries.connect(host),
        signedReader({ registries, signing }, request.signer),
      ),
    verifyImage: async (request) => {
      const { verifyImage } = await import("../signing/verify-image.js");
      return verifyImage(request, connect, new Date(), await signing.trusts());
    },
    verifyPush: async (repositories) => {
      const operation = { name: "verifyPush", preview: false };
      await diagnosed(context, operation, () => verifyPush(registries, repositories));
    },
  };
}
