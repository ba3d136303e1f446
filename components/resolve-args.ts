import * as pulumi from "@pulumi/pulumi";
import { formatPath, type Path } from "../config/paths";
import { isSecretPath } from "../config/redaction";
import { isRecord } from "../plan/record";
import { runError } from "./run-error";

/**
 * Arguments as plain data: secrets may be outputs, and are waited for; one that a preview does not know yet is left
 * out. Everything else decides what is released, and has to be known.
 *
 * @throws pulumi.RunError for an output anywhere else
 */
export async function resolveArgs(value: unknown, path: Path = []): Promise<unknown> {
  if (pulumi.Output.isInstance(value)) {
    // Images are given by their names, so a secret of one is as deep as in a list.
    if (isSecretPath(path)) return settled(value);
    throw runError(
      `Release.plan: ${formatPath(path)} is an output, and a plan needs its value. Outputs may stand for secrets alone.`,
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
