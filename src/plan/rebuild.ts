import type { ImageConfig } from "./config";
import type { Digest } from "./digest";
import { rulesFor } from "./floating-tags";
import { versionAndForm } from "./image-tags";
import { type ContentInput, movedReferences, sightings } from "./planned-content";
import { type VerifiedImage, verifiedImage } from "./registry-state";
import type { ImageIntent } from "./release-intent";
import type { PlannedContent } from "./release-plan";
import { isStatementOf } from "./statement";
import { existingVersions } from "./tag-policy";
import { type ReleaseEvent, tagOf } from "./tag-rules/event";
import type { TagEntry } from "./tag-rules/rule-tag";
import { parseTagRules } from "./tag-rules/tag-rule";
import {
  compareVersions,
  isPrerelease,
  newest,
  parseVersion,
  tagOfVersion,
  type Version,
  type VersionForm,
  versionOfTag,
} from "./versions";

/** The rebuilds of a version: the same source under the next suffix, `v1.2.3-r1` or `v1.15.12b`. */
export interface Rebuild {
  /** The version tag of the newest rebuild. */
  readonly newest?: string;
  /** The name to release the next rebuild by; absent if the tag rules accept none. */
  readonly next?: string;
  /** The name that the semver rules would accept with `slipway-suffix=build`, if they accept none without it. */
  readonly withBuilds?: string;
}

interface RebuildInput {
  readonly image: ImageConfig;
  readonly event: ReleaseEvent;
  readonly now: Date;
  /** All tags in the image's repositories that count. */
  readonly names: readonly string[];
  /** The released version, without the form. */
  readonly version?: string;
  readonly form: VersionForm;
}

/**
 * Finds the newest rebuild of the released version, and the name of the next one by the image's tag rules: a newer
 * version tag that moves all floating tags of the version.
 */
export function rebuildOf(input: RebuildInput): Rebuild {
  const { image, event, names, form } = input;
  const own = parseVersion(input.version ?? "", form);
  if (own === undefined || isPrerelease(own)) return {};
  const found = newest(existingVersions(names, form).filter((version) => isRebuild(version, own)));
  const last = found === undefined ? {} : { newest: tagOfVersion(found.text, form) };
  const gitTag = tagOf(event.ref) ?? "";
  const at = gitTag.lastIndexOf(fromFirstDigit(own.text));
  if (at === -1) return last;
  const [before, after] = [gitTag.slice(0, at), gitTag.slice(at + fromFirstDigit(own.text).length)];
  const candidates = nextTexts(found ?? own).map((text) => before + fromFirstDigit(text) + after);
  const next = candidates.find((name) => isNext(input, gitTag, found ?? own, name));
  if (next !== undefined) return { ...last, next };
  // A lane's tag rules are not written by the user, who could not change them.
  if (image.lane !== undefined) return last;
  const tags = withBuildSuffix(image.tags);
  const other = { ...input, image: { ...image, tags } };
  const withBuilds = candidates.find((name) => isNext(other, gitTag, own, name));
  return withBuilds === undefined ? last : { ...last, withBuilds };
}

/** A word before the version can be different in git: `release/1.10` is `release-1.10` as a tag. */
function fromFirstDigit(text: string): string {
  return text.slice(text.search(/[0-9]/));
}

function isRebuild(version: Version, own: Version): boolean {
  const isSame = version.runs.flat().join() === own.runs.flat().join();
  return isSame && !isPrerelease(version) && compareVersions(version, own) === 1;
}

/**
 * Possible names of the next rebuild: `1.2.3-r1` or `1.2.3b` after `1.2.3`, then the next number or letter. A last number of
 * four or more digits is a date, so `.1` is appended.
 */
function nextTexts({ text, build, rebuild }: Version): string[] {
  if (build.length > 0) {
    const [number] = /(?<![0-9])[0-9]{1,3}$/.exec(text) ?? [];
    return [number === undefined ? `${text}.1` : `${text.slice(0, -number.length)}${Number(number) + 1}`];
  }
  if (rebuild === "") return [`${text}-r1`, `${text}b`];
  if (rebuild.endsWith("z")) return [`${text}a`];
  return [text.slice(0, -1) + String.fromCharCode(text.charCodeAt(text.length - 1) + 1)];
}

