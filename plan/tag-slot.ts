import type { WantedTag } from "./release-intent";
import type { VersionForm } from "./tag-policy";
import type { TagEntry } from "./tag-rules/evaluate";
import { type ReleaseEvent, tagOf } from "./tag-rules/event";
import type { TagRule } from "./tag-rules/tag-rule";
import { parseVersion } from "./versions";

/** The tags that rules made, with slots that name their rules: the same rule has the same slot in every release. */
export function wantedTags(entries: readonly TagEntry[]): WantedTag[] {
  const taken = new Map<string, number>();
  return entries.map((entry, index) => {
    const ofFlavor = index > 0 && entry.rule === entries[0]?.rule;
    const base = ofFlavor ? "latest" : slotName(entry);
    const count = (taken.get(base) ?? 0) + 1;
    taken.set(base, count);
    const line = isRawLatest(entry) ? {} : entry.line;
    return {
      slot: count === 1 ? base : `${base}-${count}`,
      name: entry.name,
      class: entry.class,
      ...(line === undefined ? {} : { line }),
    };
  });
}

/** `type=raw,value=latest` means what the flavor's `latest` means: all versions, the newest of them. */
function isRawLatest({ rule, class: tagClass }: TagEntry): boolean {
  return rule.type === "raw" && rule.value === "latest" && tagClass === "floating";
}

const OWN_PREFIXES: Partial<Record<TagRule["type"], string>> = { sha: "sha-", ref: "pr-" };

/** `semver-major.minor`, `semver-version-alpine`, `ref-branch`, `sha`, `raw-stable`, `latest`. */
function slotName(entry: TagEntry): string {
  const { rule } = entry;
  const prefix = rule.prefix === OWN_PREFIXES[rule.type] ? "" : rule.prefix;
  const what = isRawLatest(entry) ? ["latest"] : [rule.type, slotDetail(rule)];
  return [prefix, ...what, rule.suffix]
    .map((part) => slug(part ?? ""))
    .filter((part) => part !== "")
    .join("-");
}

function slotDetail(rule: TagRule): string {
  switch (rule.type) {
    case "schedule":
    case "semver":
    case "pep440":
    case "match":
      return rule.pattern;
    case "ref":
      return rule.event;
    case "raw":
      return rule.value;
    case "sha":
      return rule.format === "long" ? "long" : "";
    case "edge":
      return "";
  }
}

function slug(text: string): string {
  return text
    .replace(/[^A-Za-z0-9._]+/g, "-")
    .replace(/-?\.-?/g, ".")
    .replace(/^[._-]+|[._-]+$/g, "")
    .toLowerCase();
}

/**
 * The version being released and how tags spell it, from the first version tag: `v1.2.3-alpine` for version 1.2.3 is
 * prefix `v`, suffix `-alpine`. What was released distinguishes the two: the git tag, the rule's own value, a dispatched
 * input; else the tag's name itself. A name without a version in it is the version as a whole.
 */
export function versionAndForm(
  entries: readonly TagEntry[],
  event: ReleaseEvent,
): { readonly version?: string; readonly form: VersionForm } {
  const first = entries.find((entry) => entry.class === "version");
  const none = { prefix: "", suffix: "" };
  if (first === undefined) return { form: none };
  for (const spelled of releasedTexts(first, event).flatMap(spellings)) {
    const at = first.name.indexOf(spelled);
    if (at === -1) continue;
    const form = { prefix: first.name.slice(0, at), suffix: first.name.slice(at + spelled.length) };
    return { version: spelled, form };
  }
  return { version: first.name, form: none };
}

function releasedTexts({ name, rule }: TagEntry, event: ReleaseEvent): string[] {
  const value = "value" in rule && !rule.value.includes("{{") ? rule.value : "";
  const inputs = Object.entries(event.inputs).flatMap(([key, input]) =>
    /(?:tag|version)$/i.test(key) ? [input] : [],
  );
  return [tagOf(event.ref) ?? "", value, ...inputs, name];
}

/**
 * The versions that end a text, longest first, each as tags can write it: build metadata as `-x` or cut. A plain number
 * counts where no other digit stands before it: `build-147`, and not the day of `2025-11-21`.
 */
function spellings(text: string): string[] {
  const starts = [...text.matchAll(/(?<![0-9.])[0-9]/g)].map(({ index }) => index);
  return starts
    .map((start) => text.slice(start))
    .flatMap((rest) => [rest.replace("+", "-"), rest.replace(/\+.*$/, "")])
    .filter((spelled, index) => {
      const version = parseVersion(spelled);
      return version !== undefined && (version.scheme === "semver" || index < 2);
    });
}
