import type { ImageConfig } from "./config";
import type { RequestedTag } from "./release-intent";
import { evaluateTagRules, type TagRulesResult } from "./tag-rules/evaluate";
import { type ReleaseEvent, tagOf } from "./tag-rules/event";
import { parseFlavor } from "./tag-rules/inputs";
import { cleanTag, type TagEntry } from "./tag-rules/rule-tag";
import { isForVersions, isVersionRule, parseTagRules } from "./tag-rules/tag-rule";
import { compareVersions, parseVersion, type Version, type VersionForm } from "./versions";

export function requestedTags(entries: readonly TagEntry[]): RequestedTag[] {
  return entries.map((entry) => ({
    name: entry.name,
    class: entry.class,
    line: isRawLatest(entry) ? {} : entry.line,
  }));
}

/** `type=raw,value=latest` means the newest of all versions, as the flavor's `latest` does. */
function isRawLatest({ rule, class: tagClass }: TagEntry): boolean {
  return rule.type === "raw" && rule.value === "latest" && tagClass === "floating";
}

/**
 * Finds the version being released, and how tags write it, from the first version tag: the text of its rule without a
 * leading `v`. In a raw rule's text, the git tag or dispatched input is the version as a whole: `release-1.10`.
 */
export function versionAndForm(
  entries: readonly TagEntry[],
  event: ReleaseEvent,
): { readonly version?: string; readonly form: VersionForm } {
  const first = entries.find((entry) => entry.class === "version");
  if (first === undefined) return versionWithoutTag(entries, event);
  const { prefix = "", suffix = "", ...reading } = first.form ?? {};
  const { name, rule } = first;
  const own = name.slice(prefix.length, name.length - suffix.length);
  const names = releasedNames(event);
  const [released] =
    rule.type === "raw" ? longestFirst(names.map(cleanTag).filter((text) => name.includes(text))) : [];
  const start = released === undefined ? prefix.length : name.indexOf(released);
  const text = released ?? own;
  const version = text.replace(isVersionRule(rule) ? BEFORE_VERSION : /^v(?=[0-9])/i, "");
  return {
    version,
    form: {
      ...reading,
      // A tag cannot contain `+`, so semver's build metadata would look like a pre-release.
      ...(names.some((released) => released.includes("+")) ? { builds: true } : {}),
      prefix: name.slice(0, start + text.length - version.length),
      suffix: name.slice(start + text.length),
    },
  };
}

/** If only parts of a version are tags (`{{major}}`), the git tag is the version that decides whether they move. */
function versionWithoutTag(
  entries: readonly TagEntry[],
  { ref }: ReleaseEvent,
): { readonly version?: string; readonly form: VersionForm } {
  const part = entries.find(({ line, rule }) => line !== undefined && "value" in rule && rule.value === "");
  const { prefix: _, suffix: __, ...reading } = part?.form ?? { prefix: "", suffix: "" };
  const form = { prefix: "", suffix: "", ...reading };
  const tag = part === undefined ? undefined : tagOf(ref);
  return tag === undefined ? { form } : { version: cleanTag(tag).replace(/^v(?=[0-9])/i, ""), form };
}

/** The text before the version in patterns such as `app-{{version}}` or `v{{version}}`. */
const BEFORE_VERSION = /^(?:[A-Za-z].*?(?=[0-9]+\.[0-9])|v(?=[0-9]))/i;

/** Otherwise a short input (`node_version`, `2`) would be found inside the version. */
function longestFirst(texts: readonly string[]): string[] {
  return [...texts].sort((a, b) => b.length - a.length);
}

/** The names under which the release was requested: the git tag and dispatched inputs. */
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
 * Reads a release's name (`v1.2.3`, `standalone-v0.2.1`) as a version of an image, without the form. Undefined if the
 * image's rules make no version of it, for example because it belongs to another lane.
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

/**
 * Finds the git tag that is an image's release: the highest version among those that its rules read. Without an order,
 * `1.2.3` outranks `147`, both outrank a version after a word (`build-7`), and that outranks a name without numbers.
 */
export function releaseTag(
  image: ImageConfig,
  tags: readonly string[],
  event: ReleaseEvent,
  now: Date,
): string | undefined {
  if (tags.length === 0) return undefined;
  const entriesOf = (ref: string) => imageRules(image, { ...event, ref }, now).entries;
  // A rule that gives the same tag without a git tag does not read git tags.
  const always = new Set(entriesOf("").map(({ name }) => name));
  const read = tags.flatMap((tag) => {
    const ref = `refs/tags/${tag}`;
    const entries = entriesOf(ref).filter(({ name }) => !always.has(name));
    if (!entries.some(({ class: tagClass, rule }) => tagClass === "version" || isForVersions(rule)))
      return [];
    const { version = tag, form } = versionAndForm(entries, { ...event, ref });
    return [{ tag, version: parseVersion(version, form) }];
  });
  const [first, ...others] = read;
  return others.reduce((best, other) => (outranks(other.version, best?.version) ? other : best), first)?.tag;
}

/** @param a undefined for a name without a version */
function outranks(a: Version | undefined, b: Version | undefined): boolean {
  const order = a === undefined || b === undefined ? undefined : compareVersions(a, b);
  return order === undefined ? rankOf(a) > rankOf(b) : order > 0;
}

function rankOf(version: Version | undefined): number {
  if (version === undefined) return 0;
  if (!version.form.startsWith("N")) return 1;
  return version.form === "N" ? 2 : 3;
}
