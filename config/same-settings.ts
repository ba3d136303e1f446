import { parse } from "yaml";
import { isRecord } from "../plan/record";

/** How a stack's secrets are encrypted: the engine writes it by itself when a stack is made. */
const ENGINE_KEYS = new Set(["encryptionsalt", "encryptedkey", "secretsprovider"]);

/**
 * Whether two texts of a stack's file say the same, but for what the engine writes into it by itself.
 *
 * @throws Error where one is no YAML
 */
export function sameSettings(one: string, other: string): boolean {
  return settings(one) === settings(other);
}

function settings(text: string): string {
  const document: unknown = parse(text) ?? {};
  if (typeof document !== "object" || document === null) return JSON.stringify(document);
  const entries = Object.entries(document).filter(([key]) => !ENGINE_KEYS.has(key));
  return JSON.stringify(entries, (_, value: unknown) =>
    // To the engine every scalar is a text, and it writes `true` back as "true".
    typeof value === "boolean" || typeof value === "number"
      ? String(value)
      : // The engine appends what it sets, so the order of keys means nothing.
        isRecord(value)
        ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
        : value,
  );
}
