import type { Config } from "../plan/config";
import { providerConfig } from "../provider/provider-config";
import { Registries } from "../provider/registries";
import type { Context } from "../provider/resource";
import { Signing } from "../provider/signing";
import { endPassing, say, sayInPassing } from "./terminal";

export function runContext(config: Config, env: NodeJS.ProcessEnv): Context {
  const { signing, ...connections } = providerConfig(config);
  return {
    registries: new Registries(connections, env),
    signing: new Signing(signing, env, config.envPrefix),
    log: {
      status: async (image, text) => sayInPassing(image === "" ? text : `${image}: ${text}`),
      info: async (image, text) => say(`${image}: ${text}`),
      warn: async (image, text) => say(`${image}: warning: ${text}`),
    },
  };
}

const INTERRUPTED = 130;

/** Works until it is done, or until Ctrl-C or SIGTERM, which cancel the requests to registries. */
export async function untilInterrupted(
  registries: Registries,
  left: string,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<number> {
  const stop = new AbortController();
  const onSignal = () => {
    stop.abort(new Error("interrupted"));
    registries.cancel();
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  try {
    await work(stop.signal);
    return 0;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    say(`interrupted. ${left}`);
    return INTERRUPTED;
  } finally {
    endPassing();
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}
