import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { isRecord } from "../src/plan/record";
import { formatPath, type Path } from "../src/settings/paths";
import { pulumiSettings } from "../src/settings/pulumi-config";
import { isSecretPath } from "../src/settings/secrets";
import type { ReleaseArgs } from "./args";
import { runError } from "./engine";

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

const UNKNOWN = "known after the update";

/**
 * Arguments as plain data. Secrets may be outputs, which are awaited; everything else decides what is released, so it
 * has to be known. If a preview does not know a secret yet, a credential is left out, and a GitHub secret gets a
 * placeholder.
 *
 * @param call the name of the call, for errors
 * @param at where the arguments belong in the settings
 * @throws pulumi.RunError for an output anywhere else
 */
export async function resolveArgs(
  call: string,
  args: object,
  at: Path = [],
): Promise<Readonly<Record<string, unknown>>> {
  const resolved = await resolve({ ...args }, at);
  return isRecord(resolved) ? resolved : {};

  async function resolve(value: unknown, path: Path): Promise<unknown> {
    if (pulumi.Output.isInstance(value)) {
      // Images are keyed by their names here, which makes the paths of their secrets as long as in a list.
      if (isSecretPath(path)) return settled(value, path[0] === "github" ? UNKNOWN : undefined);
      throw runError(
        `${call}: ${formatPath(path)} is an output, and a plan needs its value. Only secrets may be outputs.`,
      );
    }
    if (Array.isArray(value))
      return Promise.all(value.map((entry, index) => resolve(entry, [...path, index])));
    if (!isRecord(value)) return value;
    const entries = await Promise.all(
      Object.entries(value).map(async ([key, entry]) => [key, await resolve(entry, [...path, key])] as const),
    );
    return Object.fromEntries(entries.filter(([, entry]) => entry !== undefined));
  }
}

/** @param unknown the result if only an `up` will know the value */
async function settled(output: pulumi.Output<unknown>, unknown: string | undefined): Promise<unknown> {
  const isKnown: unknown = await Reflect.get(output, "isKnown");
  if (isKnown === false) return unknown;
  return new Promise((resolve) => {
    output.apply(resolve);
  });
}
