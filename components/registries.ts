import type { RegistryArgs } from "./args";

type RegistryOptions = Omit<RegistryArgs, "host" | "namespace">;

/**
 * GitHub's container registry.
 *
 * @param namespace the owner, and a path below it where there is one
 * @example ghcr("octo")
 */
export function ghcr(namespace: string, options: RegistryOptions = {}): RegistryArgs {
  return { ...options, host: "ghcr.io", namespace };
}

/**
 * Docker Hub.
 *
 * @param namespace the user or organisation
 * @example dockerHub("octo", { optional: true })
 */
export function dockerHub(namespace: string, options: RegistryOptions = {}): RegistryArgs {
  return { ...options, host: "docker.io", namespace };
}

/**
 * Any other OCI registry.
 *
 * @param host with its port, where it is not 443
 * @param namespace path between the host and an image's name
 * @example registry("localhost:5000", "octo")
 */
export function registry(host: string, namespace = "", options: RegistryOptions = {}): RegistryArgs {
  return { ...options, host, namespace };
}
