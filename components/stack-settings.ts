import { z } from "zod";
import { pulumiSettings } from "../src/settings/pulumi-config";
import type { ReleaseArgs } from "./args";

/**
 * The stack's settings (`slipway:*` in Pulumi.<stack>.yaml), for a program that branches on them. You need not pass them
 * on: `Release.plan` and `RepositorySetup.plan` read and check them too.
 *
 * @example
 * const { lane = "main" } = stackSettings();
 */
export function stackSettings(): Partial<ReleaseArgs> {
  return unchecked.parse(pulumiSettings());
}

/** The plan checks the settings, and reports every mistake at once. */
const unchecked = z.custom<Partial<ReleaseArgs>>();
