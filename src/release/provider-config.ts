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
  const configured = registries.flatMap(({ host, username, password }, index) => {
    const at = `registries[${index}].password`;
    return username === undefined || password === undefined || at in origins
      ? []
      : [{ host, username, password, at }];
  });
  return {
    registries: registries.map(({ host, plainHttp, username, hub }) => ({
      host,
      plainHttp,
      ...(username === undefined ? {} : { username }),
      ...(hub === undefined ? {} : { hub }),
    })),
    credentials: Object.fromEntries(
      configured.map(({ host, username, password }) => [host, { username, password: password.reveal() }]),
    ),
    passwords: Object.fromEntries(configured.map(({ host, username, at }) => [host, { username, at }])),
    artifacts,
    signing: signingConfig(config),
    environment: {
      ...(envPrefix === undefined ? {} : { prefix: envPrefix }),
      ...(primary === undefined ? {} : { ciRegistry: primary }),
    },
  };
}