function isNext(input: RebuildInput, gitTag: string, last: Version, name: string): boolean {
  const { entries: before } = rulesFor(input, gitTag);
  const { entries, event } = rulesFor(input, name);
  const { version = "", form } = versionAndForm(entries, event);
  const next = parseVersion(version, form);
  const tags = namesIn(entries, "version");
  const floating = namesIn(entries, "floating");
  return (
    next !== undefined &&
    isRebuild(next, last) &&
    tags.length > 0 &&
    !tags.some((tag) => input.names.includes(tag)) &&
    namesIn(before, "floating").every((tag) => floating.includes(tag))
  );
}

function namesIn(entries: readonly TagEntry[], of: TagEntry["class"]): string[] {
  return entries.filter((entry) => entry.class === of).map(({ name }) => name);
}

function withBuildSuffix(tags: readonly string[]): string[] {
  return parseTagRules(tags).map(({ type, text, builds }) =>
    type === "semver" && builds !== true ? `${text},slipway-suffix=build` : text,
  );
}

/** A base whose reference has moved since a release was built on it. */
export interface MovedBase {
  readonly image: string;
  /** The tag that was built on `from`: that of the version's newest build, or the base image's own. */
  readonly built: string;
  /** Its reference in the Dockerfile. */
  readonly base: string;
  readonly from: Digest;
  readonly to: Digest;
  /** The name of the version's next rebuild, which is built on `to`. */
  readonly rebuild?: string;
  readonly hint: string;
}

/** The moved bases of a released version, or of a base image that is found by its files. */
export function movedBases(
  input: ContentInput,
  content: PlannedContent,
  verified: VerifiedImage | undefined,
): MovedBase[] {
  const { intent } = input;
  const built = builtOn(input, content, verified);
  if (built === undefined) return [];
  const { name, bases } = built;
  return movedReferences({ bases }, intent).flatMap((base) => {
    const [from, to] = [bases[base], intent.bases[base]];
    if (from === undefined || to === undefined) return [];
    const rebuild = intent.image.addressed === undefined ? intent.rebuild?.next : undefined;
    const what = { image: intent.name, built: name, base, from, to };
    return [{ ...what, ...(rebuild === undefined ? {} : { rebuild }), hint: hintFor(intent, base, to) }];
  });
}

/** The bases of the newest build, as a trusted signer or this stack's state names them. */
function builtOn(
  input: ContentInput,
  content: PlannedContent,
  verified: VerifiedImage | undefined,
): { readonly name: string; readonly bases: Readonly<Record<string, Digest>> } | undefined {
  const { intent, verification } = input;
  if (content.from === "candidate" && intent.image.addressed !== undefined)
    return { name: content.tag, bases: verified?.claim?.bases ?? {} };
  if (content.from !== "version-tag") return undefined;
  const name = intent.rebuild?.newest ?? content.tag;
  const version = name === content.tag ? intent.version : versionOfTag(name, intent.form)?.text;
  const [stated] = sightings(input)
    .filter(({ tag }) => tag === name)
    .flatMap(({ repository, image }) => verifiedImage(verification, repository, image)?.statements ?? [])
    .filter((statement) => isStatementOf(statement, { ...intent, version }));
  return { name, bases: stated?.bases ?? {} };
}

function hintFor({ image, rebuild }: ImageIntent, base: string, to: Digest): string {
  if (image.addressed !== undefined) {
    return `Its tag is made from its files: write FROM ${base}@${to} in its Dockerfile, and release another version`;
  }
  if (rebuild?.next !== undefined) return `Release ${rebuild.next} to rebuild it`;
  const another = "Release another version to rebuild it";
  return rebuild?.withBuilds === undefined
    ? another
    : `${another}. With slipway-suffix=build on the semver rules, a version can be rebuilt itself, as ${rebuild.withBuilds}`;
}
