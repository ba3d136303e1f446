import type { Config } from "./config";
import { imageRules } from "./image-tags";
import type { Problem } from "./problem";
import type { ImageIntent, RequestedTag } from "./release-intent";
import type { ReleaseEvent } from "./tag-rules/event";
import { isForVersions, parseTagRules } from "./tag-rules/tag-rule";

/**
 * Refuses a requested version (`slipway:version`, RELEASE_TAG) that the version rules of no image accept (code
 * `version-without-tag`). It is probably a typing error, and only a commit's tags would be released.
 *
 * One image that accepts it is enough: the others may have versions of their own. Lanes have their own check, and with
 * `publishVersionTag` the settings say what should happen.
 */
export function askedVersionProblems({
  config,
  intents,
  event,
  now,
}: {
  readonly config: Config;
  readonly intents: readonly ImageIntent[];
  readonly event: ReleaseEvent;
  readonly now: Date;
}): Problem[] {
  const { version, publishVersionTag, lane } = config;
  if (version === undefined || publishVersionTag !== undefined || lane !== undefined) return [];
  // Promoted content and rollbacks have a version already, which other checks compare with the requested one.
  if (intents.some(({ existing }) => existing !== undefined)) return [];
  const versioned = intents.filter(({ image }) => parseTagRules(image.tags).some(isForVersions));
  if (versioned.length === 0) return [];
  const taken = intents.some(({ image }) =>
    imageRules(image, event, now).entries.some(
      ({ class: tagClass, rule }) => tagClass === "version" || isForVersions(rule),
    ),
  );
  if (taken) return [];
  const origin = config.origins.version;
  return [
    {
      code: "version-without-tag",
      path: "version",
      message:
        `${JSON.stringify(version)} was asked for${origin === undefined ? "" : ` (${origin})`}, ` +
        `but no tag rule of ${versioned.map(({ name }) => name).join(", ")} accepts it as a version`,
      hint: "Use a form that a rule accepts, e.g. v1.2.3; or set slipway:publishVersionTag to false, to write no version tag",
    },
  ];
}

/** The part of a checkout's state that `gitTagProblems` needs. */
export interface TagFacts {
  readonly revision: string;
  readonly tagsAtHead: readonly string[];
  /** The tags at HEAD that the rules of a released image read. */
  readonly releaseTags: readonly string[];
  readonly dirty: boolean;
  /** Some of the changed paths, for the message. */
  readonly dirtyPaths: readonly string[];
  /** The git tag of the released version, with or without its `v`. */
  readonly tag?: { readonly name: string; readonly commit: string };
  readonly shallow?: boolean;
}

export interface GitTagInput {
  /** `slipway:requireTag`. Without it, the version needs no git tag. */
  readonly requireTag: boolean;
  /** From `slipway:version` or RELEASE_TAG. @default any tag at HEAD that is a release by the rules */
  readonly version?: string;
  readonly git: TagFacts;
}

/**
 * If the version's git tag exists, HEAD has to be its commit: otherwise another commit would take the version for good.
 * With `requireTag`, the tag has to exist and the working tree has to be clean.
 */
export function gitTagProblems({ requireTag, version, git }: GitTagInput): Problem[] {
  return [
    tagElsewhere(version, git) ?? (requireTag ? missingTag(version, git) : []),
    requireTag ? (treeProblem(git) ?? []) : [],
  ].flat();
}

function headOf(git: TagFacts): string {
  const tags = git.tagsAtHead.length === 0 ? "and has no tag" : `with ${git.tagsAtHead.join(", ")}`;
  return `HEAD is ${git.revision.slice(0, 12)} ${tags}`;
}

function tagElsewhere(version: string | undefined, git: TagFacts): Problem | undefined {
  const { tag } = git;
  if (tag === undefined || tag.commit === git.revision) return undefined;
  return {
    code: "source-tag-elsewhere",
    path: version === undefined ? "GITHUB_REF" : "version",
    message: `the tag ${JSON.stringify(tag.name)} is ${tag.commit.slice(0, 12)}, but ${headOf(git)}`,
    hint: `Check it out: git checkout ${tag.name}`,
  };
}

