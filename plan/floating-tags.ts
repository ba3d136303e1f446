import type { ImageConfig } from "./config";
import { imageRules, versionAndForm, wantedTags } from "./image-tags";
import { existingVersions, tagOfVersion, type VersionForm } from "./tag-policy";
import { type ReleaseEvent, tagOf } from "./tag-rules/event";
import { compareVersions, isPrerelease, type Version, type VersionLine } from "./versions";

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
  for (const { text } of newestOfMinors(input, spelling.tag)) {
    const { entries } = rulesFor(input, tagOfVersion(text, spelling.git));
    const own = tagOfVersion(text, spelling.tag);
    if (!entries.some((entry) => entry.class === "version" && entry.name === own)) continue;
    for (const { name, class: tagClass, line } of wantedTags(entries)) {
      if (tagClass !== "floating" || line === undefined || tags.has(name)) continue;
      tags.set(name, { name, line, form: spelling.tag, version: text });
    }
  }
  return [...tags.values()];
}

/** The newest version of each minor line, newest first; no other can be the newest of any line. */
function newestOfMinors({ names, bad, prereleases }: FloatingTagsInput, form: VersionForm): Version[] {
  const isBad = (version: Version) =>
    existingVersions(bad, { prefix: "", suffix: "" }).some((one) => compareVersions(one, version) === 0);
  const counting = existingVersions(names, form)
    .filter((version) => (prereleases || !isPrerelease(version)) && !isBad(version))
    .sort((a, b) => compareVersions(b, a));
  const newest = new Map<string, Version>();
  for (const version of counting) {
    const minor = `${version.scheme} ${version.major}.${version.minor}`;
    if (!newest.has(minor)) newest.set(minor, version);
  }
  return [...newest.values()];
}

/** From the tag that is released, else from a git tag whose version the registry has. */
function spellingOf(input: FloatingTagsInput): Spelling | undefined {
  const versions = new Set(input.names.map(withoutWord));
  const known = input.gitTags.filter((tag) => versions.has(withoutWord(tag)));
  const others = input.gitTags.filter((tag) => !versions.has(withoutWord(tag)));
  const released = tagOf(input.event.ref);
  for (const git of [released ?? [], known.reverse(), others.reverse().slice(0, MOST_TRIED)].flat()) {
    const { entries, event } = rulesFor(input, git);
    const { version, form } = versionAndForm(entries, event);
    const at = version === undefined ? -1 : git.indexOf(version);
    if (version === undefined || at === -1) continue;
    return { git: { prefix: git.slice(0, at), suffix: git.slice(at + version.length) }, tag: form };
  }
  return undefined;
}

function withoutWord(tag: string): string {
  return tag.replace(/^\D*/, "");
}

function rulesFor({ image, event, now }: FloatingTagsInput, gitTag: string) {
  const pushed = { ...event, eventName: "push", inputs: {}, ref: `refs/tags/${gitTag}` };
  return { entries: imageRules(image, pushed, now).entries, event: pushed };
}
