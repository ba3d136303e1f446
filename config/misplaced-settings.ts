import { distance } from "fastest-levenshtein";
import type { Problem } from "../plan/problem";
import { decodeWritten } from "./decode";
import { writtenConfigSchema } from "./schema";

const NAMESPACE = "slipway";
/** The keys of a stack's file that Pulumi knows. */
const TOP_LEVEL = ["config", "environment", "encryptedkey", "encryptionsalt", "secretsprovider"];
const SETTINGS: Readonly<Record<string, (typeof writtenConfigSchema.shape)[Setting]>> =
  writtenConfigSchema.shape;
type Setting = keyof typeof writtenConfigSchema.shape;

/**
 * Settings that look like Slipway's by name and value, but are in a place that neither Slipway nor Pulumi reads.
 *
 * @param config every setting of the stack, with its namespace
 * @param topLevel the keys of the stack's file beside `config`
 */
export function misplacedSettings(
  config: Readonly<Record<string, unknown>>,
  topLevel: readonly string[] = [],
): Problem[] {
  const outside = topLevel.flatMap((key) => {
    const name = key.replace(/^slipway:/, "");
    if (TOP_LEVEL.includes(key) || SETTINGS[name] === undefined) return [];
    return [misplaced(key, name, "is not below `config:`, where settings are")];
  });
  const inside = Object.entries(config).flatMap(([key, value]) => {
    const colon = key.indexOf(":");
    const namespace = key.slice(0, colon);
    const name = key.slice(colon + 1);
    if (namespace === NAMESPACE || SETTINGS[name] === undefined) return [];
    if (distance(namespace, NAMESPACE) <= 2) return [misplaced(key, name, "is not a setting")];
    return isMeant(name, value) ? [misplaced(key, name, "is not in the namespace of Slipway")] : [];
  });
  return [...outside, ...inside];
}

/** Only lists and mappings count: a program may well have a setting `version` of its own, but hardly `registries`. */
function isMeant(name: string, value: unknown): boolean {
  const decoded = decodeWritten(writtenConfigSchema, { [name]: value })[name];
  return (
    typeof decoded === "object" && decoded !== null && SETTINGS[name]?.safeParse(decoded).success === true
  );
}

function misplaced(key: string, name: string, why: string): Problem {
  return {
    code: "config-unknown-key",
    path: key,
    message: `${why}; did you mean \`slipway:${name}\`?`,
  };
}
