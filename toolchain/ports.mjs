// @ts-check
// The local registry's port.

export const defaultRegistryPort = 5000;

/** @param {NodeJS.ProcessEnv} [env] */
export function registryPort(env = process.env) {
  const written = env.SLIPWAY_REGISTRY_PORT;
  if (!written) return defaultRegistryPort;
  const port = Number(written);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new Error(`SLIPWAY_REGISTRY_PORT: "${written}" is not a port; allowed: 1 to 65535`);
  }
  return port;
}
