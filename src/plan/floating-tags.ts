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

/** A floating tag, and the newest existing version of its line. */
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
  /** All tags in the image's repositories. */
  readonly names: readonly string[];
  /** All tags of the git repository. */
  readonly gitTags: readonly string[];
  /** Versions that never count as the newest, without the form. */
  readonly bad: readonly string[];
  /** Whether pre-releases move floating tags too. */
  readonly prereleases: boolean;
}

/** How an image's versions are written as git tags, and as tags in registries. */
interface Spelling {
  readonly git: VersionForm;
  readonly tag: VersionForm;
  /** One of the versions. Only those of its form can be ordered. */
  readonly sample: Version;
}

/** The most git tags that are tried to find one that is a version of the image. */
const MOST_TRIED = 50;

/**
 * Finds every floating tag that the image's rules give to an existing version, each with the newest version of its line.
 * That is where the tag belongs, whichever version is released now.
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
 * Selects the versions that can be the newest of a line: the newest of each minor line, newest first. Before them come
 * versions of other forms, whose floating tags belong to no version, since nothing orders them.
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
  // Most images have no foreign versions, while a repository can have many tags.
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

/** Learns the spelling from the git tag that is released, or from one whose version the registry has. */
function spellingOf(input: FloatingTagsInput): Spelling | undefined {
  for (const git of spelledTags(input)) {
    const { entries, event } = rulesFor(input, git);
    const { version = "", form } = versionAndForm(entries, event);
    const sample = parseVersion(version, form);
    // A `/` in a git tag is a `-` in the version.
    const written = git.includes(version) ? git : cleanTag(git);
    const at = written.indexOf(version);
    if (sample === undefined || at === -1) continue;
    const spelled = { prefix: written.slice(0, at), suffix: written.slice(at + version.length) };
    return { git: spelled, tag: form, sample };
  }
  return undefined;
}

/** Git tags to learn the spelling from, the likeliest first. Lazy, because a repository can have many. */
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

/** Evaluates an image's rules for a pushed git tag. */
export function rulesFor(
  { image, event, now }: Pick<FloatingTagsInput, "image" | "event" | "now">,
  gitTag: string,
) {
  const pushed = { ...event, eventName: "push", inputs: {}, ref: `refs/tags/${gitTag}` };
  return { entries: imageRules(image, pushed, now).entries, event: pushed };
}
