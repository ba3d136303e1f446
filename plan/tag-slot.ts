import type { WantedTag } from "./release-intent";
import type { VersionForm } from "./tag-policy";
import type { TagEntry } from "./tag-rules/evaluate";
import { type ReleaseEvent, tagOf } from "./tag-rules/event";
import type { TagRule } from "./tag-rules/tag-rule";
import { parseVersion } from "./versions";

/** The tags that rules made, with slots that name their rules: the same rule has the same slot in every release. */
export function wantedTags(entries: readonly TagEntry[]): WantedTag[] {
  const taken = new Map<string, number>();
  return unique(entries).map((entry) => {
    const base = slotName(entry);
    const count = (taken.get(base) ?? 0) + 1;
    taken.set(base, count);
    return {
      slot: count === 1 ? base : `${base}-${count}`,
      name: entry.name,
      class: entry.class,
      ...(entry.line === undefined ? {} : { line: entry.line }),
    };
  });
}

/** metadata-action can name one tag twice (a raw `latest` and the flavor's). */
function unique(entries: readonly TagEntry[]): TagEntry[] {
  return [...new Map(entries.map((entry) => [entry.name, entry])).values()];
}

/** `semver-major.minor`, `ref-branch`, `sha`, `raw-stable`, `latest`. */
function slotName({ rule, class: tagClass, line }: TagEntry): string {
  const followsAllVersions = tagClass === "floating" && line !== undefined && line.major === undefined;
  if (followsAllVersions) return "latest";
  const detail = slotDetail(rule);
  return detail === "" ? rule.type : `${rule.type}-${detail}`;
}

function slotDetail(rule: TagRule): string {
  switch (rule.type) {
    case "schedule":
    case "semver":
    case "pep440":
    case "match":
      return slug(rule.pattern);
    case "ref":
      return rule.event;
    case "raw":
      return slug(rule.value);
    case "sha":
      return rule.format === "long" ? "long" : "";
    case "edge":
      return "";
  }
}

function slug(text: string): string {
  return text
    .replace(/[^A-Za-z0-9._-]+/g, " ")
    .trim()
    .replace(/\s+/g, "-")
    .replace(/-?\.-?/g, ".")
    .toLowerCase();
}

/**
 * The version being released and how tags spell it, from the first version tag: `v1.2.3-alpine` for version 1.2.3 is
 * prefix `v`, suffix `-alpine`.
 */
export function versionAndForm(
  entries: readonly TagEntry[],
  event: ReleaseEvent,
): { readonly version?: string; readonly form: VersionForm } {
  const first = entries.find((entry) => entry.class === "version");
  const none = { prefix: "", suffix: "" };
  if (first === undefined) return { form: none };
  for (const spelled of spellings(event, first)) {
    const at = first.name.indexOf(spelled);
    if (at === -1 || parseVersion(spelled) === undefined) continue;
    const form = { prefix: first.name.slice(0, at), suffix: first.name.slice(at + spelled.length) };
    return { version: spelled, form };
  }
  return { version: first.name, form: none };
}

/** Ways in which the release's version can stand in a tag: with and without its `v`, build metadata as `-x` or cut. */
function spellings(event: ReleaseEvent, first: TagEntry): string[] {
  const names = [tagOf(event.ref), first.name].filter((name) => name !== undefined);
  // From every number on: `py3-v1.2.3` has a number before its version.
  const versions = names.flatMap((name) =>
    [...name.matchAll(/(?<![\d.])\d/g)].map(({ index }) => name.slice(index)),
  );
  return versions.flatMap((text) => [text.replace("+", "-"), text.replace(/\+.*$/, "")]);
}
