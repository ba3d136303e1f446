import * as pulumi from "@pulumi/pulumi";
import { isRecord } from "../src/plan/record";
import { formatPath, type Path } from "../src/settings/paths";
import { isSecretPath } from "../src/settings/secrets";
import { runError } from "./run-error";

const UNKNOWN = "known after the update";

/**
 * Arguments as plain data. Secrets may be outputs, which are awaited; everything else decides what is released, so it
 * has to be known. If a preview does not know a secret yet, a credential is left out, and a GitHub secret gets a
 * placeholder.
 *
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
      // Images are keyed by their names, so the path of a secret is as deep as in a list.
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
