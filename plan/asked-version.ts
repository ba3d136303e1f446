import { imageRules } from "./bad-versions";
import type { Config } from "./config";
import type { Problem } from "./problem";
import type { ImageIntent } from "./release-intent";
import { parseTagRules, type ReleaseEvent, type TagRule } from "./tag-rules";

export interface AskedVersionInput {
  readonly config: Config;
  readonly intents: readonly ImageIntent[];
  readonly event: ReleaseEvent;
  readonly now: Date;
}

/**
 * A version was asked for (`slipway:version`, RELEASE_TAG), images have rules for versions, and none of them takes it
 * for one (code `version-without-tag`): a slip of the pen, which would release a commit's tags and no more.
 *
 * A git tag at HEAD that is no version requests nothing. One image with the version is enough: the others may have
 * versions of their own. A lane has its own check, and `publishVersionTag` says what is to be where it is set.
 */
export function askedVersionProblems({ config, intents, event, now }: AskedVersionInput): Problem[] {
  const { version, publishVersionTag, lane } = config;
  if (version === undefined || publishVersionTag !== undefined || lane !== undefined) return [];
  // What is promoted or gone back to has a version of its own, which other checks hold against the one asked for.
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
        `but by the tag rules of ${versioned.map(({ name }) => name).join(", ")} it is no version`,
      hint: "Write it as the rules want it, e.g. v1.2.3; or set slipway:publishVersionTag to false, to write no version tag",
    },
  ];
}

/** Whether a rule takes what is released apart, and so may find no version in it. */
function isForVersions({ type, enable }: TagRule): boolean {
  return enable === "true" && (type === "semver" || type === "pep440" || type === "match");
}
