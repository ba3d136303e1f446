import type { Lane } from "./lanes";
import type { Problem } from "./problem";
import { repositoryKey } from "./reference";
import type { ImageIntent } from "./release-intent";
import { evaluateTagRules, parseFlavor, parseTagRules, type ReleaseEvent } from "./tag-rules";

export interface LaneOwnersInput {
  readonly lane: Lane;
  readonly lanes: readonly Lane[];
  /** What the lane's stack releases. */
  readonly intents: readonly ImageIntent[];
  readonly event: ReleaseEvent;
  readonly now: Date;
}

/**
 * References that two lanes would own (code `lane-two-owners`): tags that the released lane writes and that another
 * lane's rules give as well, for the same commit and the same version in its own format.
 */
export function laneOwnerProblems({ lane, lanes, intents, event, now }: LaneOwnersInput): Problem[] {
  const others = lanes.filter(({ name }) => name !== lane.name);
  return intents.flatMap((intent) =>
    others.flatMap((other) => {
      const theirs = laneTagNames(other, intent, event, now);
      return intent.tags
        .filter(({ name }) => theirs.has(name))
        .map(({ name }) => ({
          code: "lane-two-owners",
          path: `${intent.name}:${name}`,
          message: `the lanes ${lane.name} and ${other.name} would both own ${repositories(intent)}:${name}`,
          hint: `Give the rule that makes it a prefix in one of them, e.g. type=sha,prefix=${other.name}-sha-`,
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

function repositories(intent: ImageIntent): string {
  return intent.repositories.map(repositoryKey).join(", ");
}
