import type { Problem } from "./problem";
import { repositoryKey } from "./reference";
import type { ImageIntent } from "./release-intent";
import { evaluateTagRules } from "./tag-rules/evaluate";
import type { ReleaseEvent } from "./tag-rules/event";
import { parseFlavor } from "./tag-rules/inputs";
import { parseTagRules } from "./tag-rules/tag-rule";
import { compareVersions, parseVersion, type Version, type VersionForm } from "./versions";

/** An independent family of an image's tags, with its own form of versions, floating tag and trigger. */
export interface Lane {
  readonly name: string;
  /** How a version is written as an image's tag. The format `standalone-vX.Y.Z` has the prefix `standalone-v`. */
  readonly form: VersionForm;
  /** What a git tag of this lane has before the version: `docker-v` for `docker-v*`. */
  readonly trigger: string;
  /** The tag that points to the lane's newest version: `standalone-latest`. */
  readonly floating: string;
  readonly tags: readonly string[];
  readonly flavor: readonly string[];
}

/** Reads the version from an image's tag (`standalone-v0.2.1`) or a git tag (`docker-v0.2.1`) of a lane. */
export function laneVersion({ form, trigger }: Lane, name: string): Version | undefined {
  for (const prefix of [form.prefix, trigger]) {
    const rest = name.startsWith(prefix) ? name.slice(prefix.length) : "";
    // The prefix already has the `v`: otherwise `vv1.0.0` would be a version too.
    const version = /^[0-9]/.test(rest) ? parseVersion(rest) : undefined;
    if (version?.scheme === "semver") return version;
  }
  return undefined;
}

export function laneGitTag({ trigger }: Lane, version: Version): string {
  return `${trigger}${version.text}`;
}

/** The git tags that trigger a lane, the highest version first. */
export function laneTags(lane: Lane, tags: readonly string[]): string[] {
  return tags
    .flatMap((tag) => {
      const version = tag.startsWith(lane.trigger) ? laneVersion(lane, tag) : undefined;
      return version === undefined ? [] : [{ tag, version }];
    })
    .sort((a, b) => compareVersions(b.version, a.version) ?? 0)
    .map(({ tag }) => tag);
}

/**
 * Refuses a requested version or git tag that is not a version of the released lane (code `lane-version`).
 *
 * @param path where the name comes from: `version`, `GITHUB_REF`
 */
export function laneVersionProblem(
  { lane, lanes }: { readonly lane: Lane; readonly lanes: readonly Lane[] },
  name: string,
  path: string,
): Problem | undefined {
  if (laneVersion(lane, name) !== undefined) return undefined;
  const other = lanes.find((known) => known !== lane && laneVersion(known, name) !== undefined);
  const belongs = other === undefined ? "" : `; it is one of the lane ${other.name}`;
  return {
    code: "lane-version",
    path,
    message:
      `${JSON.stringify(name)} is not a version of the lane ${lane.name}, ` +
      `whose tags are ${lane.form.prefix}X.Y.Z and whose git tags are ${lane.trigger}X.Y.Z${belongs}`,
    hint:
      other === undefined
        ? `Name it in the lane's format, e.g. TAG=${lane.form.prefix}0.2.1`
        : `Release the lane ${other.name} with the stack that has \`slipway:lane: ${other.name}\`, or name a version of this one, e.g. TAG=${lane.form.prefix}0.2.1`,
  };
}

/**
 * Refuses tags of the released lane that another lane's rules make too, for the same commit and the same version in its
 * own format (code `lane-two-owners`).
 */
export function laneOwnerProblems({
  lane,
  lanes,
  intents,
  event,
  now,
}: {
  readonly lane: Lane;
  readonly lanes: readonly Lane[];
  readonly intents: readonly ImageIntent[];
  readonly event: ReleaseEvent;
  readonly now: Date;
}): Problem[] {
  const others = lanes.filter(({ name }) => name !== lane.name);
  return intents.flatMap((intent) =>
    others.flatMap((other) => {
      const theirs = laneTagNames(other, intent, event, now);
      const repositories = intent.repositories.map(repositoryKey).join(", ");
      return intent.tags
        .filter(({ name }) => theirs.has(name))
        .map(({ name }) => ({
          code: "lane-two-owners",
          path: `${intent.name}:${name}`,
          message: `the lanes ${lane.name} and ${other.name} would both write ${repositories}:${name}`,
          hint: `In one of them, give the rule that makes it a prefix, e.g. type=sha,prefix=${other.name}-sha-`,
        }));
    }),
  );
}

function laneTagNames(lane: Lane, intent: ImageIntent, event: ReleaseEvent, now: Date): Set<string> {
  const ref = intent.version === undefined ? event.ref : `refs/tags/${lane.trigger}${intent.version}`;
  const { entries } = evaluateTagRules({
    rules: parseTagRules(lane.tags, `the lane ${lane.name}'s tags`),
    flavor: parseFlavor(lane.flavor),
    event: { ...event, ref },
    images: [],
    now,
  });
  return new Set(entries.map(({ name }) => name));
}
