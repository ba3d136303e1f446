import type { RegistryClient } from "../registry/client";

/** All that verifying asks of a registry: it writes nothing. */
export type ReadingClient = Pick<RegistryClient, "getManifest" | "referrers" | "getBlob">;
