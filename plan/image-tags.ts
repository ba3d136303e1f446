import type { ImageConfig } from "./config";
import type { WantedTag } from "./release-intent";
import type { VersionForm } from "./tag-policy";
import { evaluateTagRules, parseFlavor, parseTagRules, type TagRulesResult } from "./tag-rules";
import type { TagEntry } from "./tag-rules/evaluate";
import { type ReleaseEvent, tagOf } from "./tag-rules/event";
import { parseVersion } from "./versions";

export function wantedTags(entries: readonly TagEntry[]): WantedTag[] {
  return entries.map((entry) => ({
    name: entry.name,
    class: entry.class,
    line: isRawLatest(entry) ? {} : entry.line,
  }));
}

/** `type=raw,value=latest` means what the flavor's `latest` means: all versions, the newest of them. */
function isRawLatest({ rule, class: tagClass }: TagEntry): boolean {
  return rule.type === "raw" && rule.value === "latest" && tagClass === "floating";
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

export function imageRules(image: ImageConfig, event: ReleaseEvent, now: Date): TagRulesResult {
  return evaluateTagRules({
    rules: parseTagRules(
      image.tags,
      image.at === undefined ? `the tags of ${image.name}` : `slipway:${image.at}.tags`,
    ),
    flavor: parseFlavor(image.flavor),
    event,
    images: [],
    now,
    labels: image.extraLabels,
  });
}

/**
 * What a release's name (`v1.2.3`, `standalone-v0.2.1`) is as a version of an image, without the form; undefined where
 * the image's rules make no version of it, as with another lane's.
 */
export function versionUnder(
  image: ImageConfig,
  name: string,
  event: ReleaseEvent,
  now: Date,
): string | undefined {
  const named = { ...event, ref: `refs/tags/${name}` };
  return versionAndForm(imageRules(image, named, now).entries, named).version;
}
