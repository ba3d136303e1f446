import { pulumiSettings } from "../config/pulumi-config";
import type { ReleaseArgs } from "./args";

/**
 * The stack's settings (`slipway:*` in Pulumi.<stack>.yaml), for a program that branches on them. You need not pass them
 * on: `Release.plan` and `RepositorySetup.plan` read and check them too.
 *
 * @example
 * const { lane = "main" } = stackSettings();
 */
export function stackSettings(): Partial<ReleaseArgs> {
  const settings = pulumiSettings();
  return isOfRelease(settings) ? settings : {};
}

/** Always true: the plan checks them later, and reports every problem at once. */
function isOfRelease(_settings: Readonly<Record<string, unknown>>): _settings is Partial<ReleaseArgs> {
  return true;
}