function missingTag(version: string | undefined, git: TagFacts): Problem | [] {
  if (version === undefined) {
    if (git.releaseTags.length > 0) return [];
    const unread = git.tagsAtHead.length === 0 ? "" : ", which no tag rule reads as a release";
    return {
      code: "source-tag-required",
      path: "requireTag",
      message: `a tag is required, but ${headOf(git)}${unread}, and no version is asked for`,
      hint: "Check out the tag to release, or name it: RELEASE_TAG=v1.2.3",
    };
  }
  const name = JSON.stringify(version);
  if (git.tagsAtHead.includes(version) || git.tag?.name === version) return [];
  const near = git.tagsAtHead.find((tag) => tag === `v${version}` || `v${tag}` === version);
  const shallow = git.shallow ? "This clone is shallow. " : "";
  return {
    code: "source-tag-missing",
    path: "version",
    message: `there is no tag ${name} in this repository; ${headOf(git)}`,
    hint:
      near === undefined
        ? `${shallow}Fetch it (git fetch --tags) or make it (git tag ${version})`
        : `Did you mean ${JSON.stringify(near)}?`,
  };
}

function treeProblem({ dirty, dirtyPaths }: TagFacts): Problem | undefined {
  if (!dirty) return undefined;
  const shown = dirtyPaths.slice(0, 5).map((path) => JSON.stringify(path));
  const rest = dirtyPaths.length > shown.length ? ", …" : "";
  return {
    code: "source-dirty",
    path: "requireTag",
    message: `the working tree differs from its commit: ${shown.join(", ")}${rest}`,
    hint: "Commit, stash or ignore these changes (git status shows all of them)",
  };
}

/** Leaves out version tags if `slipway:publishVersionTag` is false. */
export function publishedTags(tags: readonly RequestedTag[], publish: boolean | undefined): RequestedTag[] {
  return tags.filter((tag) => publish !== false || tag.class !== "version");
}

/** Refuses a release without a version tag if one is required (code `version-tag-missing`). */
export function versionTagProblems(
  { publishVersionTag }: Pick<Config, "publishVersionTag">,
  intents: readonly Pick<ImageIntent, "name" | "image" | "tags" | "existing">[],
): Problem[] {
  if (publishVersionTag !== true) return [];
  // A base has no version, and content that exists was released before.
  const built = intents.filter(
    ({ image, existing }) => image.addressed === undefined && existing === undefined,
  );
  const [first, ...others] = built.filter(({ tags }) => !tags.some((tag) => tag.class === "version"));
  if (first === undefined) return [];
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  return [
    {
      code: "version-tag-missing",
      path: "publishVersionTag",
      message: `a version tag is required, but this release of ${first.name}${more} has no version`,
      hint: "Name the version (RELEASE_TAG=v1.2.3, CI_IMAGE_TAG=2025.11.0, or a git tag at HEAD), or set slipway:publishVersionTag to false",
    },
  ];
}

/** Refuses a lane's release that would get no tag because it has no version (code `version-tag-missing`). */
export function laneTagProblems(
  { lane }: Pick<Config, "lane">,
  intents: readonly Pick<ImageIntent, "name" | "image" | "tags" | "existing">[],
): Problem[] {
  const released = intents.filter(({ image }) => image.addressed === undefined);
  const [first] = released;
  if (lane === undefined || first === undefined) return [];
  if (released.some(({ tags, existing }) => tags.length > 0 || existing !== undefined)) return [];
  return [
    {
      code: "version-tag-missing",
      path: "lane",
      message: `this release of ${first.name} has no version of the lane ${lane.name}, so it would get no tag`,
      hint: `Name the version (TAG=${lane.form.prefix}0.2.1), or push a git tag ${lane.trigger}0.2.1`,
    },
  ];
}
