import type { ImageConfig } from "./config";
import { imageRules, requestedTags, versionAndForm } from "./image-tags";
import { existingVersions } from "./tag-policy";
import { type ReleaseEvent, tagOf } from "./tag-rules/event";
import { cleanTag } from "./tag-rules/rule-tag";
import {
  compareVersions,
  isPrerelease,
  numbersOf,
  parseVersion,
  tagOfVersion,
  type Version,
  type VersionForm,
  type VersionLine,
} from "./versions";

/** A floating tag that follows versions, and the newest version that exists in its line. */
export interface FloatingTag {
  readonly name: string;
  readonly line: VersionLine;
  readonly form: VersionForm;
  /** Without the form. */
  readonly version: string;
}

interface FloatingTagsInput {
  readonly image: ImageConfig;
  readonly event: ReleaseEvent;
  readonly now: Date;
  /** Every tag in the image's repositories. */
  readonly names: readonly string[];
  /** Every tag of the git repository. */
  readonly gitTags: readonly string[];
  /** Versions that never count as the newest, without the form. */
  readonly bad: readonly string[];
  /** Whether a pre-release moves floating tags as any other version does. */
  readonly prereleases: boolean;
}

/** How the git tags of an image's versions are spelled, and how the registry's tags are. */
interface Spelling {
  readonly git: VersionForm;
  readonly tag: VersionForm;
  /** One of the versions; only those of its form can be ordered. */
  readonly sample: Version;
}

/** Git tags that are tried until one is a version of the image. */
const MOST_TRIED = 50;

/**
 * Every floating tag that the image's rules give to a version that exists, each with the newest version of its line: where
 * the tag belongs, whatever is released now.
 */
export function floatingTags(input: FloatingTagsInput): FloatingTag[] {
  const spelling = spellingOf(input);
  if (spelling === undefined) return [];
  const tags = new Map<string, FloatingTag>();
  const unordered = new Set<string>();
  for (const { text, form } of newestOfMinors(input, spelling)) {
    const isOrdered = form === spelling.sample.form;
    const { entries } = rulesFor(input, tagOfVersion(text, spelling.git));
    const own = tagOfVersion(text, spelling.tag);
    if (!entries.some((entry) => entry.class === "version" && entry.name === own)) continue;
    for (const { name, class: tagClass, line } of requestedTags(entries)) {
      if (tagClass !== "floating" || line === undefined || tags.has(name)) continue;
      if (isOrdered) tags.set(name, { name, line, form: spelling.tag, version: text });
      else unordered.add(name);
    }
  }
  return [...tags.values()].filter(({ name }) => !unordered.has(name));
}

/**
 * Versions of other forms first, which share their floating tags with no order between them; then the newest version of
 * each minor line, newest first; no other can be the newest of any line.
 */
function newestOfMinors(
  { names, gitTags, bad, prereleases }: FloatingTagsInput,
  { git, tag, sample }: Spelling,
): Version[] {
  const badVersions = existingVersions(bad, { ...tag, prefix: "", suffix: "" });
  const isBad = (version: Version) => badVersions.some((one) => compareVersions(one, version) === 0);
  const counting = existingVersions(names, tag).filter(
    (version) => (prereleases || !isPrerelease(version)) && !isBad(version),
  );
  const foreign = counting.filter(({ form }) => form !== sample.form);
  // Most images have none, and a repository has many tags.
  const inGit = new Set(foreign.length === 0 ? [] : gitTags.map(cleanTag));
  const others = new Map<string, Version>();
  for (const version of foreign)
    if (inGit.has(tagOfVersion(version.text, git))) others.set(version.form, version);
  const newest = new Map<string, Version>();
  const ordered = counting.filter(({ form }) => form === sample.form);
  for (const version of ordered.sort((a, b) => compareVersions(b, a) ?? 0)) {
    const numbers = numbersOf(version);
    // A fourth number or a build gives each patch a line of its own.
    const isLonger = numbers.length > 3 || version.build.length > 0;
    const line = numbers.slice(0, isLonger ? 3 : 2).join(".");
    if (!newest.has(line)) newest.set(line, version);
  }
  return [...others.values(), ...newest.values()];
}

/** From the tag that is released, else from a git tag whose version the registry has. */
function spellingOf(input: FloatingTagsInput): Spelling | undefined {
  for (const git of spelledTags(input)) {
    const { entries, event } = rulesFor(input, git);
    const { version = "", form } = versionAndForm(entries, event);
    const sample = parseVersion(version, form);
    // A folder in a git tag is `-` in the version.
    const written = git.includes(version) ? git : cleanTag(git);
    const at = written.indexOf(version);
    if (sample === undefined || at === -1) continue;
    const spelled = { prefix: written.slice(0, at), suffix: written.slice(at + version.length) };
    return { git: spelled, tag: form, sample };
  }
  return undefined;
}

/** Git tags to learn the spelling from, the likeliest first; each is only looked for if the ones before gave none. */
function* spelledTags({ names, gitTags, event }: FloatingTagsInput): Generator<string> {
  const released = tagOf(event.ref);
  if (released !== undefined) yield released;
  const versions = new Set(names.map(withoutWord));
  const isKnown = (tag: string) => versions.has(withoutWord(tag));
  yield* gitTags.filter(isKnown).reverse();
  yield* gitTags
    .filter((tag) => !isKnown(tag))
    .reverse()
    .slice(0, MOST_TRIED);
}

function withoutWord(tag: string): string {
  return tag.replace(/^\D*/, "");
}

/** What an image's rules give for a git tag that is pushed. */
export function rulesFor(
  { image, event, now }: Pick<FloatingTagsInput, "image" | "event" | "now">,
  gitTag: string,
) {
  const pushed = { ...event, eventName: "push", inputs: {}, ref: `refs/tags/${gitTag}` };
  return { entries: imageRules(image, pushed, now).entries, event: pushed };
}
