import { readRow } from "./input-list";

/** What holds for all rules of an image. */
export interface Flavor {
  /** `auto`: the first rule that makes a tag decides; `true` and `false` overrule it. */
  readonly latest: "auto" | "true" | "false";
  /** For every rule without a prefix of its own; may hold expressions. */
  readonly prefix: string;
  /** Whether `latest` has the prefix too (there its expressions are not rendered). */
  readonly prefixLatest: boolean;
  readonly suffix: string;
  readonly suffixLatest: boolean;
}

/**
 * Reads flavor entries in docker/metadata-action's syntax: `latest=auto`, `prefix=v,onlatest=true`, `suffix=-alpine`.
 * The last word on each wins; `onlatest` belongs to the prefix or suffix before it in the same entry.
 *
 * @throws TypeError that says what is wrong and what is allowed.
 */
export function parseFlavor(entries: readonly string[]): Flavor {
  let flavor: Flavor = { latest: "auto", prefix: "", prefixLatest: false, suffix: "", suffixLatest: false };
  for (const entry of entries) {
    const wrong = (what: string) => new TypeError(`flavor ${JSON.stringify(entry)}: ${what}`);
    const fields = readRow(entry);
    if (fields.length === 0) throw wrong("an entry may not be empty");
    let affix: "prefix" | "suffix" | undefined;
    for (const field of fields) {
      // Only what stands between the first `=` and the second counts, as in metadata-action.
      const [name = "", value] = field.split("=").map((part) => part.trim());
      if (value === undefined) {
        throw wrong(`${JSON.stringify(field)} has no "="; allowed are latest=, prefix=, suffix=, onlatest=`);
      }
      switch (name.toLowerCase()) {
        case "latest":
          if (value !== "auto" && value !== "true" && value !== "false") {
            throw wrong(`latest=${JSON.stringify(value)} is not one of auto, true, false`);
          }
          flavor = { ...flavor, latest: value };
          break;
        case "prefix":
          flavor = { ...flavor, prefix: value };
          affix = "prefix";
          break;
        case "suffix":
          flavor = { ...flavor, suffix: value };
          affix = "suffix";
          break;
        case "onlatest":
          if (value !== "true" && value !== "false") {
            throw wrong(`onlatest=${JSON.stringify(value)} is not one of true, false`);
          }
          if (affix === "prefix") flavor = { ...flavor, prefixLatest: value === "true" };
          if (affix === "suffix") flavor = { ...flavor, suffixLatest: value === "true" };
          break;
        default:
          throw wrong(`${JSON.stringify(name)} is not one of latest, prefix, suffix, onlatest`);
      }
    }
  }
  return flavor;
}
