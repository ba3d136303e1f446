import type { Environment } from "../config/environment";
import type { Config } from "../plan/config";
import { laneGitTag, laneTags, laneVersion, laneVersionProblem } from "../plan/lanes";
import type { Problem } from "../plan/problem";
import { type ReleaseEvent, tagOf } from "../plan/tag-rules/event";
import { readEvent } from "./event";
import type { GitSource } from "./git";

export interface ReleasedEvent {
  readonly event: ReleaseEvent;
  /** Where the reference was taken from, for the plan. */
  readonly origin: string;
  /** The git tag of the version that was asked for; absent where none was. */
  readonly gitTag?: string;
  /** Git tags at HEAD that can be a release of this stack. */
  readonly tagsAtHead: readonly string[];
  readonly problems: readonly Problem[];
  readonly notices: readonly string[];
}

/** What is released, as `readEvent` says; in a lane only git tags and versions of that lane count. */
export async function readReleasedEvent(
  config: Config,
  env: Environment,
  git: GitSource,
): Promise<ReleasedEvent> {
  const { lane, lanes, version } = config;
  const asked = version === undefined ? {} : { version };
  if (lane === undefined) {
    const { event, origin } = await readEvent({ env, git, ...asked });
    const gitTag = version === undefined ? {} : { gitTag: version };
    return { event, origin, ...gitTag, tagsAtHead: git.tagsAtHead, problems: [], notices: [] };
  }
  const tagsAtHead = laneTags(lane, git.tagsAtHead);
  const { event, origin } = await readEvent({
    env,
    git: { ...git, tagsAtHead: tagsAtHead.slice(0, 1) },
    ...asked,
  });
  const name = tagOf(event.ref);
  const path = version === undefined ? "GITHUB_REF" : "version";
  const problem = name === undefined ? undefined : laneVersionProblem({ lane, lanes }, name, path);
  const known = version === undefined ? undefined : laneVersion(lane, version);
  const example = `${lane.form.prefix}0.2.1`;
  return {
    // A version of another lane must not become one of this lane's tags, not even in a plan that is refused.
    event: problem === undefined ? event : { ...event, ref: "" },
    origin,
    ...(known === undefined ? {} : { gitTag: laneGitTag(lane, known) }),
    tagsAtHead,
    problems: problem === undefined ? [] : [problem],
    notices:
      name === undefined
        ? [
            `there is no version of the lane ${lane.name}, so none of its version tags is written: ` +
              `name one (TAG=${example}), or push a git tag ${lane.trigger}0.2.1`,
          ]
        : [],
  };
}
