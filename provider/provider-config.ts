import type { Config } from "../plan/config";
import type { ProviderConfig } from "./registries";
import { signingConfig } from "./signing";

/**
 * What the provider has to know of a configuration. Credentials that the environment gives stay out: the provider
 * finds them itself whenever it calls, so that they are in no state and a rotated one works at once.
 */
export function providerConfig(config: Config): ProviderConfig {
  const { registries, origins, envPrefix, artifacts } = config;
  const primary = registries[0]?.host;
  return {
    registries: registries.map(({ host, plainHttp, username, hub }) => ({
      host,
      plainHttp,
      ...(username === undefined ? {} : { username }),
      ...(hub === undefined ? {} : { hub }),
    })),
    credentials: Object.fromEntries(
      registries.flatMap(({ host, username, password }, index) =>
        username === undefined || password === undefined || `registries[${index}].password` in origins
          ? []
          : [[host, { username, password: password.reveal() }]],
      ),
    ),
    artifacts,
    signing: signingConfig(config.sign),
    environment: {
      ...(envPrefix === undefined ? {} : { prefix: envPrefix }),
      ...(primary === undefined ? {} : { ciRegistry: primary }),
    },
  };
}
