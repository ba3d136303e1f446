import type { ImageConfig } from "./config";
import type { WantedTag } from "./release-intent";
import { evaluateTagRules, parseFlavor, parseTagRules, type TagRulesResult } from "./tag-rules";
import type { TagEntry } from "./tag-rules/evaluate";
import { type ReleaseEvent, tagOf } from "./tag-rules/event";
import { cleanTag } from "./tag-rules/rule-tag";
import type { VersionForm } from "./versions";

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
 * The version being released and how tags spell it, from the first version tag: what its rule reads, without a `v`; of a
 * raw rule's text, what was released by name (the git tag, a dispatched input). Such a name is the version as a whole:
 * `release-1.10`, `hotfix-7`.
 */
export function versionAndForm(
  entries: readonly TagEntry[],
  event: ReleaseEvent,
): { readonly version?: string; readonly form: VersionForm } {
  const first = entries.find((entry) => entry.class === "version");
  const { prefix = "", suffix = "", ...reading } = first?.form ?? {};
  if (first === undefined) return { form: { prefix, suffix } };
  const { name, rule } = first;
  const own = name.slice(prefix.length, name.length - suffix.length);
  const names = releasedNames(event);
  const released = rule.type === "raw" ? names.map(cleanTag).find((text) => name.includes(text)) : undefined;
  const start = released === undefined ? prefix.length : name.indexOf(released);
  const text = released ?? own;
  const version = text.replace(isVersionRule(rule) ? BEFORE_VERSION : /^v(?=[0-9])/i, "");
  return {
    version,
    form: {
      ...reading,
      // A tag has no `+`, and semver's build metadata must not look like a pre-release.
      ...(names.some((released) => released.includes("+")) ? { builds: true } : {}),
      prefix: name.slice(0, start + text.length - version.length),
      suffix: name.slice(start + text.length),
    },
  };
}

/** What a pattern such as `app-{{version}}` or `v{{version}}` has before the version. */
const BEFORE_VERSION = /^(?:[A-Za-z].*?(?=[0-9]+\.[0-9])|v(?=[0-9]))/i;

function isVersionRule({ type }: TagEntry["rule"]): boolean {
  return type === "semver" || type === "pep440";
}

/** By what names a person or a pipeline said what is released. */
function releasedNames({ ref, inputs }: ReleaseEvent): string[] {
  const dispatched = Object.entries(inputs).flatMap(([key, input]) =>
    /(?:tag|version)$/i.test(key) ? [input] : [],
  );
  return [tagOf(ref) ?? "", ...dispatched].filter((name) => name !== "");
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
