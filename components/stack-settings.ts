import { pulumiSettings } from "../config/pulumi-config";
import type { ReleaseArgs } from "./args";

/**
 * What the stack's settings (`slipway:*` in Pulumi.<stack>.yaml) say, for a program that decides by them. They need not
 * be passed on: `Release.plan` and `RepositorySetup.plan` read them too, check them, and report what is wrong.
 *
 * @example
 * const { lane = "main" } = stackSettings();
 */
export function stackSettings(): Partial<ReleaseArgs> {
  const settings = pulumiSettings();
  return isOfRelease(settings) ? settings : {};
}

/** What a plan checks later, and reports with everything else. */
function isOfRelease(_settings: Readonly<Record<string, unknown>>): _settings is Partial<ReleaseArgs> {
  return true;
}
