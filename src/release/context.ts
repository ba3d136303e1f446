import type { Registries } from "./registries";
import type { Signing } from "./signing";

/** Lines that the engine shows beside a resource, in previews too. Nothing secret may stand in them. */
export interface EngineLog {
  readonly info: (urn: string, message: string) => Promise<void>;
  readonly warn: (urn: string, message: string) => Promise<void>;
  /** Shown while the resource is being worked on, and in no log. */
  readonly status: (urn: string, message: string) => Promise<void>;
}

/** Drops every line. */
export const NO_LOG: EngineLog = { info: async () => {}, warn: async () => {}, status: async () => {} };

/** What a resource's operations may use besides their arguments. */
export interface Context {
  readonly registries: Registries;
  readonly signing: Signing;
  readonly log: EngineLog;
}
