import * as pulumi from "@pulumi/pulumi";
import { formatPath, type Path } from "../config/paths";
import { isSecretPath } from "../config/redaction";
import { isRecord } from "../plan/record";
import { runError } from "./run-error";

/**
 * Arguments as plain data. Secrets may be outputs, which are awaited; a secret that a preview does not know yet is left
 * out. Everything else decides what is released, so it has to be known.
 *
 * @throws pulumi.RunError for an output anywhere else
 */
export async function resolveArgs(value: unknown, path: Path = []): Promise<unknown> {
  if (pulumi.Output.isInstance(value)) {
    // Images are keyed by their names, so the path of a secret is as deep as in a list.
    if (isSecretPath(path)) return settled(value);
    throw runError(
      `Release.plan: ${formatPath(path)} is an output, and a plan needs its value. Only secrets may be outputs.`,
    );
  }
  if (Array.isArray(value))
    return Promise.all(value.map((entry, index) => resolveArgs(entry, [...path, index])));
  if (!isRecord(value)) return value;
  const entries = await Promise.all(
    Object.entries(value).map(
      async ([key, entry]) => [key, await resolveArgs(entry, [...path, key])] as const,
    ),
  );
  return Object.fromEntries(entries.filter(([, entry]) => entry !== undefined));
}

/** Undefined where only an `up` will know it. */
async function settled(output: pulumi.Output<unknown>): Promise<unknown> {
  const isKnown: unknown = await Reflect.get(output, "isKnown");
  if (isKnown === false) return undefined;
  return new Promise((resolve) => {
    output.apply(resolve);
  });
}
